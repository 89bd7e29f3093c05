import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { tableOf } from './firewall-options.ts';
import { readSetting } from './net-setting.ts';

/** What is kept up. */
interface Kept {
  readonly bridge: string;
  /** Looks whether something of it has gone, and makes it again. */
  mend(): Promise<void>;
}

/** The programs that tell what goes, each line that may be about a network of ours. */
const watchers = [
  { file: 'nft', args: ['monitor', 'destroy', 'tables'], gone: /^delete table \S+ (\S+)/ },
  { file: 'ip', args: ['-o', 'monitor', 'link'], gone: /^Deleted \d+: ([^:@\s]+)/ },
] as const;
/** Before one that has ended is started again: longer each time, where it cannot work here. */
const waitsMs = { first: 1000, most: 60_000 } as const;
/** The kernel tells nobody of its settings. */
const lookIntervalMs = 2000;

/**
 * Notices when somebody else takes away what networks are made of - a firewall that is loaded anew flushes all rules, a
 * tool removes a bridge, a script turns routing off - and has it made again: guests are not left without their walls.
 */
export class Upkeep implements Disposable {
  readonly #networks: () => readonly Kept[];
  readonly #log: Log;
  readonly #children = new Set<ChildProcess>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #mending = new Set<Kept>();
  readonly #again = new Set<Kept>();
  #ended = false;

  constructor(networks: () => readonly Kept[], log: Log) {
    this.#networks = networks;
    this.#log = log;
    for (const watcher of watchers) this.#watch(watcher);
    const timer = setInterval(() => void this.#look(), lookIntervalMs);
    timer.unref();
    this.#timers.add(timer);
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const child of this.#children) child.kill();
  }

  #watch(watcher: (typeof watchers)[number], waitMs: number = waitsMs.first): void {
    const { file, args, gone } = watcher;
    const began = performance.now();
    // It ends with hyperd, also where that is killed.
    const command = ['--pdeathsig', 'KILL', '--', file, ...args];
    const again = (): void => {
      if (this.#ended) return;
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        const worked = performance.now() - began > waitsMs.most;
        this.#watch(watcher, worked ? waitsMs.first : Math.min(2 * waitMs, waitsMs.most));
        for (const each of this.#networks()) void this.#mend(each); // what went meanwhile was not told
      }, waitMs);
      timer.unref();
      this.#timers.add(timer);
    };
    let child: ChildProcess;
    try {
      child = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'ignore'] });
    } catch {
      again(); // no memory
      return;
    }
    const ended = (): void => {
      if (this.#children.delete(child)) again();
    };
    child.on('error', ended); // it is not installed: then there are no networks either
    child.on('close', ended);
    child.unref();
    this.#children.add(child);
    if (!(child.stdout instanceof Readable)) return; // no descriptor is left: its error follows
    const lines = createInterface({ input: child.stdout });
    lines.on('error', () => undefined); // its end says it
    lines.on('line', (line) => {
      const [, name] = gone.exec(line) ?? [];
      for (const each of this.#networks()) {
        if (name === each.bridge || name === tableOf(each.bridge)) void this.#mend(each);
      }
    });
  }

  async #look(): Promise<void> {
    if ((await readSetting('ipv4/ip_forward').catch(() => undefined)) !== '0') return;
    for (const each of this.#networks()) void this.#mend(each);
  }

  /** One look at a time: what is told during one calls for one more, however much it is. */
  async #mend(network: Kept): Promise<void> {
    if (this.#mending.has(network)) {
      this.#again.add(network);
      return;
    }
    this.#mending.add(network);
    try {
      do {
        this.#again.delete(network);
        await network.mend();
      } while (this.#again.has(network));
    } catch (error) {
      this.#log.warn({ bridge: network.bridge, error: messageOf(error) }, 'a network cannot be looked at');
    } finally {
      this.#mending.delete(network);
    }
  }
}
