import type { Command } from 'commander';
import type { HealthCheckSpec } from '../contract/index.ts';
import { UsageError } from './usage-error.ts';
import { parseWhole } from './values/container-values.ts';
import { parseDuration } from './values/moment.ts';

/** docker's options of a health check, as commander gives them. */
export interface HealthOptions {
  readonly healthCmd?: string;
  readonly healthInterval?: number;
  readonly healthTimeout?: number;
  readonly healthRetries?: number;
  readonly healthStartPeriod?: number;
  readonly healthStartInterval?: number;
  /** False: `--no-healthcheck`. */
  readonly healthcheck?: boolean;
}

export function addHealthOptions(command: Command): Command {
  const duration = (flag: string, least: number) => (text: string) => parseSeconds(text, flag, least);
  return command
    .option('--health-cmd <command>', 'a shell command whose exit code 0 says that the container is healthy')
    .option(
      '--health-interval <time>',
      'from one to the next: 30s, 1m30s (default: 30s)',
      duration('--health-interval', 1e-3),
    )
    .option('--health-timeout <time>', 'how long one may take (default: 30s)', duration('--health-timeout', 1e-3))
    .option('--health-retries <number>', 'so many failures in a row are unhealthy (default: 3)', (text) =>
      parseWhole(text, '--health-retries', 1),
    )
    .option(
      '--health-start-period <time>',
      'failures before that do not count (default: 0s)',
      duration('--health-start-period', 0),
    )
    .option(
      '--health-start-interval <time>',
      'the interval in the start period (default: 5s)',
      duration('--health-start-interval', 1e-3),
    )
    .option('--no-healthcheck', "without the image's health check");
}

/** What the options say over the image's health check; undefined: nothing. */
export function healthCheckOf(options: HealthOptions): HealthCheckSpec | undefined {
  const spec: HealthCheckSpec = {
    test: options.healthCmd === undefined ? undefined : ['CMD-SHELL', options.healthCmd],
    intervalSeconds: options.healthInterval,
    timeoutSeconds: options.healthTimeout,
    retries: options.healthRetries,
    startPeriodSeconds: options.healthStartPeriod,
    startIntervalSeconds: options.healthStartInterval,
  };
  const isSaid = Object.values(spec).some((value) => value !== undefined);
  if (options.healthcheck !== false) return isSaid ? spec : undefined;
  if (isSaid) throw new UsageError('--no-healthcheck stands beside a --health option: give one of them');
  return { test: ['NONE'] };
}

/** A duration as docker's, at most a day. */
function parseSeconds(text: string, flag: string, least: number): number {
  const seconds = text === '0' ? 0 : parseDuration(text);
  if (seconds !== undefined && seconds >= least && seconds <= 86_400) return seconds;
  throw new UsageError(`${flag} is '${text}': give a time as 30s, 500ms or 1m30s, at most 24h`);
}
