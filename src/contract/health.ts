import { z } from 'zod';

/** As docker's least. */
const interval = z.number().min(0.001).max(86_400);

/** docker's health check. What is left out is the image's, else docker's default. */
export const HealthCheckSpec = z.strictObject({
  test: z
    .array(z.string())
    .min(1)
    .max(1024)
    .refine(([kind, ...rest]) => (kind === 'NONE' ? rest.length === 0 : rest.length > 0), {
      error: 'must be ["NONE"], or have a command behind its first word',
    })
    .refine(([kind = '', ...rest]) => ['NONE', 'CMD'].includes(kind) || (kind === 'CMD-SHELL' && rest.length === 1), {
      error: 'must be ["CMD", program, …], ["CMD-SHELL", text] or ["NONE"]',
    })
    .optional()
    .describe('["CMD", program, …], ["CMD-SHELL", text], or ["NONE"]: no health check'),
  intervalSeconds: interval.optional().describe('from the end of one to the next; default 30'),
  timeoutSeconds: interval.optional().describe('default 30'),
  retries: z.number().int().min(1).max(1000).optional().describe('so many failures in a row are unhealthy; default 3'),
  startPeriodSeconds: z
    .number()
    .min(0)
    .max(86_400)
    .optional()
    .describe('failures before that do not count until one has succeeded; default 0'),
  startIntervalSeconds: interval.optional().describe('the interval in the start period; default 5'),
});
export type HealthCheckSpec = z.infer<typeof HealthCheckSpec>;

const port = z.number().int().min(1).max(65_535);

/** Kubernetes' probe: one of exec, httpGet and tcpSocket. */
export const ProbeSpec = z
  .strictObject({
    exec: z.strictObject({ command: z.array(z.string()).min(1).max(1024) }).optional(),
    httpGet: z
      .strictObject({
        port,
        path: z.string().startsWith('/', { error: 'must begin with /' }).max(4096).optional().describe('default /'),
        scheme: z.enum(['HTTP', 'HTTPS']).optional().describe('default HTTP; certificates are not checked'),
        httpHeaders: z
          .array(
            z.strictObject({
              name: z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: 'must be the name of a header' }),
              value: z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, { error: 'must be of one line' }),
            }),
          )
          .max(64)
          .optional(),
      })
      .optional()
      .describe("at the pod's address; 200 to 399 is success"),
    tcpSocket: z.strictObject({ port }).optional().describe("a connection to the pod's address comes about"),
    initialDelaySeconds: z.number().min(0).max(86_400).optional().describe('default 0'),
    periodSeconds: interval.optional().describe('default 10'),
    timeoutSeconds: interval.optional().describe('default 1'),
    successThreshold: z.number().int().min(1).max(1000).optional().describe('default 1'),
    failureThreshold: z.number().int().min(1).max(1000).optional().describe('default 3'),
  })
  .refine((probe) => [probe.exec, probe.httpGet, probe.tcpSocket].filter((each) => each !== undefined).length === 1, {
    error: 'must have one of exec, httpGet and tcpSocket',
  });
export type ProbeSpec = z.infer<typeof ProbeSpec>;

const endingProbe = ProbeSpec.refine(({ successThreshold = 1 }) => successThreshold === 1, {
  error: 'must be 1 of this probe',
  path: ['successThreshold'],
});

/** Kubernetes' probes of a container. */
export const ProbesSpec = z.strictObject({
  startup: endingProbe.optional().describe('until it succeeds the others wait; too many failures end the process'),
  liveness: endingProbe
    .optional()
    .describe('too many failures in a row end the process; then its restart policy applies'),
  readiness: ProbeSpec.optional().describe('says whether the container is ready'),
});
export type ProbesSpec = z.infer<typeof ProbesSpec>;

export const healthStatuses = ['starting', 'healthy', 'unhealthy'] as const;

/** What a container's health check has said. */
export const Health = z.object({
  status: z.enum(healthStatuses),
  failingStreak: z.number().int().describe('failures in a row that count'),
  log: z
    .array(
      z.object({
        start: z.string().describe('ISO 8601'),
        end: z.string(),
        exitCode: z.number().int().describe('-1: it could not be run, or took too long'),
        output: z.string().describe('of both its streams, at most 4096 bytes'),
      }),
    )
    .describe('of the last five, oldest first; since this hyperd runs'),
});
export type Health = z.infer<typeof Health>;
