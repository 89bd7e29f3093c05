import { z } from 'zod';
import { DnsSpec, HostSpec } from '../../contract/index.ts';
import { choice, fields, hostname, refused } from '../schema/fields.ts';
import { PodMetadata } from './config-fields.ts';
import { Container, InitContainer, PodRights } from './container-fields.ts';
import { Volume } from './volume-fields.ts';

const noCluster = 'there is no cluster, and this machine is the only node';
const noAccounts = 'there is no Kubernetes API that a pod could ask';
const ownVm = 'a pod is a VM of its own, which shares nothing of the host';

const DnsConfig = fields({
  nameservers: DnsSpec.shape.servers,
  searches: DnsSpec.shape.search,
  options: z.array(fields({ name: z.string().regex(/^\S+$/), value: z.string().regex(/^\S+$/).optional() })).optional(),
});

const Spec = fields({
  containers: z.array(Container).min(1).max(32),
  volumes: z.array(Volume).optional(),
  restartPolicy: choice(['Always', 'OnFailure', 'Never']).optional(),
  hostname: hostname.optional(),
  hostAliases: z.array(fields({ ip: HostSpec.shape.address, hostnames: z.array(HostSpec.shape.name) })).optional(),
  dnsConfig: DnsConfig.optional(),
  dnsPolicy: choice(['ClusterFirst', 'Default', 'None'], { ClusterFirstWithHostNet: ownVm }).optional(),
  securityContext: PodRights.optional(),
  initContainers: z.array(InitContainer).max(32).optional(),
  ephemeralContainers: refused("see 'hyper exec'"),
  activeDeadlineSeconds: refused("end it with 'hyper stop'"),
  terminationGracePeriodSeconds: refused("give --timeout to 'hyper stop', which waits 10 seconds", [10]),
  hostNetwork: refused(ownVm),
  hostPID: refused(ownVm),
  hostIPC: refused(ownVm),
  hostUsers: refused(ownVm, [true]),
  shareProcessNamespace: refused('each container sees its own processes alone'),
  setHostnameAsFQDN: refused('give hostname'),
  subdomain: refused(noCluster),
  hostnameOverride: refused('give hostname'),
  os: fields({ name: z.literal('linux') }).optional(),
  nodeName: refused(noCluster),
  nodeSelector: refused(noCluster),
  affinity: refused(noCluster),
  tolerations: refused(noCluster),
  topologySpreadConstraints: refused(noCluster),
  schedulerName: refused(noCluster, ['default-scheduler']),
  schedulingGates: refused(noCluster),
  priority: refused(noCluster),
  priorityClassName: refused(noCluster),
  preemptionPolicy: refused(noCluster, ['PreemptLowerPriority']),
  readinessGates: refused(noCluster),
  resourceClaims: refused('devices cannot be given to pods yet'),
  resources: refused('give each container its resources'),
  overhead: refused(noCluster),
  runtimeClassName: refused('every pod is a VM of QEMU'),
  serviceAccountName: refused(noAccounts, ['default']),
  serviceAccount: refused(noAccounts, ['default']),
  automountServiceAccountToken: refused(noAccounts),
  enableServiceLinks: refused(noCluster, [true]),
  imagePullSecrets: refused("log in with 'docker login'"),
});

/** A Pod of Kubernetes' core/v1 API, with every field that it can have. */
export const Manifest = fields({
  apiVersion: z.literal('v1'),
  kind: z.literal('Pod'),
  metadata: PodMetadata.optional(),
  spec: Spec,
  status: refused('it is what a cluster says of a pod: leave it out'),
});
export type Manifest = z.infer<typeof Manifest>;
