import type { PodSpec, RestartPolicy } from '../../contract/index.ts';
import { UsageError } from '../usage-error.ts';

const words: ReadonlyMap<string, RestartPolicy> = new Map([
  ['never', 'never'],
  ['no', 'never'],
  ['onFailure', 'onFailure'],
  ['on-failure', 'onFailure'],
  ['always', 'always'],
  ['unless-stopped', 'always'],
]);

/** `never`, `onFailure`, `onFailure:5`, `always`; docker's words too. @throws UsageError */
export function parseRestart(text: string): Pick<PodSpec, 'restartPolicy' | 'maxRestarts'> {
  const [, word = '', , count] = /^([A-Za-z-]+)(:(\d+))?$/.exec(text) ?? [];
  const restartPolicy = words.get(word);
  if (restartPolicy === undefined || (count !== undefined && restartPolicy !== 'onFailure')) {
    throw new UsageError(`--restart ${text}: give never, onFailure, onFailure:NUMBER or always`);
  }
  return { restartPolicy, ...(count === undefined ? {} : { maxRestarts: Number(count) }) };
}
