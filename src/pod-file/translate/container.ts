import { isAboveHard } from '../../lib/ulimit-names.ts';
import type { ContainerSpec } from '../../contract/index.ts';
import type { PlannedContainer } from '../planned-file.ts';
import type { FieldPath, Problems } from '../problems.ts';
import type { ContainerFields, InitContainerFields } from '../schema/container-fields.ts';
import { byName } from './by-name.ts';
import type { PodFiles } from './files.ts';
import { type NamedVolumes, translateMounts } from './volumes.ts';

/** What a container may refer to. */
export interface PodContext {
  readonly volumes: NamedVolumes;
  readonly files: PodFiles;
  readonly tty: boolean | undefined;
}

/** A container with its health check and its probes. */
export function translateContainer(
  container: ContainerFields,
  pod: PodContext,
  at: FieldPath,
  problems: Problems,
): PlannedContainer {
  const { spec, ...rest } = translateInitContainer(container, pod, at, problems);
  return { spec: { ...spec, healthCheck: container.healthCheck, probes: container.probes }, ...rest };
}

/** What every container has. */
export function translateInitContainer(
  container: ContainerFields | InitContainerFields,
  pod: PodContext,
  at: FieldPath,
  problems: Problems,
): PlannedContainer {
  const { name, image, workdir, stdin, readOnly, labels, stopSignal, ulimits, resource } = container;
  const envs = container.envs ?? [];
  byName(
    envs,
    ({ env }) => env,
    (index) => [...at, 'envs', index, 'env'],
    problems,
  );
  (ulimits ?? []).forEach((limit, index) => {
    if (isAboveHard(limit)) {
      problems.add(
        [...at, 'ulimits', index, 'soft'],
        `must be at most the hard limit ${limit.hard}, found ${limit.soft}`,
      );
    }
  });
  const tty = container.tty ?? pod.tty;
  const mounts = translateMounts(container.volumes ?? [], pod.volumes, [...at, 'volumes'], problems);
  return {
    spec: {
      ...{ name, image, workdir, stdin, readOnly, labels, stopSignal, ulimits, tty },
      ...{ entrypoint: unlessEmpty(container.entrypoint), command: unlessEmpty(container.command) },
      env: envs.length === 0 ? undefined : envs.map(({ env, value = '' }) => `${env}=${value}`),
      user: userOf(container, at, problems),
      mounts: unlessEmpty(mounts),
      ...{ cpus: resource?.cpus, memoryLimitMiB: resource?.memory, pidsLimit: resource?.pids },
    },
    files: pod.files.translate(container.files ?? [], [...at, 'files']),
    at: [...at, 'files'],
  };
}

/** The first Hyper's programs wrote an empty list for one that was left out. */
const unlessEmpty = <T>(list: T[] | undefined): T[] | undefined => (list?.length === 0 ? undefined : list);

function userOf({ user }: Pick<ContainerFields, 'user'>, at: FieldPath, problems: Problems): ContainerSpec['user'] {
  if (user?.name === undefined) {
    if (user?.group !== undefined)
      problems.add([...at, 'user', 'name'], 'is missing: it must be given where a group is');
    return undefined;
  }
  return user.group === undefined ? user.name : `${user.name}:${user.group}`;
}
