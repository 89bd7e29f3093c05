import type { Log } from '../../lib/log.ts';
import type { VmId } from '../../lib/ids.ts';
import type { QmpEvent } from './qmp.ts';

/** A guest tries again and again: its log line comes once in this time. */
const quietMs = 60_000;

/** Says in hyperd's log that a VM's disk cannot be read or written, and why. The guest was told (werror=report). */
export class DiskErrors {
  readonly #vm: VmId;
  readonly #log: Log;
  #next = 0;

  constructor(vm: VmId, log: Log) {
    this.#vm = vm;
    this.#log = log;
  }

  /** Of QEMU's BLOCK_IO_ERROR. */
  note({ data }: QmpEvent): void {
    const now = performance.now();
    if (now < this.#next) return;
    this.#next = now + quietMs;
    const fields = { vm: this.#vm, operation: data['operation'], reason: data['reason'] };
    const full = data['nospace'] === true || data['reason'] === 'No space left on device'; // the first not with werror=report
    this.#log.warn(
      fields,
      full ? `${failed}: the host’s disk is full: free some space` : `${failed}: see the host’s disk`,
    );
  }
}

const failed = 'a disk of a VM failed, and its guest got an I/O error';
