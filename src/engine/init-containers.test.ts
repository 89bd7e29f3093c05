import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerRecord } from '../store/index.ts';
import { initFailure, nextToStart } from './init-containers.ts';

type Lived = Pick<ContainerRecord, 'name' | 'init' | 'waiting' | 'state' | 'restarting' | 'exitCode' | 'error'>;
interface One {
  readonly record: Lived;
  readonly stopping: boolean;
}

const one = (name: string, record: Partial<Lived> = {}, stopping = false): One => ({
  record: {
    name,
    init: false,
    waiting: false,
    state: 'pending',
    restarting: false,
    exitCode: null,
    error: null,
    ...record,
  },
  stopping,
});
const init = (name: string, record: Partial<Lived> = {}): One => one(name, { init: true, ...record });
const waits = { waiting: true };
const succeeded = { state: 'succeeded', exitCode: 0 } as const;
const failed = { state: 'failed', exitCode: 3 } as const;
const next = (...containers: One[]): string[] => nextToStart(containers).map(({ record }) => record.name);
const failure = (...containers: One[]): string | undefined => initFailure(containers, { name: 'pod' })?.message;

describe('what waits for init containers', () => {
  it('starts when all before it have succeeded, one init container after the other', () => {
    const main = one('main', waits);
    const second = init('second', waits);
    assert.deepEqual(next(main, init('first', { state: 'running' }), second), []);
    assert.deepEqual(next(main, init('first', { ...failed, restarting: true }), second), []);
    assert.deepEqual(next(main, init('first', failed), second), []);
    assert.deepEqual(next(main, init('first', succeeded), second), ['second']);
    assert.deepEqual(next(main, one('side', waits), one('added'), init('first', succeeded)), ['main', 'side']);
    assert.deepEqual(next(one('main', { state: 'running' }), init('first', succeeded)), []);
  });

  it('will not start when one has failed for good, or its pod is stopped', () => {
    const main = one('main', waits);
    assert.equal(failure(main, init('first', { state: 'running' })), undefined);
    assert.equal(failure(main, init('first', { ...failed, restarting: true })), undefined);
    assert.match(
      failure(main, init('first', failed)) ?? '',
      /first ended with exit code 3: see 'hyper logs pod\/first'/,
    );
    assert.match(failure(main, init('first', { ...failed, error: 'no such file' })) ?? '', /not be run: no such file/);
    assert.match(failure(one('main', waits, true), init('first', succeeded)) ?? '', /was stopped before/);
  });
});
