import type { ContainerRecord } from '../store/index.ts';
import { defaultCapabilities } from './capabilities.ts';
import { mergeEnv } from './container-plan.ts';
import type { PodRun } from './pod-run.ts';
import type { ExecSpec } from './pod-spec.ts';
import { agentRlimit } from './ulimits.ts';

/** One more process of a container that runs; null: of the guest itself. */
export function processSetup(
  container: ContainerRecord | null,
  spec: ExecSpec,
): Omit<Parameters<PodRun['agent']['startProcess']>[0], 'process'> {
  const tty = spec.tty ?? false;
  const env = container?.env ?? ['PATH=/bin:/sbin:/usr/bin:/usr/sbin', 'HOME=/'];
  return {
    container: container?.number ?? 0,
    args: spec.args,
    env: mergeEnv(env, tty ? ['TERM=xterm'] : [], spec.env ?? []),
    cwd: spec.workdir ?? container?.workdir ?? '/',
    user: spec.user ?? container?.user ?? '',
    tty,
    stdin: spec.stdin ?? false,
    rlimits: container?.ulimits.map(agentRlimit) ?? [],
    ...(spec.terminalSize === undefined ? {} : { size: spec.terminalSize }),
    ...(container === null ? {} : { capabilities: defaultCapabilities }),
  };
}
