import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { silentLog } from '../../lib/log.ts';
import type { ProbeRecord } from '../../store/index.ts';
import type { AskedContainer } from './container-health.ts';
import { HealthLog } from './health-log.ts';
import { PodHealth } from './pod-health.ts';

/** A container that runs at an address of this machine, and is asked there. */
function askedAt(port: number): AskedContainer {
  const probe: ProbeRecord = {
    ...{ action: { type: 'tcp', port }, initialDelay: 0, period: 0.01, timeout: 5 },
    ...{ successThreshold: 1, failureThreshold: 3 },
  };
  const endpoint = {
    ...{ network: 'hyper0', tap: 'tap', nic: 0, mac: '', address: '127.0.0.1', prefixLength: 8, gateway: '127.0.0.1' },
    ...{ ipv6: null, mtu: 1500, internal: false, dns: [], names: [], hostAccess: false, nameservers: [], egress: null },
    ...{ rate: {}, ports: [], whiteLists: null },
  };
  return {
    record: {
      name: 'web',
      healthCheck: null,
      probes: { startup: null, liveness: { ...probe, failureThreshold: 5 }, readiness: probe },
      health: null,
      passed: { startup: false, readiness: false },
      probeFailure: null,
    },
    pod: { id: 'pod-a', endpoints: [endpoint] },
    ranMs: 0,
    healthLog: new HealthLog(),
  };
}

describe('the health of a pod', () => {
  let asked = 0;
  const server = createServer((socket) => {
    asked++;
    socket.on('error', () => undefined).resume();
  });
  before(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  after(() => void server.close());

  it('is asked while it runs, not while it is paused, and stored only when it changes', async () => {
    const container = askedAt((server.address() as AddressInfo).port);
    const stored: unknown[] = [];
    const ended = Promise.withResolvers<string>();
    const health = new PodHealth<AskedContainer>({
      ...{ log: silentLog, paused: false },
      exec: () => assert.fail('nothing is run in it'),
      change: (change) => {
        change();
        stored.push(container.record.passed.readiness);
        return Promise.resolve();
      },
      end: (_, why) => ended.resolve(why),
    });
    const isAsked = (): Promise<unknown> => once(server, 'connection');
    const isLeftAlone = async (): Promise<void> => {
      await sleep(50); // what was under way has come
      const before = asked;
      await sleep(200); // that nothing happens has no event
      assert.equal(asked, before);
    };

    try {
      health.begin(container);
      for (let times = 0; times < 10; times++) await isAsked();
      assert.deepEqual(stored, [true]);
      health.pause();
      await isLeftAlone();
      health.goOn();
      for (let times = 0; times < 4; times++) await isAsked();
      health.end(container);
      await isLeftAlone();
      assert.deepEqual(stored, [true]);

      health.begin(container);
      await isAsked();
      server.close();
      assert.match(await ended.promise, /^its liveness probe has failed 5 times: connect ECONNREFUSED/);
      assert.deepEqual(stored, [true, false]);
    } finally {
      health.close();
    }
  });
});
