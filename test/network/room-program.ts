// The network room in a process of its own, so that a test can have it in any namespace: one JSON request a line on
// stdin, one JSON answer a line on stdout. `--rootless RUN_DIR`: by way of the namespaces of an ordinary user.
import { createInterface } from 'node:readline';
import { createServer, connect } from 'node:net';
import {
  ensureNamespace,
  hostOutside,
  mapAddress,
  onHost,
  qemuUser,
  upstreamsOf,
  type Place,
} from '../../src/daemon/rootless/index.ts';
import { HyperError, messageOf } from '../../src/lib/errors.ts';
import { silentLog } from '../../src/lib/log.ts';
import { runCommand } from '../../src/lib/run-command.ts';
import { DnsServer } from '../../src/network/dns/server.ts';
import {
  openNetworks,
  SlirpPorts,
  type Endpoint,
  type EndpointWish,
  type Names,
  type NetworkDefinition,
  type Networks,
  type PortMapping,
  type PublishedPort,
} from '../../src/network/index.ts';

export interface Requests {
  place: [];
  qemuUser: [];
  mapAddress: [string];
  pid: [];
  cwd: [];
  open: [
    {
      readonly bridge?: string;
      readonly subnet?: string;
      readonly ipv6?: { readonly subnet: string };
      readonly internal?: boolean;
      readonly owner?: string;
      readonly upstreams?: readonly string[];
      readonly forbiddenDestinations?: readonly string[];
    },
  ];
  status: [];
  connect: [string, number, ({ readonly network?: string; readonly names?: readonly string[] } & EndpointWish)?];
  assign: [Endpoint, EndpointWish & { readonly network: string }];
  publish: [Endpoint, PortMapping[]];
  unpublish: [Endpoint, PublishedPort[]];
  createNetwork: [NetworkDefinition & { readonly name: string }];
  removeNetwork: [string];
  disconnect: [Endpoint];
  restore: [Endpoint[]];
  listTaps: [];
  close: [];
  remove: [];
  /** A server that says `text` to whoever connects. */
  serve: [string, number, string];
  serveDns: [string, Readonly<Record<string, string>>];
  /** What a server said, or the error's code. */
  ask: [string, number];
  run: [string, string[]];
}

const rootless = process.argv[2] === '--rootless' ? process.argv[3] : undefined;
const log = process.env['HYPER_TEST_VERBOSE'] === undefined ? silentLog : console;
let networks: Networks | undefined;

function namesFrom(table: Readonly<Record<string, string>>): Names {
  return {
    resolve: (name) => (table[name] === undefined ? undefined : [table[name]]),
    reverse: (address) => Object.keys(table).find((name) => table[name] === address) ?? null,
  };
}

function opened(): Networks {
  if (networks === undefined) throw new Error('no network was opened');
  return networks;
}

async function open(place: Place, [options]: Requests['open']): Promise<unknown> {
  const { upstreams, owner = '/test', forbiddenDestinations = [], ...standard } = options;
  const ask = upstreams === undefined ? upstreamsOf(place) : () => Promise.resolve(upstreams);
  const { outside } = place;
  const slirp = { socket: outside?.apiSocket ?? null, address: outside?.address ?? '' };
  networks = await openNetworks({
    standard,
    ...(place.kind === 'host' ? {} : { hostPorts: new SlirpPorts(slirp) }),
    owner,
    log,
    ...(ask === undefined ? {} : { upstreams: ask }),
    hostOutside: hostOutside(place),
    forbiddenDestinations: [...place.forbiddenDestinations, ...forbiddenDestinations],
  });
  return networks.status();
}

function serve([address, port, text]: Requests['serve']): Promise<null> {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).end(text));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => resolve(null));
  });
}

function ask([address, port]: Requests['ask']): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 1500 });
    let said = '';
    socket.on('data', (chunk) => (said += chunk.toString()));
    socket.on('timeout', () => socket.destroy(new Error('timeout')));
    socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    socket.on('end', () => resolve(said));
  });
}

type Handlers = { readonly [M in keyof Requests]: (args: Requests[M]) => unknown };

function handlersAt(place: Place): Handlers {
  return {
    place: () => place,
    qemuUser: () => qemuUser(),
    mapAddress: ([address]) => mapAddress(place, address),
    pid: () => process.pid,
    cwd: () => process.cwd(),
    open: (args) => open(place, args),
    status: () => opened().status(),
    connect: ([vmId, ownerUid, wish = {}]) => opened().connect(vmId, { ...wish, ownerUid }),
    assign: ([endpoint, wish]) => opened().assign(endpoint, wish),
    publish: ([endpoint, mappings]) => opened().publish(endpoint, mappings),
    unpublish: ([endpoint, ports]) => opened().unpublish(endpoint, ports),
    createNetwork: async ([definition]) => (await opened().create(definition)).status(),
    removeNetwork: ([name]) => opened().remove(name),
    disconnect: ([endpoint]) => opened().disconnect(endpoint),
    restore: ([endpoints]) => opened().restore(endpoints),
    listTaps: () => opened().standard.listTaps(),
    close: () => opened().close(),
    remove: () => opened().removeAll(),
    serve,
    serveDns: async ([address, table]) => {
      const none = () => Promise.resolve([]);
      await DnsServer.listen({ address, names: () => namesFrom(table), upstreams: none, log });
    },
    ask,
    run: async ([file, args]) => (await runCommand(file, args, { timeoutMs: 10_000 })).stdout,
  };
}

if (import.meta.main) {
  let place = onHost;
  try {
    if (rootless !== undefined) place = await ensureNamespace({ runDir: rootless, argv: process.argv.slice(1), log });
  } catch (error) {
    console.log(JSON.stringify({ code: error instanceof HyperError ? error.code : 'none', message: messageOf(error) }));
    process.exit(1);
  }
  const handlers: Readonly<Record<string, (args: never) => unknown>> = handlersAt(place);
  console.log(JSON.stringify({ result: 'ready' }));
  for await (const line of createInterface({ input: process.stdin })) {
    const { method, args } = JSON.parse(line) as { method: string; args: never };
    try {
      console.log(JSON.stringify({ result: (await handlers[method]?.(args)) ?? null }));
    } catch (error) {
      console.log(
        JSON.stringify({ code: error instanceof HyperError ? error.code : 'none', message: messageOf(error) }),
      );
    }
  }
  process.exit(0);
}
