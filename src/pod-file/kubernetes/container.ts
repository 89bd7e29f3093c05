import type { ContainerSpec, PortSpec } from '../../contract/index.ts';
import type { PlannedContainer } from '../planned-file.ts';
import type { FieldPath, Problems } from '../problems.ts';
import type { ConfigData } from './config-data.ts';
import type { Container, InitContainer } from './container-fields.ts';
import { translateEnvironment } from './environment.ts';
import type { Manifest } from './manifest-fields.ts';
import type { References } from './references.ts';
import type { ContainerSize } from './size.ts';
import type { PodVolumes } from './volumes.ts';

type Rights = Manifest['spec']['securityContext'];

/** What a container has of its pod. */
export interface ManifestContext {
  readonly volumes: PodVolumes;
  readonly data: ConfigData;
  readonly references: References;
  readonly rights: Rights;
}

export function translateContainer(
  container: Container | InitContainer,
  pod: ManifestContext,
  { limits }: ContainerSize,
  at: FieldPath,
  problems: Problems,
): PlannedContainer {
  const { name, image, workingDir, stdin, stdinOnce, tty, securityContext } = container;
  const variables = translateEnvironment(container, pod, at, problems);
  const expand = (list: readonly string[] | undefined): string[] | undefined =>
    list === undefined || list.length === 0 ? undefined : list.map((text) => pod.references.expand(text, variables));
  const { mounts, tmpfs, files } = pod.volumes.mountedIn(container, at);
  return {
    spec: {
      ...{ name, image, stdin, stdinOnce, tty, workdir: workingDir },
      ...{ entrypoint: expand(container.command), command: expand(container.args) },
      env: variables.size === 0 ? undefined : [...variables].map(([key, value]) => `${key}=${value}`),
      user: userOf(container, pod.rights, at, problems),
      readOnly: securityContext?.readOnlyRootFilesystem,
      mounts: mounts.length === 0 ? undefined : [...mounts],
      tmpfs: tmpfs.length === 0 ? undefined : [...tmpfs],
      ...limits,
    },
    files,
    at: [...at, 'volumeMounts'],
  };
}

/** The ports of this host that lead to it; those without a hostPort are told for information only (Kubernetes API reference). */
export function portsOf(
  { ports = [] }: Container | InitContainer,
  at: FieldPath,
): { readonly port: PortSpec; readonly at: FieldPath }[] {
  return ports.flatMap(({ containerPort, hostPort = 0, hostIP, protocol = 'TCP' }, index) => {
    if (hostPort === 0) return [];
    const port = { protocol: lowerCase[protocol], guestPort: containerPort, hostPort, hostIp: hostIP };
    return [{ port, at: [...at, 'ports', index] }];
  });
}

const lowerCase = { TCP: 'tcp', UDP: 'udp' } as const;

function userOf(
  { securityContext: own }: Container | InitContainer,
  pod: Rights,
  at: FieldPath,
  problems: Problems,
): ContainerSpec['user'] {
  const user = own?.runAsUser ?? pod?.runAsUser;
  const group = own?.runAsGroup ?? pod?.runAsGroup;
  const context = [...at, 'securityContext'];
  if ((own?.runAsNonRoot ?? pod?.runAsNonRoot) === true && (user ?? 0) === 0) {
    problems.unsupported(
      [...context, 'runAsNonRoot'],
      "the image's user is not looked at: give runAsUser, other than 0",
    );
  }
  if (user === undefined) {
    if (group !== undefined)
      problems.unsupported([...context, 'runAsGroup'], 'a group alone cannot be given: give runAsUser too');
    return undefined;
  }
  return group === undefined ? String(user) : `${user}:${group}`;
}
