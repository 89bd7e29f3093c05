import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HyperError } from '../../lib/errors.ts';
import { readPodFile } from '../read-pod-file.ts';

const { signal } = new AbortController();
const refusal = async (documents: readonly object[]): Promise<readonly [string, string]> => {
  const text = documents.map((document) => JSON.stringify(document)).join('\n---\n');
  try {
    await readPodFile({ text: documents.length === 1 ? text : `---\n${text}`, format: 'kubernetes' }, { signal });
  } catch (error) {
    const { code, message } = error as HyperError;
    return [code, message];
  }
  assert.fail(`it was taken: ${text}`);
};
const c = { name: 'cc', image: 'i' };
const pod = (spec: object, more: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  ...more,
  spec: { containers: [c], ...spec },
});
/** A pod of one container. */
const with1 = (container: object, spec: object = {}): object => pod({ ...spec, containers: [{ ...c, ...container }] });

const wrong: readonly (readonly [documents: readonly object[], message: string])[] = [
  [[{}], 'kind: is missing: it must be Pod'],
  [[{ apiVersion: 'v1', kind: 'Pod' }], 'spec: is missing: it must be an object'],
  [[pod({}, { apiVersion: 'v2' })], 'apiVersion: must be v1, found "v2": did you mean v1?'],
  [[pod({}), pod({})], 'the file has 2 Pods: give each a file of its own'],
  [
    [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } }],
    'the file has no Pod: give a manifest of the kind Pod',
  ],
  [[pod({ container: [] })], 'spec.container: unknown key: did you mean containers?'],
  [[pod({ containers: [c, c] })], 'spec.containers[1].name: must be unique, and "cc" is also spec.containers[0].name'],
  [
    [with1({ env: [{ name: 'A', value: 1 }] })],
    'spec.containers[0].env[0].value: must be text, found 1: write it in quotes, "1"',
  ],
  [
    [with1({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] })],
    'spec.containers[0].env[0].valueFrom.secretKeyRef.name: must be a Secret of this file, found "s": there is no cluster to ask, so put the Secret into the file, after a line ---',
  ],
  [
    [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, data: { color: 'red' } },
      with1({ env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'm', key: 'colour' } } }] }),
    ],
    'spec.containers[0].env[0].valueFrom.configMapKeyRef.key: must be a key of that ConfigMap, found "colour": did you mean color?',
  ],
  [
    [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, data: { 'a/b': 'red' } }, pod({})],
    'documents[0].data["a/b"]: is no key: one must be of letters, digits, "-", "_" and ".", at most 253, not be ".", and not begin with ".."',
  ],
  [
    [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { '..': 'red' } }, pod({})],
    'documents[0].stringData[".."]: is no key: one must be of letters, digits, "-", "_" and ".", at most 253, not be ".", and not begin with ".."',
  ],
  [
    [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { password: 'not base64!' } }, pod({})],
    'documents[0].data.password: must be base64',
  ],
  [
    [with1({ image: 'a:b:c' })],
    "spec.containers[0].image: 'a:b:c' is no image reference: 'a:b' may have a-z and 0-9, with single '.', '_', '__' or dashes between them",
  ],
  [
    [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, data: { color: 'r\0d' } },
      with1({ args: ['\0'], env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'm', key: 'color' } } }] }),
    ],
    'spec.containers[0].args[0]: must not have a NUL (a zero byte), which ends a text for the kernel: give a file for bytes; spec.containers[0].env[0].valueFrom: must not have a NUL (a zero byte), which ends a text for the kernel: give a file for bytes',
  ],
  [
    [
      with1({
        ports: [
          { containerPort: 80, hostPort: 8080, hostIP: '127.0.0.1' },
          { containerPort: 81, hostPort: 8080, hostIP: '127.0.0.2' },
          { containerPort: 82, hostPort: 8080 },
        ],
      }),
    ],
    'spec.containers[0].ports[2].hostPort: must be unique, and 8080/tcp leads to port 80 by spec.containers[0].ports[0]: give another',
  ],
  [
    [with1({ resources: { limits: { memory: 'lots' } } })],
    'spec.containers[0].resources.limits.memory: must be a quantity of 4Mi or more, as 128Mi, found "lots"',
  ],
  [
    [with1({ resources: { limits: { cpu: '1m' } } })],
    'spec.containers[0].resources.limits.cpu: must be a quantity of 10m or more, as 500m, found "1m"',
  ],
  [
    [with1({ resources: { limits: { 'nvidia.com/gpu': 1 } } })],
    'spec.containers[0].resources.limits["nvidia.com/gpu"]: unknown key: use one of cpu, memory, ephemeral-storage',
  ],
  [
    [with1({ volumeMounts: [{ name: 'dta', mountPath: '/d' }] }, { volumes: [{ name: 'data', emptyDir: {} }] })],
    'spec.containers[0].volumeMounts[0].name: must be one of the pod\'s volumes, found "dta": did you mean data?',
  ],
  [
    [pod({ volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }] })],
    'spec.volumes[0]: must be of one kind, found hostPath and emptyDir',
  ],
  [
    [
      with1(
        { volumeMounts: [{ name: 'v', mountPath: '/d', subPath: '../x' }] },
        { volumes: [{ name: 'v', hostPath: { path: '/x' } }] },
      ),
    ],
    'spec.containers[0].volumeMounts[0].subPath: must be a relative path without .., found "../x"',
  ],
  [
    [with1({ ports: [{ name: 'web', containerPort: 80 }], readinessProbe: { tcpSocket: { port: 'webb' } } })],
    'spec.containers[0].readinessProbe.tcpSocket.port: must be one of the container\'s ports, found "webb": did you mean web?',
  ],
  [[pod({ dnsPolicy: 'None' })], 'spec.dnsConfig.nameservers: is missing: dnsPolicy None needs servers'],
];

