import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { podOfFile } from './pod-of-file.ts';

const inTerminal = { stdinIsTerminal: true, stdoutIsTerminal: true };
const inPipe = { stdinIsTerminal: false, stdoutIsTerminal: false };
const size = { rows: 24, cols: 80 };
const attached = { attached: true, stdinIsTaken: false, streams: inTerminal, size };
const spec = { name: 'own', containers: [{ image: 'a', tty: true }, { image: 'b' }] };

describe('a pod file’s pod', () => {
  it('is as the file says, but for what the command line says', () => {
    const { spec: pod } = podOfFile(spec, { name: 'other', rm: true }, { ...attached, attached: false });
    assert.deepEqual([pod.name, pod.autoRemove], ['other', true]);
    assert.deepEqual(pod.containers, [{ image: 'a', tty: true, stdin: false }, { image: 'b' }]);
  });

  it('has our terminal when we attach to it and its first container has one', () => {
    const pod = podOfFile(spec, {}, attached);
    assert.deepEqual(pod.spec.containers[0], { image: 'a', tty: true, stdin: true, terminalSize: size });
    assert.deepEqual(pod.streams, { tty: true, stdin: true });
  });

  it('gets no stdin of ours where that is no terminal, or is the pod file', () => {
    for (const terminal of [
      { ...attached, streams: inPipe },
      { ...attached, stdinIsTaken: true },
    ]) {
      assert.equal(podOfFile(spec, {}, terminal).streams.stdin, false);
    }
    assert.throws(() => podOfFile(spec, { interactive: true }, { ...attached, stdinIsTaken: true }), {
      name: 'UsageError',
    });
  });

  it('gets a pipe with -i, whose end is its stdin’s', () => {
    const pod = podOfFile({ containers: [{ image: 'a' }] }, { interactive: true }, { ...attached, streams: inPipe });
    assert.deepEqual(pod.spec.containers, [{ image: 'a', tty: false, stdin: true, stdinOnce: true }]);
  });
});
