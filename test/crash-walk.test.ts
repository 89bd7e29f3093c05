import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Event, Pod } from '../src/contract/index.ts';
import { type Finished, TestHyperd } from './support/hyperd.ts';
import { seededRandom } from './support/seeded-random.ts';
import { until } from './support/refusal.ts';
import { traces } from './support/traces.ts';

/** HYPER_WALK_SEED walks a walk again; HYPER_WALK_KILLS makes it longer. */
const seed = Number(process.env['HYPER_WALK_SEED'] ?? randomInt(2 ** 31));
const kills = Number(process.env['HYPER_WALK_KILLS'] ?? 10);

const names = ['a', 'b', 'c'].map((letter) => `walk-${letter}`);
/** Counts, a line a step: a gap or a line that came twice shows. Ends with 7 at TERM. */
const counts = 'trap "exit 7" TERM; i=0; while :; do i=$((i+1)); echo $i; usleep 20000; done';
const process_ = ['busybox', 'sh', '-c', counts];

/** What a user may do next, and what with. A command may be refused: the walk does not look where it goes. */
const steps: readonly ((pick: <T>(of: readonly T[]) => T) => string[])[] = [
  (pick) => ['run', '-d', '--name', pick(names), '--restart', pick(['never', 'onFailure', 'always']), ...process_],
  (pick) => ['run', '-d', '--name', pick(names), '-v', 'walked:/data', ...process_],
  (pick) => ['run', '--rm', '--name', pick(names), 'busybox', 'sh', '-c', 'exit 5'],
  (pick) => ['create', '--name', pick(names), '-p', '0:80', ...process_],
  (pick) => ['start', pick(names)],
  (pick) => ['stop', '-t', pick(['0', '5']), pick(names)],
  (pick) => ['kill', pick(names)],
  (pick) => ['rm', '-f', pick(names)],
  (pick) => ['pause', pick(names)],
  (pick) => ['unpause', pick(names)],
  (pick) => ['exec', pick(names), 'true'],
  (pick) => ['create', '-c', pick(names), '--name', 'more', ...process_],
  (pick) => ['start', '-c', `${pick(names)}/more`],
  (pick) => ['rm', '-f', '-c', `${pick(names)}/more`],
];

describe(`a walk of commands with hyperd killed ${kills} times (HYPER_WALK_SEED=${seed})`, () => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await TestHyperd.start();
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  it('leaves nothing behind, loses and doubles no line, and says of each pod what is so', async () => {
    const random = seededRandom(seed);
    const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
    const walked: string[] = [];
    const step = async (): Promise<Finished> => {
      const args = pick(steps)(pick);
      walked.push(args.join(' ').replace(process_.join(' '), '…'));
      return await hyperd.hyper(args);
    };
    for (let kill = 0; kill < kills; kill++) {
      for (let count = 0; count < 3; count++) {
        const { code, stderr } = await step();
        assert.ok(code !== null && !/internal|TypeError/.test(stderr), `${walked.join('\n')}: ${stderr}`);
      }
      const last = step();
      await delay(random() * 1500); // the moment at which it is killed is what the walk is about
      await hyperd.signal('SIGKILL');
      await last;
      walked.push('SIGKILL');
      await hyperd.start();
      try {
        await assertSound(hyperd);
      } catch (error) {
        const latest = walked.slice(-30).join('\n');
        const log = hyperd.log.slice(-4000);
        throw new Error(`after ${kill + 1} kills, HYPER_WALK_SEED=${seed}:\n${latest}\n${log}`, { cause: error });
      }
    }
  });
});

async function assertSound(hyperd: TestHyperd): Promise<void> {
  const { client } = hyperd;
  const settled = (pods: readonly Pod[]): boolean => {
    const running = pods.filter(hasVm).length;
    const { vms, taps } = traces(hyperd); // what its VM left goes behind the back of a pod that has ended
    return (
      pods.every(({ restarting, containers }) => !restarting && containers.every((each) => !each.restarting)) &&
      [hyperd.vmProcesses().length, namesOf(vms).size, taps.length].every((count) => count === running)
    );
  };
  // What the dead one has begun is taken back, and what is to come back is started.
  await until(async () => settled(await client.podList()));
  const pods = await client.podList();
  const running = pods.filter(hasVm);
  const left = traces(hyperd);
  assert.deepEqual(left.pods.sort(), pods.map(({ id }) => id).sort());
  assert.deepEqual([...namesOf(left.vms)].sort(), running.map(({ vmId }) => vmId).sort());
  assert.equal(left.taps.length, running.length);
  assert.equal((await client.vmList()).length, running.length);
  for (const pod of pods) {
    await assertPod(hyperd, pod);
    assert.equal(await stateByEvents(hyperd, pod.id), pod.state, `what events say of ${pod.name}`);
  }
}

const namesOf = (paths: readonly string[]) => new Set(paths.map((path) => path.split('/').at(-1)));

const hasVm = ({ state }: Pod): boolean => state === 'running' || state === 'paused';

async function assertPod(hyperd: TestHyperd, pod: Pod): Promise<void> {
  for (const { id, name, state, exitCode, error } of pod.containers) {
    const where = `${pod.name}/${name}: ${state} ${exitCode} ${error}`;
    if (state === 'succeeded' || state === 'failed') {
      assert.ok([0, 5, 7, 137, 255].includes(exitCode ?? -1), where);
      assert.equal(exitCode === 255, error !== null, where);
    }
    let text = '';
    for await (const { data } of hyperd.client.podLogs(id, {})) text += data.toString();
    const lines = text.split('\n').slice(0, -1).map(Number);
    // Each run counts from 1.
    const wrong = lines.findIndex((line, at) => line !== 1 && line !== (lines[at - 1] ?? 0) + 1);
    assert.equal(wrong, -1, `${where}: line ${wrong} is ${lines[wrong]} after ${lines[wrong - 1]}`);
    if (state !== 'running') continue;
    const ran = await hyperd.hyper(['exec', id, 'echo', 'here']);
    assert.deepEqual([ran.code, ran.stdout], [0, 'here\n'], `${where}: ${ran.stderr}`);
  }
}

/** The end of what events tell of a pod. */
async function stateByEvents(hyperd: TestHyperd, id: string): Promise<Pod['state'] | undefined> {
  let state: Pod['state'] | undefined;
  let exitCode = '';
  let before: Event | undefined;
  for await (const event of hyperd.client.eventList({ since: '0' })) {
    assert.ok(before === undefined || event.sequence > before.sequence, 'events are in order');
    before = event;
    if (event.id !== id) continue;
    if (event.action === 'create') state = 'pending';
    if (event.action === 'start' || event.action === 'unpause') state = 'running';
    if (event.action === 'pause') state = 'paused';
    if (event.action !== 'die') continue;
    exitCode = event.attributes['exitCode'] ?? '';
    state = exitCode === '0' && event.attributes['reason'] === undefined ? 'succeeded' : 'failed';
  }
  return state;
}
