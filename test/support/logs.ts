import assert from 'node:assert/strict';
import type { TestHyperd } from './hyperd.ts';

/** Follows a pod's log, both streams, until a line has come so often. */
export async function untilLogged(
  hyperd: Pick<TestHyperd, 'client'>,
  pod: string,
  line: string,
  times = 1,
): Promise<void> {
  let text = '';
  for await (const { data } of hyperd.client.podLogs(pod, { follow: true })) {
    text += data.toString();
    if (text.split('\n').filter((each) => each === line).length >= times) return;
  }
  assert.fail(`the pod ended without ${line}: ${text}`);
}
