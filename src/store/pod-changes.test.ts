import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podChanges, type PodView } from './pod-changes.ts';

type View = PodView['containers'][number];
const container: View = {
  ...{ id: 'c', name: 'web', image: 'nginx', process: 1, restarts: 0 },
  ...{
    restarting: false,
    exitCode: null,
    oomKilled: false,
    error: null,
    health: null,
    probeFailure: null,
    ready: null,
  },
  state: 'pending',
  settings: { cpus: 'null' },
};
const pod: PodView = {
  ...{ id: 'p', name: 'pod', reason: null, restarting: false, networks: ['net'], settings: { labels: '{}' } },
  state: 'pending',
  containers: [container],
};
const words = (before: PodView | undefined, after: PodView | undefined): string[] =>
  podChanges(before, after).map(({ type, action }) => `${type} ${action}`);

test('a pod comes before its containers, and ends after them', () => {
  const running = { ...pod, state: 'running', containers: [{ ...container, state: 'running' }] } as const;
  const failed = { ...container, state: 'failed', exitCode: 137, oomKilled: true } as const;
  const ended = { ...pod, state: 'failed', containers: [failed] } as const;
  assert.deepEqual(words(undefined, pod), ['pod create', 'container create']);
  assert.deepEqual(words(pod, running), ['container start', 'pod start']);
  assert.deepEqual(words(running, ended), ['container oom', 'container die', 'pod die']);
  assert.deepEqual(words(ended, undefined), ['container destroy', 'pod destroy']);
  assert.equal(podChanges(running, ended)[1]?.attributes['exitCode'], '137');
});

test('what is stored again without a change is no event', () => {
  assert.deepEqual(words(pod, { ...pod }), []);
  assert.deepEqual(words(undefined, undefined), []);
});

test('a restart, a pause, another name, another network', () => {
  const running = { ...pod, state: 'running', containers: [{ ...container, state: 'running' }] } as const;
  const again = { ...running, containers: [{ ...container, state: 'running', process: 9, restarts: 1 }] } as const;
  assert.deepEqual(words(running, again), ['container start']);
  assert.deepEqual(words(running, { ...running, state: 'paused' }), ['pod pause']);
  assert.deepEqual(words({ ...running, state: 'paused' }, running), ['pod unpause']);
  assert.deepEqual(words(pod, { ...pod, name: 'new' }), ['pod rename']);
  const renamed = { ...pod, containers: [{ ...container, name: 'new' }] };
  assert.deepEqual(words(pod, renamed), ['container rename']);
  assert.deepEqual(podChanges(pod, renamed)[0]?.attributes, { podName: 'pod', oldName: 'web' });
  const limited = { ...container, settings: { cpus: '0.5' } };
  const updated = { ...pod, settings: { labels: '{"a":"b"}' }, containers: [limited] };
  assert.deepEqual(words(pod, updated), ['pod update', 'container update']);
  assert.deepEqual(podChanges(pod, updated)[0]?.attributes, { changed: 'labels' });
  assert.deepEqual(words(pod, { ...pod, networks: ['other'] }), ['pod connect', 'pod disconnect']);
  assert.deepEqual(words(pod, { ...pod, containers: [container, { ...container, id: 'd' }] }), ['container create']);
});

test('what a health check and probes say of one that runs; that it begins, or has ended, is no event of theirs', () => {
  const of = (state: View['state'], health: View['health'], ready: View['ready'] = null): PodView => {
    return { ...pod, state: 'running', containers: [{ ...container, state, health, ready }] };
  };
  assert.deepEqual(words(of('pending', null), of('running', 'starting')), ['container start']);
  assert.deepEqual(words(of('running', 'starting'), of('running', 'healthy')), ['container health_status']);
  const [changed] = podChanges(of('running', 'healthy'), of('running', 'unhealthy'));
  assert.deepEqual(changed?.attributes, { podName: 'pod', health: 'unhealthy' });
  assert.deepEqual(words(of('running', 'healthy'), of('failed', 'unhealthy')), ['container die']);
  assert.deepEqual(words(of('pending', null, false), of('running', null, false)), ['container start']);
  assert.deepEqual(words(of('running', null, false), of('running', null, true)), ['container ready']);
  assert.deepEqual(words(of('running', null, true), of('running', null, false)), ['container unready']);
});

test('the reason why a probe has ended a container is told with its end', () => {
  const ended = { ...container, state: 'failed', exitCode: 137, probeFailure: 'its liveness probe failed' } as const;
  const [die] = podChanges(pod, { ...pod, containers: [ended] });
  assert.equal(die?.attributes['reason'], 'its liveness probe failed');
});
