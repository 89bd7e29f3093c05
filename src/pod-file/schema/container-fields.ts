import { z } from 'zod';
import { isSignal } from '../../lib/signals.ts';
import { ulimitNames } from '../../lib/ulimit-names.ts';
import { ContainerSpec, HealthCheckSpec, PodSpec, RestartPolicy, Ulimit } from '../../contract/index.ts';
import { FileOfContainer } from './file-fields.ts';
import { choice, hyperFields, imageName, refused, text, texts } from './fields.ts';
import { PortOfContainer } from './port-fields.ts';
import { ProbeFields } from './probe-fields.ts';
import { VolumeMountFields } from './volume-fields.ts';

const { shape: spec } = ContainerSpec;

const Variable = hyperFields({
  env: z
    .string()
    .regex(/^[^=\0]+$/, { error: 'must be a name without =' })
    .describe("the variable's name"),
  value: text.optional().describe('default: empty'),
});

const User = hyperFields({
  name: z
    .string()
    .regex(/^[^:]+$/, { error: 'must be a name or an id, without a colon' })
    .optional()
    .describe('name or id'),
  group: text.optional().describe('name or id'),
  additionalGroups: refused('a process has the groups that /etc/group gives its user'),
});

/** What a container may use of its pod's VM. */
const Resource = hyperFields({
  cpus: spec.cpus.describe("processor time, as a number of the VM's CPUs, fractions too; default: all of it"),
  memory: spec.memoryLimitMiB.describe("in MB; default: what the pod's VM has"),
  pids: spec.pidsLimit,
});

const Signal = text.refine(isSignal, { error: 'must be a signal, as TERM, SIGTERM or a number from 1 to 64' });

const Limit = hyperFields({ ...Ulimit.shape, name: choice(ulimitNames) }, { Name: 'name', Soft: 'soft', Hard: 'hard' });

const shape = {
  name: spec.name.describe('default: made up'),
  id: refused('ids of containers are made up by hyperd: give a name'),
  image: imageName.describe('the image to run'),
  command: z.array(z.string()).optional().describe("replaces the image's command"),
  entrypoint: z.array(z.string()).optional().describe("replaces the image's entrypoint and drops its command"),
  workdir: spec.workdir.describe("default: the image's"),
  envs: z.array(Variable).max(1024).optional().describe('variables'),
  tty: z.boolean().optional().describe("a terminal; default: the pod's"),
  stdin: z.boolean().optional().describe('keep stdin open for those who attach; default false'),
  readOnly: z.boolean().optional().describe('makes its root file system read-only; default false'),
  user: User.optional().describe("default: the image's"),
  volumes: z.array(VolumeMountFields).max(256).optional().describe('where it has volumes'),
  files: z.array(FileOfContainer).max(256).optional().describe('where it has files'),
  ports: z.array(PortOfContainer).max(1024).optional().describe("as the pod's portmappings"),
  labels: texts.optional(),
  stopSignal: Signal.optional().describe("what stops it; default: the image's, else TERM"),
  sysctl: PodSpec.shape.sysctls.describe("of the pod's kernel, which all its containers share"),
  ulimits: z.array(Limit).optional(),
  resource: Resource.optional().describe("what it may use of the pod's VM"),
  restartPolicy: RestartPolicy.optional().describe("the pod's restartPolicy; all containers have the same"),
  logPath: refused("hyperd keeps a container's output: see 'hyper logs'"),
  cache: refused('images are read-only disks, which every pod shares'),
  healthCheck: hyperFields(HealthCheckSpec.shape).optional().describe("laid over the image's HEALTHCHECK"),
  probes: ProbeFields.optional().describe("Kubernetes' probes"),
};
const spelled = { StopSignal: 'stopSignal' };

export const ContainerFields = hyperFields(shape, spelled);
export type ContainerFields = z.infer<typeof ContainerFields>;

const runsToItsEnd = 'an init container runs to its end';

export const InitContainerFields = hyperFields(
  {
    ...shape,
    ports: refused(`${runsToItsEnd}: give them to a container`),
    sysctl: refused('give them to a container: all share the kernel'),
    restartPolicy: refused(`${runsToItsEnd}: put what is to go on beside the others into containers`),
    healthCheck: refused(`${runsToItsEnd}: nobody asks how it is`),
    probes: refused(`${runsToItsEnd}: nobody asks how it is`),
  },
  spelled,
);
export type InitContainerFields = z.infer<typeof InitContainerFields>;
