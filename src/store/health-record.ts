import { z } from 'zod';

export const healthStatuses = ['starting', 'healthy', 'unhealthy'] as const;
export type HealthStatus = (typeof healthStatuses)[number];

/** docker's health check: a command whose exit code 0 is health. Times in seconds. */
export const HealthCheckRecord = z.object({
  /** The command line, a shell's where it was text. */
  args: z.array(z.string()),
  interval: z.number(),
  timeout: z.number(),
  retries: z.number(),
  startPeriod: z.number(),
  startInterval: z.number(),
});
export type HealthCheckRecord = z.infer<typeof HealthCheckRecord>;

/** What a probe does: http and tcp are asked at the pod's address. */
const ProbeAction = z.discriminatedUnion('type', [
  z.object({ type: z.literal('exec'), args: z.array(z.string()) }),
  z.object({
    type: z.literal('http'),
    port: z.number(),
    path: z.string(),
    https: z.boolean(),
    headers: z.array(z.object({ name: z.string(), value: z.string() })),
  }),
  z.object({ type: z.literal('tcp'), port: z.number() }),
]);
export type ProbeAction = z.infer<typeof ProbeAction>;

/** Kubernetes' probe. Times in seconds. */
export const ProbeRecord = z.object({
  action: ProbeAction,
  initialDelay: z.number(),
  period: z.number(),
  timeout: z.number(),
  successThreshold: z.number(),
  failureThreshold: z.number(),
});
export type ProbeRecord = z.infer<typeof ProbeRecord>;

/** What is asked of a container that runs, and what came of it. Records of before there was any have none. */
export const containerHealth = {
  healthCheck: HealthCheckRecord.nullable().default(null),
  probes: z
    .object({
      startup: ProbeRecord.nullable().default(null),
      liveness: ProbeRecord.nullable().default(null),
      readiness: ProbeRecord.nullable().default(null),
    })
    .default({ startup: null, liveness: null, readiness: null }),
  /** What its health check says; null: it has none. */
  health: z.enum(healthStatuses).nullable().default(null),
  /** Which of its probes have succeeded since it was started. */
  passed: z.object({ startup: z.boolean(), readiness: z.boolean() }).default({ startup: false, readiness: false }),
  /** Why a probe has ended its process: it failed too often. */
  probeFailure: z.string().nullable().default(null),
};

type Asked = { readonly [K in 'health' | 'probes' | 'passed']: z.infer<(typeof containerHealth)[K]> };

/** It runs, and all that is asked of it says that it does what it is there for. */
export function isReady({ state, health, probes, passed }: Asked & { readonly state: string }): boolean {
  if (state !== 'running' || (health !== null && health !== 'healthy')) return false;
  return (probes.startup === null || passed.startup) && (probes.readiness === null || passed.readiness);
}
