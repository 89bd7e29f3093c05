import assert from 'node:assert/strict';
import { hostAndOutside, type Namespace } from '../network/namespaces.ts';
import { Room } from '../network/room.ts';
import { type Caller, outputOf, type TestHyperd } from './hyperd.ts';
import { untilLogged } from './logs.ts';

/** A host and a world outside of it, 203.0.113.1 and .2, with a program in each; outside serves a page at port 80. */
export interface HostAndInternet {
  readonly host: Namespace;
  readonly outside: Namespace;
  readonly internet: Room;
  readonly here: Room;
}

export async function hostAndInternet(): Promise<HostAndInternet> {
  const { host, outside } = await hostAndOutside();
  const internet = await Room.start({ by: outside.by });
  const here = await Room.start({ by: host.by });
  await internet.call('serve', '203.0.113.2', 80, 'hello from outside');
  return { host, outside, internet, here };
}

export interface PodCommands {
  /** What a command that must succeed has printed. */
  readonly run: (...args: string[]) => Promise<string>;
  /** A command must fail with this code and these words. */
  readonly refused: (code: number, words: RegExp, ...args: string[]) => Promise<void>;
  /** A pod that says its name to whoever connects to port 80, and does so by now. */
  readonly serve: (name: string, ...options: string[]) => Promise<void>;
  readonly inPod: (pod: string, script: string) => Promise<string>;
  readonly remove: (...pods: string[]) => Promise<string>;
}

/** @param caller whose `hyper` it is, once the tests run. */
export function podCommands(caller: () => Caller & Pick<TestHyperd, 'client'>): PodCommands {
  const run = (...args: string[]): Promise<string> => outputOf(caller(), args);
  return {
    run,
    refused: async (code, words, ...args) => {
      const ran = await caller().hyper(args);
      assert.deepEqual([ran.code, words.test(ran.stderr)], [code, true], `${ran.code}: ${ran.stderr}`);
    },
    serve: async (name, ...options) => {
      await run('run', '-d', '--name', name, '--stop-signal', 'KILL', ...options, 'busybox', ...sayingAtPort80(name));
      await untilLogged(caller(), name, 'ready');
    },
    inPod: (pod, script) => run('exec', pod, 'sh', '-c', script),
    remove: (...pods) => run('rm', '-f', ...pods),
  };
}

/** The command of a container that says this word to whoever connects to port 80, and prints `ready` once it does. */
export function sayingAtPort80(word: string): string[] {
  const answers = 'until nc 127.0.0.1 80 </dev/null >/dev/null 2>&1; do :; done';
  return ['sh', '-c', `nc -ll -p 80 -e echo ${word} & ${answers}; echo ready; wait`];
}
