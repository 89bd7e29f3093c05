import { join } from 'node:path';

/** Where Hyper keeps what is its own (DESIGN.md 5, Users). All are absolute paths. */
export interface HyperPaths {
  /** Images, pods and state: survives a reboot. */
  readonly root: string;
  /** Sockets, locks and the daemon's log: may be empty after a reboot. */
  readonly run: string;
  readonly config: string;
}

/** What the paths depend on, given so that tests need not be root. */
export interface PathsOwner {
  readonly uid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export const systemPaths: HyperPaths = {
  root: '/var/lib/hyper',
  run: '/run/hyper',
  config: '/etc/hyper/config.json',
};

/** The system's paths for root, else the XDG base directories (XDG Base Directory Specification 0.8). */
export function hyperPaths(owner: PathsOwner): HyperPaths {
  if (owner.uid === 0) return systemPaths;
  const home = owner.env.HOME ?? '/';
  const folder = (variable: string, fallback: string): string => {
    const value = owner.env[variable];
    // The specification: a relative path is invalid and is ignored.
    return value?.startsWith('/') === true ? value : fallback;
  };
  const runtime = folder('XDG_RUNTIME_DIR', '');
  return {
    root: join(folder('XDG_DATA_HOME', join(home, '.local/share')), 'hyper'),
    run: runtime === '' ? `/tmp/hyper-${owner.uid}` : join(runtime, 'hyper'),
    config: join(folder('XDG_CONFIG_HOME', join(home, '.config')), 'hyper/config.json'),
  };
}

/** The paths of the user who runs this process. */
export function ownPaths(): HyperPaths {
  return hyperPaths({ uid: process.geteuid?.() ?? 0, env: process.env });
}

/** Where hyperd listens, in its run folder. */
export const socketIn = (run: string): string => join(run, 'hyper.sock');
/** Where a hyperd that was started by the CLI writes its log. */
export const daemonLogIn = (run: string): string => join(run, 'hyperd.log');
