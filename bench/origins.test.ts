import assert from 'node:assert/strict';
import { it } from 'node:test';
import { countOrigins } from './origins.ts';

it('reads from the metrics how many VMs came from where', () => {
  const metrics = [
    '# TYPE hyper_pod_starts_total counter',
    'hyper_pod_starts_total{origin="boot"} 1',
    'hyper_pod_starts_total{origin="pool"} 27',
    'hyper_pod_start_seconds_count{origin="template"} 9',
  ];
  assert.deepEqual(countOrigins(`${metrics.join('\n')}\n`), { pool: 27, template: 0, boot: 1 });
});
