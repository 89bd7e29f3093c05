export { killProbesLeft, runInContainer } from './exec-probe.ts';
export { HealthLog } from './health-log.ts';
export { PodHealth } from './pod-health.ts';
