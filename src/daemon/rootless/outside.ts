import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, open, readFile, rm } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { HyperError, messageOf, systemCode } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { identifyProcess, type ProcessIdentity } from '../../lib/process-identity.ts';
import { missingCommand, runCommand } from '../../lib/run-command.ts';
import type { HolderRecord, Outside } from './holder-record.ts';

/** What joins the namespace to the world is called so in it. */
export const outsideDevice = 'outside0';
const mtu = 65_520;
const startTimeoutMs = 10_000;

interface OutsideOptions {
  readonly holderPid: number;
  readonly runDir: string;
  readonly log: Log;
}

/** How a tool is started on the network `PREFIX.0/24`; gives its process. */
type Starter = (options: OutsideOptions, prefix: string) => Promise<ProcessIdentity>;

/**
 * Joins a namespace to the world outside by whichever tool works. slirp4netns first: pasta cannot be asked for a port of
 * the host once it runs. (On Debian 12 slirp4netns brought 114 MB/s into the namespace and 429 out of it, pasta 197 and 169.)
 * Without one the namespace works, but nothing outside is reached: `reason` says what to do.
 */
export async function startOutside(
  options: OutsideOptions,
): Promise<{ readonly outside: HolderRecord['outside']; readonly reason: string }> {
  try {
    await access('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    const todo = `run 'modprobe tun && chmod 0666 /dev/net/tun' as root`;
    return { outside: null, reason: `/dev/net/tun cannot be opened by this user, so there is no network: ${todo}` };
  }
  const prefix = freePrefix();
  const failures: string[] = [];
  for (const [tool, start] of [
    ['slirp4netns', startSlirp],
    ['pasta', startPasta],
  ] as const) {
    try {
      const process = await start(options, prefix);
      const apiSocket = tool === 'slirp4netns' ? slirpSocketIn(options.runDir) : null;
      return { outside: { process, tool, ...placeOn(prefix), apiSocket }, reason: '' };
    } catch (error) {
      options.log.debug({ tool, error: messageOf(error) }, 'a tool for the network outside did not start');
      failures.push(messageOf(error));
    }
  }
  return { outside: null, reason: `nothing outside is reached: ${failures.join('; or ')}` };
}

/** Both tools are told to use the addresses that are slirp4netns' habit. */
function placeOn(prefix: string): Omit<Outside, 'tool' | 'apiSocket'> {
  return { subnet: `${prefix}.0/24`, hostLoopback: `${prefix}.2`, dns: `${prefix}.3`, address: `${prefix}.100` };
}

/** A /24 in which this host has no address: what is in it could not be reached from inside. */
function freePrefix(): string {
  const taken = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);
  const candidates = ['10.0.2', '10.253.2', '172.31.252', '192.168.252'];
  return candidates.find((prefix) => !taken.some((address) => address.startsWith(`${prefix}.`))) ?? '10.0.2';
}

/** The host's own addresses: no guest may come to the host by them. */
export function hostAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap(
    (list) => list?.flatMap(({ address, internal }) => (internal || !isIPv4(address) ? [] : [address])) ?? [],
  );
}

const startPasta: Starter = async ({ holderPid, runDir }, prefix) => {
  const pidFile = join(runDir, 'pasta.pid');
  // No port is forwarded by itself, either way: its default is all that are bound. It goes to the background when ready.
  const ports = ['-t', 'none', '-u', 'none', '-T', 'none', '-U', 'none'];
  const addresses = ['-a', `${prefix}.100`, '-n', '24', '-g', `${prefix}.2`, '--dns-forward', `${prefix}.3`];
  const args = ['--quiet', '--config-net', '--ipv4-only', '--mtu', String(mtu), '--ns-ifname', outsideDevice];
  await runCommand('pasta', [...args, ...ports, ...addresses, '--pid', pidFile, String(holderPid)], {
    timeoutMs: startTimeoutMs,
    cwd: '/',
  });
  const process = await identifyProcess(Number(await readFile(pidFile, 'utf8')));
  if (process === undefined) throw new HyperError('unavailable', 'pasta ended at once: start hyperd again');
  return process;
};

const slirpSocketIn = (runDir: string): string => join(runDir, 'slirp4netns.sock');

const startSlirp: Starter = async ({ holderPid, runDir }, prefix) => {
  const logFile = join(runDir, 'slirp4netns.log');
  await using log = await open(logFile, 'w', 0o600);
  const args = ['--configure', `--mtu=${mtu}`, '--enable-sandbox', '--enable-seccomp', `--cidr=${prefix}.0/24`];
  const api = `--api-socket=${slirpSocketIn(runDir)}`;
  await rm(slirpSocketIn(runDir), { force: true }); // of one that is gone
  const child = spawn('slirp4netns', [...args, api, '--ready-fd=3', String(holderPid), outsideDevice], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', log.fd, log.fd, 'pipe'],
  });
  const ready = child.stdio[3];
  const timer = setTimeout(() => child.kill('SIGKILL'), startTimeoutMs);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', (error) => reject(systemCode(error) === 'ENOENT' ? missingCommand('slirp4netns') : error));
      child.once('exit', () => reject(new HyperError('unavailable', `slirp4netns failed: see ${logFile}`)));
      ready?.once('data', () => resolve());
    });
  } finally {
    clearTimeout(timer);
    ready?.destroy();
  }
  child.unref();
  const process = child.pid === undefined ? undefined : await identifyProcess(child.pid);
  if (process === undefined) throw new HyperError('unavailable', `slirp4netns ended at once: see ${logFile}`);
  return process;
};
