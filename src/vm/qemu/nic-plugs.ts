import { messageOf } from '../../lib/errors.ts';
import type { VmId } from '../../lib/ids.ts';
import type { Log } from '../../lib/log.ts';
import type { Nic } from '../hypervisor.ts';
import { nicDevice, nicPlace } from './arguments.ts';
import { isWithoutPlugs, noPlugs } from './no-plugs.ts';
import type { Qmp, QmpEvent } from './qmp.ts';

/** How long a guest may take to let a device go: a tenth of a second under emulation. */
const letGoMs = 5000;

/** Plugs a NIC in; what a failure leaves is taken away. */
export async function plugNic(qmp: Qmp, { number, tap, mac }: Nic): Promise<void> {
  const id = nicDevice(number);
  await qmp.execute('netdev_add', { type: 'tap', id, ifname: tap, script: 'no', downscript: 'no' });
  try {
    const device = { driver: 'virtio-net-pci', id, netdev: id, mac, romfile: '', 'disable-legacy': 'on' };
    await qmp.execute('device_add', { ...device, ...nicPlace(number) });
  } catch (error) {
    await qmp.execute('netdev_del', { id });
    throw isWithoutPlugs(error) ? noPlugs('nics', error) : error;
  }
}

/** Pulls a VM's NICs. The guest has to let a device go (ACPI); what is behind it is ours at once. */
export class NicPulls {
  readonly #qmp: Qmp;
  readonly #vm: VmId;
  readonly #log: Log;
  readonly #waiting = new Map<string, () => void>();

  constructor(qmp: Qmp, vm: VmId, log: Log) {
    this.#qmp = qmp;
    this.#vm = vm;
    this.#log = log;
  }

  /** Of QEMU's DEVICE_DELETED. */
  note({ data }: QmpEvent): void {
    this.#waiting.get(String(data['device']))?.();
  }

  async pull(number: number): Promise<void> {
    const id = nicDevice(number);
    const gone = Promise.withResolvers<void>();
    this.#waiting.set(id, gone.resolve);
    const late = setTimeout(() => {
      this.#log.warn({ vm: this.#vm, nic: id }, 'a guest does not let a NIC go: its place stays taken');
      gone.resolve();
    }, letGoMs);
    try {
      const isThere = await this.#ask('device_del', id);
      await this.#ask('netdev_del', id); // whatever the guest does with the device, nothing comes out of it any more
      if (isThere) await gone.promise;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(id);
    }
  }

  /** False where there is none. */
  async #ask(command: string, id: string): Promise<boolean> {
    try {
      await this.#qmp.execute(command, { id });
      return true;
    } catch (error) {
      // Or it is one that cannot be pulled, of a machine without PCI: it stays, with nothing behind it.
      if (!/not found|does not support hotplugging/.test(messageOf(error))) throw error;
      return false;
    }
  }
}
