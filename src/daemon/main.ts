import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { join } from 'node:path';
import { HyperError, messageOf } from '../lib/errors.ts';
import { withFileLock } from '../lib/file-lock.ts';
import { leaveProcess } from '../lib/leave-process.ts';
import type { Log } from '../lib/log.ts';
import { ownPaths, socketIn } from '../lib/paths.ts';
import { type Config, readConfig } from './config.ts';
import { openLog } from './daemon-log.ts';
import { Hyperd } from './hyperd.ts';
import { makeOwn } from './own-folder.ts';
import { ownVersion } from './own-version.ts';
import { watchConfig } from './watch-config.ts';
import { ensureNamespace, type Place } from './rootless/index.ts';

const help = `Usage: hyperd [OPTIONS]

Runs pods in virtual machines and serves Hyper's API on a unix socket. Logs are JSON lines on stderr.

Options:
  --root DIR      images, pods and state (default: ${ownPaths().root})
  --run DIR       sockets and what lives with a VM (default: ${ownPaths().run})
  --config FILE   (default: ${ownPaths().config})
  --version
  --help

Signals:
  TERM, INT       stops every pod in order, then exits
  HUP             exits and leaves the pods running: the next hyperd goes on with them
`;

/** EX_TEMPFAIL of sysexits.h: another hyperd of this run folder is there. */
const exitLocked = 75;
const exitUsage = 2;

interface Arguments {
  readonly root: string;
  readonly run: string;
  readonly config: string;
}

/** What the command line says; undefined when it was answered by a text. */
function readArguments(): Arguments | undefined {
  const paths = ownPaths();
  const { values } = parseArgs({
    options: {
      root: { type: 'string', default: paths.root },
      run: { type: 'string', default: paths.run },
      config: { type: 'string', default: paths.config },
      version: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) process.stdout.write(help);
  else if (values.version === true) process.stdout.write(`hyperd version ${ownVersion}\n`);
  else return values;
  return undefined;
}

async function main(): Promise<number> {
  let paths: Arguments | undefined;
  try {
    paths = readArguments();
  } catch (error) {
    process.stderr.write(`hyperd: ${messageOf(error)}\nSee 'hyperd --help'.\n`);
    return exitUsage;
  }
  if (paths === undefined) return 0;
  const config = await readConfig(paths.config);
  const log = openLog(config.logLevel);
  process.on('uncaughtException', (error) => {
    log.error({ error }, 'a defect of hyperd: it ends, the pods go on, the next hyperd finds them');
    leaveProcess(1);
  });
  // Inside an ordinary user's namespace we are root, whose own paths are others: it is told the user's.
  const told = ['--root', paths.root, '--run', paths.run, '--config', paths.config];
  const argv = [...process.argv.slice(1, 2), ...told];
  const place = await ensureNamespace({ runDir: paths.run, argv, log });
  return await alone(paths, () => serve(paths, config, place, log));
}

/** Runs hyperd if no other one serves this run folder, and none has this root folder. */
async function alone({ root, run }: Arguments, work: () => Promise<void>): Promise<number> {
  await makeOwn(run, '--run', 0o711);
  const served = await ifFree(run, async () => {
    await makeOwn(root, '--root');
    if (await ifFree(root, work)) return;
    const todo = 'stop it, or choose another with --root';
    throw new HyperError('conflict', `another hyperd has the root folder ${root}: ${todo}`);
  });
  if (served) return 0;
  process.stderr.write(`hyperd: another hyperd serves ${socketIn(run)}\n`);
  return exitLocked;
}

/** Does something while holding a folder's lock; false when another hyperd has it. */
async function ifFree(folder: string, work: () => Promise<void>): Promise<boolean> {
  const state = { entered: false };
  try {
    const lock = join(folder, 'hyperd.lock');
    await withFileLock(
      lock,
      async () => {
        state.entered = true;
        await work();
      },
      0,
    );
    return true;
  } catch (error) {
    if (state.entered || !(error instanceof HyperError) || error.code !== 'timeout') throw error;
    return false;
  }
}

async function serve(paths: Arguments, settings: Config, place: Place, log: Log): Promise<void> {
  const hyperd = await Hyperd.start({ ...paths, settings, place, log });
  // The first signal ends it; more of them do not hurry what must be done in order.
  const { promise, resolve } = Promise.withResolvers<'stop' | 'leave'>();
  process.on('SIGTERM', () => resolve('stop'));
  process.on('SIGINT', () => resolve('stop'));
  process.on('SIGHUP', () => resolve('leave'));
  const stopWatching = watchConfig(paths.config, log, (changed) => hyperd.reconfigure(changed));
  const how = await promise;
  stopWatching();
  log.info({ how }, 'hyperd ends');
  await hyperd.close(how === 'stop');
}

// Pods' output passes through buffers outside of V8's heap, for each 8 MiB of which it would collect all garbage: most of
// what hyperd does then (docs/performance.md). So they count as the heap's own, whose limit grows with use.
setFlagsFromString('--external-memory-accounted-in-global-limit');

main().then(leaveProcess, (error: unknown) => {
  process.stderr.write(`hyperd: ${messageOf(error)}\n`);
  if (!(error instanceof HyperError)) process.stderr.write(`${error instanceof Error ? (error.stack ?? '') : ''}\n`);
  leaveProcess(1);
});
