import { z } from 'zod';
import type { Comparison, Sample } from '../measure.ts';
import { median } from '../statistics.ts';
import { besideBare } from '../tools/beside-bare.ts';
import { type SideGuests, ToolsSides } from '../tools/tools-sides.ts';

const seconds = 1;
const connections = 100;
const clients = 4;
const listens = 'until netstat -ltn | grep -q :5201; do usleep 10000; done';

const Transfer = z.object({ end: z.object({ sum_received: z.object({ bits_per_second: z.number() }) }) });

/** What iperf3 tells of bytes that arrived. */
function transferRate(json: string): Sample {
  return { value: Transfer.parse(JSON.parse(json)).end.sum_received.bits_per_second / 8e6 };
}

function secondOf([, second]: SideGuests): SideGuests[0] {
  if (second === undefined) throw new Error('this measure needs two guests');
  return second;
}

/** Both guests are servers: iperf3's on its port, and one of HTTP. */
const sides = new ToolsSides({
  count: 2,
  ready: async (guests) => {
    for (const guest of guests) await guest.run(`http-server; iperf3 -s -D; ${listens}`);
  },
});

/** One TCP stream, requests and connections. The guest is the server: a pod reaches its host only where it is let. */
export const network: readonly Comparison[] = [
  besideBare({
    name: 'iperf',
    what: '`iperf3`, a pod sends to its host',
    unit: 'MB/s',
    sides,
    take: async ([guest]) =>
      transferRate(await guest.onHost('iperf3', '-c', guest.address, '-R', '-J', '-t', String(seconds))),
  }),
  besideBare({
    name: 'iperf-pods',
    what: '`iperf3`, a pod sends to another',
    unit: 'MB/s',
    sides,
    take: async (guests) => transferRate(await guests[0].run(`iperf3 -c ${secondOf(guests).address} -J -t ${seconds}`)),
  }),
  besideBare({
    name: 'http',
    what: `HTTP requests of 1 KiB, ${clients} clients of the host with keep-alive`,
    unit: '/s',
    sides,
    take: async ([guest]) => {
      const limits = ['-q', '-k', '-c', String(clients), '-t', String(seconds), '-n', '1000000'];
      return { value: requestRate(await guest.onHost('ab', ...limits, `http://${guest.address}/`)) };
    },
  }),
  besideBare({
    name: 'connect',
    what: 'a TCP connection from the host, until it stands',
    unit: 'µs',
    sides,
    take: async ([guest]) => {
      const options = ['-s', '-H', 'Connection: close', '-o', '/dev/null', '-w', '%{time_connect}\\n'];
      const said = await guest.onHost('curl', ...options, `http://${guest.address}/[1-${connections}]`);
      const times = said.split('\n').map((time) => Number(time) * 1e6);
      if (times.length !== connections || times.includes(0)) throw new Error(`not all connections stood: ${said}`);
      return { value: median(times) };
    },
  }),
];

/** Of ab's report. One that had failures or no keep-alive is no sample. */
function requestRate(report: string): number {
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+([\\d.]+)`, 'm').exec(report)?.[1] ?? NaN);
  const [complete, kept] = [field('Complete requests'), field('Keep-Alive requests')];
  if (field('Failed requests') !== 0 || !(kept >= complete - clients)) throw new Error(`ab failed: ${report}`);
  return field('Requests per second');
}
