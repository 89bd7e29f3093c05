import { z } from 'zod';
import { HyperError } from '../lib/errors.ts';
import { FedCommand } from '../lib/fed-command.ts';
import { runCommand } from '../lib/run-command.ts';
import type { Family } from './subnet.ts';

const Link = z.object({
  ifname: z.string(),
  mtu: z.number(),
  ifalias: z.string().optional(),
  linkinfo: z
    .object({ info_kind: z.string().optional(), info_data: z.object({ type: z.string().optional() }).optional() })
    .optional(),
});
/** A network device, as much as we need of `ip -details -json link`. */
export type Link = z.infer<typeof Link>;

const Route = z.object({ dst: z.string(), dev: z.string().optional(), type: z.string().optional() });
/** A route, as much as we need of `ip -json route`. */
export type Route = z.infer<typeof Route>;

/** Some versions of ip print nothing where there is nothing, and `{}` for what they filtered out. */
function parseList<T>(schema: z.ZodType<T>, json: string): T[] {
  const list = json.trim() === '' ? [] : z.array(z.unknown()).parse(JSON.parse(json));
  return list.flatMap((item) => {
    const parsed = schema.safeParse(item);
    return parsed.success ? [parsed.data] : [];
  });
}

const untilOneFails = new FedCommand('ip', ['-batch', '-']);
const whicheverFail = new FedCommand('ip', ['-force', '-batch', '-']);

/** Runs several ip commands in one process: they stop at the first that fails. */
export async function ipBatch(lines: readonly string[], signal?: AbortSignal): Promise<void> {
  await untilOneFails.run(lines.join('\n'), signal);
}

/**
 * Runs several ip commands in one process, all of them whichever fail.
 *
 * @throws HyperError `internal` unless each complaint is one that `mayFail` accepts.
 */
export async function ipBatchAll(lines: readonly string[], mayFail: (complaint: string) => boolean): Promise<void> {
  try {
    await whicheverFail.run(lines.join('\n'));
  } catch (error) {
    if (!(error instanceof HyperError) || error.code !== 'internal') throw error;
    const [, ...complaints] = error.message.split(/: |\n/).filter((line) => !line.startsWith('Command failed -'));
    if (complaints.length === 0 || !complaints.every(mayFail)) throw error;
  }
}

/** The device of this name, or undefined. */
export async function findLink(name: string): Promise<Link | undefined> {
  try {
    const { stdout } = await runCommand('ip', ['-details', '-json', 'link', 'show', 'dev', name]);
    return parseList(Link, stdout)[0];
  } catch (error) {
    if (error instanceof HyperError && isNoSuchDevice(error.message)) return undefined;
    throw error;
  }
}

/** All bridges. */
export async function listBridges(): Promise<Link[]> {
  const { stdout } = await runCommand('ip', ['-details', '-json', 'link', 'show', 'type', 'bridge']);
  return parseList(Link, stdout);
}

/** The devices that are ports of a bridge. */
export async function linksOn(bridge: string): Promise<Link[]> {
  const { stdout } = await runCommand('ip', ['-details', '-json', 'link', 'show', 'master', bridge]);
  return parseList(Link, stdout);
}

/** All routes of a family, of all tables, so also the host's own addresses. */
export async function listRoutes(family: Family): Promise<Route[]> {
  const { stdout } = await runCommand('ip', [`-${family}`, '-json', 'route', 'show', 'table', 'all']);
  return parseList(Route, stdout);
}

/** A device's own addresses, of all routes. */
export function localAddresses(routes: readonly Route[], device: string): string[] {
  return routes.flatMap(({ type, dev, dst }) => (type === 'local' && dev === device ? dst : []));
}

/** Whether ip complains that a device is not there. */
export function isNoSuchDevice(complaint: string): boolean {
  return /does not exist|Cannot find device/.test(complaint);
}
