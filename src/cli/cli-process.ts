import { systemCode } from '../lib/errors.ts';
import type { Cli } from './cli.ts';
import { printWhole } from './print-whole.ts';
import { stderr } from './standard-streams.ts';

/** The Cli of this process. @param host the value of `--host`, once it is parsed. */
export function processCli(host: () => string | undefined): Cli {
  const note = (line: string): void => {
    stderr().write(`${line}\n`);
  };
  return {
    env: process.env,
    exitCode: 0,
    async connect(options) {
      // What speaks HTTP is loaded by those that ask the daemon only.
      const [{ HyperClient }, { findDaemonSocket }] = await Promise.all([
        import('../client/index.ts'),
        import('./daemon/daemon-socket.ts'),
      ]);
      const socket = await findDaemonSocket({
        env: process.env,
        uid: process.geteuid?.() ?? 0,
        host: host(),
        start: options?.startDaemon === false ? undefined : (run) => start(run, note),
      });
      return new HyperClient(socket);
    },
    print(line) {
      try {
        printWhole(1, `${line}\n`);
      } catch (error) {
        if (systemCode(error) === 'EPIPE') leaveByPipe();
        throw error;
      }
    },
    note,
  };
}

/** Whoever read what we print has gone: as every tool, with SIGPIPE's exit code. */
function leaveByPipe(): void {
  process.exit(141);
}

/** Starting a daemon is rare: what it takes is loaded only then. */
async function start(run: string, note: (line: string) => void): Promise<void> {
  const [{ startDaemon }, { findHyperd, ownFile }] = await Promise.all([
    import('./daemon/start-daemon.ts'),
    import('./daemon/hyperd-file.ts'),
  ]);
  await startDaemon({ hyperd: findHyperd(ownFile(), process.env.PATH), run, note });
}