const named = { name: 'init', image: 'i' };

const inVain: readonly (readonly [path: string, document: object])[] = [
  ['kind', { apiVersion: 'apps/v1', kind: 'Deployment' }],
  ...['nodeSelector', 'tolerations', 'affinity'].map((key) => [`spec.${key}`, pod({ [key]: [{ a: 1 }] })] as const),
  ['spec.hostNetwork', pod({ hostNetwork: true })],
  ['spec.terminationGracePeriodSeconds', pod({ terminationGracePeriodSeconds: 30 })],
  ['spec.serviceAccountName', pod({ serviceAccountName: 'robot' })],
  ['spec.securityContext.fsGroup', pod({ securityContext: { fsGroup: 5 } })],
  ['metadata.namespace', pod({}, { metadata: { namespace: 'prod' } })],
  [
    'metadata.annotations["seccomp.security.alpha.kubernetes.io/pod"]',
    pod({}, { metadata: { annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'x' } } }),
  ],
  ['spec.containers[0].lifecycle', with1({ lifecycle: { postStart: {} } })],
  ...['livenessProbe', 'readinessProbe', 'startupProbe'].flatMap((key) => [
    [`spec.containers[0].${key}.grpc`, with1({ [key]: { grpc: { port: 5 } } })] as const,
    [`spec.containers[0].${key}.httpGet.host`, with1({ [key]: { httpGet: { port: 5, host: 'elsewhere' } } })] as const,
    [
      `spec.initContainers[0].${key}`,
      pod({ initContainers: [{ ...named, [key]: { exec: { command: ['x'] } } }] }),
    ] as const,
  ]),
  ['spec.initContainers[0].restartPolicy', pod({ initContainers: [{ ...named, restartPolicy: 'Always' }] })],
  ['spec.containers[0].imagePullPolicy', with1({ imagePullPolicy: 'Always' })],
  ['spec.containers[0].securityContext.privileged', with1({ securityContext: { privileged: true } })],
  [
    'spec.containers[0].securityContext.allowPrivilegeEscalation',
    with1({ securityContext: { allowPrivilegeEscalation: false } }),
  ],
  ['spec.containers[0].securityContext.capabilities', with1({ securityContext: { capabilities: { drop: ['ALL'] } } })],
  ['spec.containers[0].securityContext.runAsNonRoot', with1({ securityContext: { runAsNonRoot: true } })],
  ['spec.containers[0].securityContext.runAsGroup', with1({ securityContext: { runAsGroup: 5 } })],
  [
    'spec.containers[0].env[0].valueFrom.fieldRef',
    with1({
      env: [
        {
          name: 'A',
          valueFrom: { fieldRef: { fieldPath: 'status.podIP' }, configMapKeyRef: undefined, secretKeyRef: undefined },
        },
      ],
    }),
  ],
  ['spec.containers[0].ports[0].protocol', with1({ ports: [{ containerPort: 1, protocol: 'SCTP' }] })],
  [
    'spec.containers[0].resources.limits.ephemeral-storage',
    with1({ resources: { limits: { 'ephemeral-storage': '1Gi' } } }),
  ],
  ...['persistentVolumeClaim', 'projected', 'csi'].map(
    (kind) => [`spec.volumes[0].${kind}`, pod({ volumes: [{ name: 'v', [kind]: { a: 1 } }] })] as const,
  ),
  ['spec.volumes[0].hostPath.type', pod({ volumes: [{ name: 'v', hostPath: { path: '/x', type: 'BlockDevice' } }] })],
  [
    'spec.volumes[0].emptyDir.medium',
    pod({
      volumes: [{ name: 'v', emptyDir: { medium: 'Memory' } }],
      containers: ['ca', 'cb'].map((name) => ({ name, image: 'i', volumeMounts: [{ name: 'v', mountPath: '/v' }] })),
    }),
  ],
];

describe('a manifest that is wrong', () => {
  for (const [documents, message] of wrong) {
    it(`is refused: ${message}`, async () => assert.deepEqual(await refusal(documents), ['bad_request', message]));
  }
});

describe('what a manifest asks for in vain', () => {
  for (const [path, document] of inVain) {
    it(`is refused by name: ${path}`, async () => {
      const [code, message] = await refusal([document]);
      assert.equal(code, 'unsupported', message);
      assert.ok(message.startsWith(`${path}: is not supported: `), message);
    });
  }
});
