import { createHash } from 'node:crypto';
import { newVmId } from '../../src/lib/ids.ts';
import { BareGuest } from '../bare/bare-guest.ts';
import { bareMachine } from '../bare/bare-machine.ts';
import type { Comparison, Sample } from '../measure.ts';
import { stdoutText } from '../run-timed.ts';

const total = 256 << 20;

/** 16 MiB that repeat nowhere but at every MiB, in memory; then sent 16 times. */
const scripts = (folder: string) => ({
  make: `cd ${folder}; seq 1000000 1200000 | head -c 1048576 >part; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do cat part; done >pattern`,
  send: `for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do cat ${folder}/pattern; done`,
});

function expected(): string {
  let text = '';
  for (let number = 1_000_000; text.length < 1 << 20; number++) text += `${number}\n`;
  const part = Buffer.from(text.slice(0, 1 << 20));
  const hash = createHash('sha256');
  for (let mebibyte = 0; mebibyte < total >> 20; mebibyte++) hash.update(part);
  return hash.digest('hex');
}

/** 256 MiB of a process's stdout into a pipe: through agent, hyperd and client; against a port without any of them. */
export const stream: Comparison = {
  name: 'stream',
  what: '256 MiB of stdout, guest to pipe',
  peer: 'a bare virtserialport, same script',
  unit: 'MB/s',
  reach: 0.5,
  async prepare(room) {
    const hyperd = await room.hyperd('pool');
    const { hypervisor } = await hyperd.client.info();
    const machine = await bareMachine(hypervisor.accelerator);
    const spec = { id: newVmId(), vcpus: 1, memoryMiB: 128 };
    const bare = await BareGuest.start({ folder: room.folder, spec, machine });
    const inBare = scripts('/tmp');
    await bare.run(inBare.make);
    const pod = stdoutText(await hyperd.hyper('run', '-d', 'busybox', 'sleep', '1000000'));
    const { make, send } = scripts('/dev/shm');
    await hyperd.hyper('exec', pod, 'sh', '-c', make);
    const hash = expected();
    // Checked when the clock has stopped.
    const sample = (milliseconds: number, chunks: readonly Buffer[]): Sample => {
      const actual = createHash('sha256');
      for (const chunk of chunks) actual.update(chunk);
      if (actual.digest('hex') !== hash) throw new Error('the bytes are not those that were sent');
      return { value: total / 1000 / milliseconds };
    };
    return {
      settle: () => hyperd.settled(),
      ours: async () => {
        const { milliseconds, stdout } = await hyperd.hyperHere('exec', pod, 'sh', '-c', send);
        return sample(milliseconds, stdout);
      },
      peer: async () => {
        const began = performance.now();
        const chunks = await bare.runRaw(inBare.send);
        return sample(performance.now() - began, chunks);
      },
      [Symbol.asyncDispose]: async () => {
        await bare[Symbol.asyncDispose]();
        await hyperd.hyper('rm', '-f', pod);
      },
    };
  },
};
