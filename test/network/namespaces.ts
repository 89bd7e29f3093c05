import { runCommand } from '../../src/lib/run-command.ts';

let count = 0;

/** Commands in a network namespace. */
export class NetworkSide {
  /** What to put before a command that is to run in it. */
  readonly by: readonly string[];

  constructor(by: readonly string[]) {
    this.by = by;
  }

  async ip(...args: string[]): Promise<string> {
    return this.run('ip', ...args);
  }

  async run(file: string, ...args: string[]): Promise<string> {
    const [command = '', ...rest] = [...this.by, file, ...args];
    return (await runCommand(command, rest)).stdout;
  }
}

/** A network namespace that goes when it is disposed, with `lo` up. */
export class Namespace extends NetworkSide implements AsyncDisposable {
  readonly name: string;

  private constructor(name: string) {
    super(['ip', 'netns', 'exec', name]);
    this.name = name;
  }

  static async create(): Promise<Namespace> {
    const namespace = new Namespace(`hyper-test-${process.pid}-${(count += 1)}`);
    await runCommand('ip', ['netns', 'add', namespace.name]);
    await namespace.ip('link', 'set', 'lo', 'up');
    return namespace;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runCommand('ip', ['netns', 'delete', this.name]);
  }
}

/** A host and the world outside it: 203.0.113.1 and 203.0.113.2, joined by a cable; the host's default route goes there. */
export async function hostAndOutside(): Promise<{ readonly host: Namespace; readonly outside: Namespace }> {
  const host = await Namespace.create();
  const outside = await Namespace.create();
  await host.ip('link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'uplink', 'netns', outside.name);
  await host.ip('address', 'add', '203.0.113.1/24', 'dev', 'uplink');
  await outside.ip('address', 'add', '203.0.113.2/24', 'dev', 'uplink');
  await host.ip('link', 'set', 'uplink', 'up');
  await outside.ip('link', 'set', 'uplink', 'up');
  await host.ip('route', 'add', 'default', 'via', '203.0.113.2');
  return { host, outside };
}

/** The same by IPv6: 2001:db8:9::1 and 2001:db8:9::2. */
export async function addIpv6({ host, outside }: { host: Namespace; outside: Namespace }): Promise<void> {
  await host.ip('address', 'add', '2001:db8:9::1/64', 'dev', 'uplink', 'nodad');
  await outside.ip('address', 'add', '2001:db8:9::2/64', 'dev', 'uplink', 'nodad');
  await host.ip('route', 'add', 'default', 'via', '2001:db8:9::2');
}

export const isRoot = process.getuid?.() === 0;
export const skipUnlessRoot = isRoot ? false : 'makes network namespaces: run the tests as root';
