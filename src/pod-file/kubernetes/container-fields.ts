import { z } from 'zod';
import { ContainerSpec } from '../../contract/index.ts';
import { absolutePath, choice, fields, imageName, refused, text } from '../schema/fields.ts';
import { EndingManifestProbe, ManifestProbe } from '../schema/probe-fields.ts';

const id = z.number().int().min(0).max(0xffff_fffe);
const quantity = z.union([z.string(), z.number()], { error: 'must be a quantity, as 500m or 128Mi' });

const noProfiles = 'the guest has no such profiles';

/** What may be asked for of a pod's and of a container's rights. */
const rights = {
  runAsUser: id.optional(),
  runAsGroup: id.optional(),
  runAsNonRoot: z.boolean().optional(),
  seLinuxOptions: refused(noProfiles),
  seccompProfile: refused(noProfiles),
  appArmorProfile: refused(noProfiles),
  windowsOptions: refused('pods run Linux'),
};

export const PodRights = fields({
  ...rights,
  sysctls: z.array(fields({ name: z.string().min(1), value: text })).optional(),
  fsGroup: refused('volumes have the owners that the host gives them'),
  fsGroupChangePolicy: refused('volumes have the owners that the host gives them'),
  supplementalGroups: refused('a process has the groups that /etc/group gives its user'),
  supplementalGroupsPolicy: refused('a process has the groups that /etc/group gives its user', ['Merge']),
  seLinuxChangePolicy: refused(noProfiles),
});

const ContainerRights = fields({
  ...rights,
  readOnlyRootFilesystem: z.boolean().optional(),
  privileged: refused("containers have docker's rights: a container of its own VM seldom needs more"),
  allowPrivilegeEscalation: z.literal(true, { error: 'is not supported: it cannot be turned off yet' }).optional(),
  capabilities: refused("containers have docker's capabilities, which cannot be changed yet"),
  procMount: refused('/proc is masked', ['Default']),
});

const Key = { key: z.string().min(1), name: z.string().min(1), optional: z.boolean().optional() };
const noCluster = 'what a cluster would say of a pod is not known here';

const ValueFrom = fields({
  configMapKeyRef: fields(Key).optional(),
  secretKeyRef: fields(Key).optional(),
  fieldRef: refused(noCluster),
  resourceFieldRef: refused(noCluster),
  fileKeyRef: refused(noCluster),
});
export type ValueFrom = z.infer<typeof ValueFrom>;

const Source = { name: z.string().min(1), optional: z.boolean().optional() };

const variableName = z.string().regex(/^[^=\0]+$/, { error: 'must be a name without =' });

const EnvFrom = fields({
  prefix: text.optional(),
  configMapRef: fields(Source).optional(),
  secretRef: fields(Source).optional(),
});

const VolumeMount = fields({
  name: z.string().min(1),
  mountPath: absolutePath,
  readOnly: z.boolean().optional(),
  subPath: z
    .string()
    .regex(/^(?!\/)(?!(.*\/)?\.\.(\/|$))/, { error: 'must be a relative path without ..' })
    .optional(),
  subPathExpr: refused('give subPath'),
  mountPropagation: refused('what is mounted later is not seen in the guest', ['None']),
  recursiveReadOnly: refused('give readOnly', ['Disabled', 'IfPossible']),
});
export type VolumeMount = z.infer<typeof VolumeMount>;

const Port = fields({
  containerPort: z.number().int().min(1).max(65_535),
  hostPort: z.number().int().min(0).max(65_535).optional(),
  hostIP: text.optional(),
  protocol: choice(['TCP', 'UDP'], { SCTP: 'only TCP and UDP ports can be published' }).optional(),
  name: text.optional(),
});

const limitNames = {
  cpu: quantity.optional(),
  memory: quantity.optional(),
  'ephemeral-storage': refused("a container writes to its pod's disk"),
};
const Resources = fields({
  limits: fields(limitNames).optional(),
  requests: fields(limitNames).optional(),
  claims: refused('devices cannot be given to pods yet'),
});

const shape = {
  name: ContainerSpec.shape.name.unwrap(),
  image: imageName,
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  workingDir: absolutePath.optional(),
  env: z
    .array(fields({ name: variableName, value: text.optional(), valueFrom: ValueFrom.optional() }))
    .max(1024)
    .optional(),
  envFrom: z.array(EnvFrom).max(64).optional(),
  volumeMounts: z.array(VolumeMount).max(256).optional(),
  ports: z.array(Port).max(1024).optional(),
  resources: Resources.optional(),
  securityContext: ContainerRights.optional(),
  stdin: z.boolean().optional(),
  stdinOnce: z.boolean().optional(),
  tty: z.boolean().optional(),
  imagePullPolicy: refused("give --pull always or --pull never to 'hyper run'", ['IfNotPresent']),
  terminationMessagePath: refused("see 'hyper logs'", ['/dev/termination-log']),
  terminationMessagePolicy: refused("see 'hyper logs'", ['File']),
  livenessProbe: EndingManifestProbe.optional(),
  readinessProbe: ManifestProbe.optional(),
  startupProbe: EndingManifestProbe.optional(),
  lifecycle: refused('there are no hooks'),
  restartPolicy: refused('all containers of a pod have one policy'),
  restartPolicyRules: refused('all containers of a pod have one policy'),
  resizePolicy: refused('a running VM keeps its size'),
  volumeDevices: refused('disks cannot be given to containers as devices'),
};

export const Container = fields(shape);
export type Container = z.infer<typeof Container>;

const runsToItsEnd = 'an init container runs to its end';

export const InitContainer = fields({
  ...shape,
  livenessProbe: refused(runsToItsEnd),
  readinessProbe: refused(runsToItsEnd),
  startupProbe: refused(runsToItsEnd),
  restartPolicy: refused(`${runsToItsEnd}: put a sidecar into containers`),
});
export type InitContainer = z.infer<typeof InitContainer>;
