import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { runTimed } from '../run-timed.ts';

const bridge = 'bare0';
const subnet = '192.168.126';

/** A bridge with taps and nothing else, in a network namespace without a single rule. */
export class BareNetwork implements AsyncDisposable {
  /** The command line that enters the namespace, and becomes what follows. */
  readonly entering: readonly string[];
  readonly #end: () => Promise<void>;
  #guests = 0;

  private constructor(pid: number, end: () => Promise<void>) {
    this.entering = ['nsenter', `--net=/proc/${pid}/ns/net`, '--'];
    this.#end = end;
  }

  static async open(): Promise<BareNetwork> {
    // It holds the namespace, and says when it is in it.
    const holder = spawn('unshare', ['--net', '--', 'sh', '-c', 'echo; exec sleep infinity'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(holder, 'exit');
    await once(holder.stdout, 'data');
    const network = new BareNetwork(holder.pid ?? 0, async () => {
      holder.kill('SIGKILL');
      await exited;
    });
    await network.run('ip', 'link', 'set', 'lo', 'up');
    await network.run('ip', 'link', 'add', bridge, 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0');
    await network.run('ip', 'address', 'add', `${subnet}.1/24`, 'dev', bridge);
    await network.run('ip', 'link', 'set', bridge, 'up');
    return network;
  }

  async run(file: string, ...args: readonly string[]): Promise<string> {
    const [program = '', ...rest] = [...this.entering, file, ...args];
    return Buffer.concat((await runTimed(program, rest)).stdout)
      .toString('utf8')
      .trim();
  }

  /** A tap for one more guest, with the address and MAC that the guest is to have. */
  async addTap(): Promise<{ readonly tap: string; readonly mac: string; readonly address: string }> {
    const host = 2 + this.#guests++;
    const tap = `bare-tap${host}`;
    await this.run('ip', 'tuntap', 'add', 'dev', tap, 'mode', 'tap', 'vnet_hdr');
    await this.run('ip', 'link', 'set', tap, 'master', bridge, 'up');
    return { tap, mac: `02:68:c0:a8:7e:0${host}`, address: `${subnet}.${host}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }
}
