import { z } from 'zod';
import { ProbeSpec } from '../../contract/index.ts';
import { alsoMark, choice, fields, hyperFields, refused } from './fields.ts';

const { shape } = ProbeSpec;
const exec = shape.exec.unwrap().shape;
const { httpHeaders, ...httpGet } = shape.httpGet.unwrap().shape;
const header = httpHeaders.unwrap().element.shape;
const times = {
  initialDelaySeconds: shape.initialDelaySeconds,
  periodSeconds: shape.periodSeconds,
  timeoutSeconds: shape.timeoutSeconds,
  successThreshold: shape.successThreshold,
  failureThreshold: shape.failureThreshold,
};

interface Actions {
  readonly exec?: unknown;
  readonly httpGet?: unknown;
  readonly tcpSocket?: unknown;
}

const hasOne = (probe: Actions): boolean =>
  [probe.exec, probe.httpGet, probe.tcpSocket].filter((each) => each !== undefined).length === 1;
const mustHaveOne = { error: 'a probe has one of exec, httpGet and tcpSocket' };
const endsOnce = ({ successThreshold = 1 }: { readonly successThreshold?: number | undefined }): boolean =>
  successThreshold === 1;
const mustEndOnce = { error: 'it can only be 1 of this probe', path: ['successThreshold'] };

/** An object that has one of these keys with what is no null. */
const has = (...keys: string[]): object => ({
  anyOf: keys.map((key) => ({ type: 'object', properties: { [key]: { type: 'object' } }, required: [key] })),
});
const oneAction = { oneOf: [has('exec'), has('httpGet', 'httpget'), has('tcpSocket', 'tcpsocket')] };
const one = { enum: [1, null, ''] };
const once = { type: 'object', properties: { successThreshold: one, successthreshold: one } };

const Probe = hyperFields({
  exec: hyperFields(exec).optional().describe('a command in the container'),
  httpGet: hyperFields({ ...httpGet, httpHeaders: z.array(hyperFields(header)).max(64).optional() })
    .optional()
    .describe("a page at the pod's address: 200 to 399 is success"),
  tcpSocket: hyperFields(shape.tcpSocket.unwrap().shape)
    .optional()
    .describe("a connection to the pod's address comes about"),
  ...times,
})
  .refine(hasOne, mustHaveOne)
  .meta({ [alsoMark]: [oneAction] });
const EndingProbe = Probe.refine(endsOnce, mustEndOnce).meta({ [alsoMark]: [oneAction, once] });

/** A container's probes in a pod file of ours. */
export const ProbeFields = hyperFields({
  startup: EndingProbe.optional().describe('the others wait until it succeeds'),
  liveness: EndingProbe.optional().describe('ends what fails too often'),
  readiness: Probe.optional().describe('says whether the container is ready'),
});

const portOrName = z.union([z.number().int().min(1).max(65_535), z.string().regex(/^[a-z0-9-]{1,15}$/)], {
  error: 'must be a port, or the name of one of the container',
});

/** A probe of Kubernetes' core/v1 API. */
export const ManifestProbe = fields({
  exec: fields(exec).optional(),
  httpGet: fields({
    path: z.string().max(4096).optional(),
    port: portOrName,
    scheme: choice(['HTTP', 'HTTPS']).optional(),
    httpHeaders: z.array(fields(header)).max(64).optional(),
    host: refused("the pod's own address is asked: give a header Host"),
  }).optional(),
  tcpSocket: fields({ port: portOrName, host: refused("the pod's own address is asked") }).optional(),
  grpc: refused('give httpGet, tcpSocket or exec'),
  ...times,
  terminationGracePeriodSeconds: refused('a process has 10 seconds to end', [10]),
}).refine((probe) => hasOne(probe) || probe.grpc !== undefined, mustHaveOne);
export type ManifestProbe = z.infer<typeof ManifestProbe>;
export const EndingManifestProbe = ManifestProbe.refine(endsOnce, mustEndOnce);
