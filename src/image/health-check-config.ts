import { z } from 'zod';
import type { ImageHealthCheck } from './image.ts';

/** Docker's: in nanoseconds, and 0 is what nobody has said. */
const Duration = z.number().min(0).nullish();
const RawHealthCheck = z.object({
  Test: z.array(z.string()).nullish(),
  Interval: Duration,
  Timeout: Duration,
  StartPeriod: Duration,
  StartInterval: Duration,
  Retries: z.number().int().min(0).nullish(),
});

const nanosecondsOfSecond = 1e9;

/**
 * The `Healthcheck` of an image's config, Docker's addition to the OCI image spec. Null where there is none, where it is
 * `["NONE"]`, and where it is of a form that Docker does not run either: such an image is fine but for that.
 */
export function parseHealthCheck(raw: unknown): ImageHealthCheck | null {
  const { data } = RawHealthCheck.safeParse(raw);
  const [kind, ...command] = data?.Test ?? [];
  const runs = (kind === 'CMD' && command.length > 0) || (kind === 'CMD-SHELL' && command.length === 1);
  if (data === undefined || kind === undefined || !runs) return null;
  const seconds = (duration: number | null | undefined): number | null =>
    duration ? duration / nanosecondsOfSecond : null;
  return {
    test: [kind, ...command],
    intervalSeconds: seconds(data.Interval),
    timeoutSeconds: seconds(data.Timeout),
    startPeriodSeconds: seconds(data.StartPeriod),
    startIntervalSeconds: seconds(data.StartInterval),
    retries: data.Retries || null,
  };
}

/** The same the other way, for an image that is made here. */
export function formatHealthCheck(check: ImageHealthCheck | null): z.input<typeof RawHealthCheck> | undefined {
  if (check === null) return undefined;
  const nanoseconds = (seconds: number | null): number | undefined =>
    seconds === null ? undefined : Math.round(seconds * nanosecondsOfSecond);
  return {
    Test: [...check.test],
    Interval: nanoseconds(check.intervalSeconds),
    Timeout: nanoseconds(check.timeoutSeconds),
    StartPeriod: nanoseconds(check.startPeriodSeconds),
    StartInterval: nanoseconds(check.startIntervalSeconds),
    Retries: check.retries ?? undefined,
  };
}
