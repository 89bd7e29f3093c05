import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, type AgentOptions } from '../../guest/index.ts';
import { allDone } from '../../lib/all-done.ts';
import { HyperError, messageOf } from '../../lib/errors.ts';
import { newNameSuffix } from '../../lib/ids.ts';
import type { Log } from '../../lib/log.ts';
import { type ProcessIdentity, stillRuns, signalProcess } from '../../lib/process-identity.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import {
  type Disk,
  type DiskLimits,
  type DiskSlot,
  type PluggedDisk,
  type Nic,
  type Plugs,
  type Share,
  shareTag,
  type Vm,
  type VmEnd,
  type VmRecord,
} from '../hypervisor.ts';
import { beginLoading } from './migration.ts';
import { consoleBytes, deviceOf, emptyNodeOf, firstNodeOf, isReadOnly } from './arguments.ts';
import { DiskErrors } from './disk-errors.ts';
import { addDisk, type Plug, plugIn, plugLater } from './disk-plugs.ts';
import { openModuleDisk } from './module-disk.ts';
import { NicPulls, plugNic } from './nic-plugs.ts';
import { readLastLine } from './last-line.ts';
import { Qmp, type QmpEvent } from './qmp.ts';
import type { VmFiles } from './vm-files.ts';
import { watchHelpers } from './watch-helpers.ts';

/** How often it is looked whether a process that is not our child has gone, once its monitor has closed. */
const goneIntervalMs = 10;
const consoleLines = 20;
/** What serves a VM ends with QEMU, and may be seen to have gone a moment before QEMU is. */
const helperGraceMs = 500;

/** What is known of a QEMU process when its monitor is connected. */
export interface QemuVmOptions {
  readonly record: VmRecord;
  readonly files: VmFiles;
  /** Its guest has yet to open its ports. */
  readonly booting: boolean;
  /** What was in its slots from the start. */
  readonly disks?: readonly Disk[] | undefined;
  /** The path by which this QEMU knows a file. */
  readonly see: (path: string) => string;
  /** Has the modules of its guest's kernel that are not in the initramfs; null: there is none. */
  readonly moduleDisk: string | null;
  /** Starts the process that serves shares to this VM. */
  readonly serve: (shares: readonly Share[], signal: AbortSignal) => Promise<ProcessIdentity>;
  readonly log: Log;
}

/** A QEMU process with its monitor. */
export class QemuVm implements Vm {
  /** For what this driver does with its own VMs: templates. */
  readonly qmp: Qmp;
  readonly #files: VmFiles;
  readonly #see: QemuVmOptions['see'];
  readonly #moduleDisk: string | null;
  readonly #serve: QemuVmOptions['serve'];
  readonly #diskErrors: DiskErrors;
  readonly #pulls: NicPulls;
  readonly #inserted = new Map<DiskSlot, string>();
  readonly #ended = Promise.withResolvers<VmEnd>();
  readonly #portsOpen = Promise.withResolvers<void>();
  readonly #loaded = Promise.withResolvers<void>();
  readonly #openPorts = new Set<string>();
  #record: VmRecord;
  #killed = false;
  #lastConsole = '';
  #shutdownReason: string | undefined;
  /** Why it cannot go on, though QEMU would. */
  #lost: string | undefined;
  readonly #log: Log;
  #endWatch: () => void;

  private constructor({ record, files, disks = [], see, moduleDisk, serve, log }: QemuVmOptions, qmp: Qmp) {
    this.#record = record;
    this.qmp = qmp;
    this.#files = files;
    this.#see = see;
    this.#moduleDisk = moduleDisk;
    this.#serve = serve;
    this.#pulls = new NicPulls(qmp, record.id, log);
    this.#log = log;
    this.#diskErrors = new DiskErrors(record.id, log);
    for (const { slot } of disks) this.#inserted.set(slot, firstNodeOf(slot));
    this.#loaded.promise.catch(() => undefined); // heard where it is waited for
    this.#endWatch = this.#watchHelpers();
  }

  /** Takes charge of a QEMU whose monitor answers. */
  static async attach(options: QemuVmOptions): Promise<QemuVm> {
    const early: QmpEvent[] = [];
    let deliver = (event: QmpEvent): void => void early.push(event);
    const qmp = await Qmp.connect(options.files.qmp, (event) => deliver(event));
    const vm = new QemuVm(options, qmp);
    const { booting } = options;
    deliver = (event) => vm.#onEvent(event);
    for (const event of early) vm.#onEvent(event);
    if (!booting) vm.#portsOpen.resolve();
    void qmp.closed.then(() => vm.#onMonitorClosed());
    // The guest stopped while no hyperd listened: its SHUTDOWN event was lost.
    if (!booting && (await vm.#status()) === 'shutdown') void vm.#onGuestStopped('guest-shutdown');
    return vm;
  }

  get record(): VmRecord {
    return this.#record;
  }

  get ended(): Promise<VmEnd> {
    return this.#ended.promise;
  }

  async connectAgent(options: Omit<AgentOptions, 'controlPath' | 'streamPath'>): Promise<Agent> {
    const { signal } = options;
    let end: VmEnd | undefined;
    const stopped = this.ended.then((ended) => {
      end = ended;
      throw new HyperError('vm_failed', ended.reason);
    });
    stopped.catch(() => undefined); // heard through the races below, or not needed
    const aborted = Promise.withResolvers<never>();
    const abort = (): void =>
      aborted.reject(new HyperError('timeout', 'the guest did not answer', { cause: signal.reason }));
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      await Promise.race([this.#portsOpen.promise, stopped, aborted.promise]);
      const { control, streams } = this.#files;
      return await Promise.race([Agent.connect({ ...options, controlPath: control, streamPath: streams }), stopped]);
    } catch (error) {
      // The reason of an end shows the console already.
      const why = end?.reason ?? `${messageOf(error)}${await this.#consoleTail()}`;
      throw new HyperError('vm_failed', why, { cause: error });
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async insertDisk({ slot, path, format }: Disk): Promise<void> {
    const node = `${slot}-${newNameSuffix()}`;
    const file = { driver: 'file', filename: this.#see(path) };
    const disk = { driver: format, 'node-name': node, 'read-only': isReadOnly(slot), discard: 'unmap', file };
    // One after the other without waiting: QEMU answers in order.
    await allDone([this.qmp.execute('blockdev-add', disk), this.#exchange(slot, node)]);
    await this.#dropInserted(slot);
    this.#inserted.set(slot, node);
  }

  /** Loads a template's state from a descriptor that QEMU's process inherited, and lets the guest run. */
  async load(descriptor: number, signal: AbortSignal): Promise<void> {
    await unlessAborted(allDone([beginLoading(this.qmp, descriptor), this.#loaded.promise]), signal);
    await this.qmp.execute('cont');
  }

  /**
   * Stops the guest, and puts the empty disks back that its slots had first: QEMU moves no VM that has a vmdk. A guest that
   * goes on from here has to find the same disks in its slots again.
   */
  async freeze(): Promise<void> {
    await this.qmp.execute('stop');
    for (const slot of [...this.#inserted.keys()]) {
      await this.#exchange(slot, emptyNodeOf(slot));
      await this.#dropInserted(slot);
    }
  }

  async limitDisk(slot: DiskSlot, { bytesPerSecond, iops }: DiskLimits): Promise<void> {
    const total = { bps: bytesPerSecond ?? 0, iops: iops ?? 0 };
    const parts = { bps_rd: 0, bps_wr: 0, iops_rd: 0, iops_wr: 0 };
    await this.qmp.execute('block_set_io_throttle', { id: await this.#backendOf(slot), ...total, ...parts });
  }

  async serveShares(shares: readonly Share[], signal: AbortSignal): Promise<void> {
    const server = await this.#serve(shares, signal);
    this.#record = { ...this.#record, helpers: [...this.#record.helpers, server] };
    this.#endWatch();
    this.#endWatch = this.#watchHelpers();
  }

  async plug({ shares, disks, modules }: Plugs): Promise<void> {
    await using moduleDisk = modules ? await openModuleDisk(this.#moduleDisk) : undefined;
    const all = [...(moduleDisk === undefined ? [] : [moduleDisk.disk]), ...disks];
    const plugs = all.map((disk) => () => addDisk(this.qmp, disk, this.#see));
    await plugIn(this.qmp, [...(shares ? [() => this.#addShares()] : []), ...plugs]);
  }

  async plugDisk(disk: PluggedDisk): Promise<void> {
    await plugLater(this.qmp, disk, this.#see);
  }

  async plugModules(): Promise<void> {
    await using moduleDisk = await openModuleDisk(this.#moduleDisk);
    if (moduleDisk !== undefined) await this.plugDisk(moduleDisk.disk);
  }

  async plugNic(nic: Nic): Promise<void> {
    await plugNic(this.qmp, nic);
  }

  async unplugNic(number: number): Promise<void> {
    await this.#pulls.pull(number);
  }

  async console(): Promise<string> {
    try {
      const text = await this.qmp.execute('ringbuf-read', { device: 'console', size: consoleBytes });
      // Reading takes it out of the ring: keep what was read for who asks next.
      if (typeof text === 'string') this.#lastConsole = (this.#lastConsole + text).slice(-consoleBytes);
    } catch {
      // QEMU has gone: what was read before is all there is
    }
    return this.#lastConsole;
  }

  async kill(): Promise<void> {
    this.#killed = true;
    await signalProcess(this.record.process, 'SIGKILL');
    await this.ended;
  }

  release(): void {
    this.#endWatch();
    this.qmp.close();
  }

  async #addShares(): Promise<Plug> {
    const addr = { type: 'unix', data: { path: this.#see(this.#files.shareSocket) } };
    const backend = { type: 'socket', data: { addr, server: false } };
    await this.qmp.execute('chardev-add', { id: 'shares', backend }).catch(async (error: unknown) => {
      const said = await readLastLine(this.#files.shareErrors);
      throw said === '' ? error : new HyperError('cannot_start', `virtiofsd: ${said}`, { cause: error });
    });
    return { device: { driver: 'vhost-user-fs-pci', id: 'shares', chardev: 'shares', tag: shareTag } };
  }

  async #exchange(slot: DiskSlot, node: string): Promise<void> {
    const device = `/machine/peripheral/${deviceOf(slot)}`;
    await this.qmp.execute('qom-set', { path: device, property: 'drive', value: node });
  }

  /** The object whose limits are the slot's: over PCI it is a part of the device. They stay when its disk is exchanged. */
  async #backendOf(slot: DiskSlot): Promise<string> {
    const device = `/machine/peripheral/${deviceOf(slot)}`;
    const blocks = await this.qmp.execute('query-block');
    const paths = Array.isArray(blocks) ? blocks.map((block: { qdev?: unknown }) => String(block.qdev)) : [];
    const path = paths.find((each) => each === device || each.startsWith(`${device}/`));
    if (path === undefined) throw new HyperError('vm_failed', `the VM has no disk ${slot}`);
    return path;
  }

  /** What was behind the device is closed. */
  async #dropInserted(slot: DiskSlot): Promise<void> {
    const node = this.#inserted.get(slot);
    this.#inserted.delete(slot);
    if (node !== undefined) await this.qmp.execute('blockdev-del', { 'node-name': node });
  }

  #onEvent(event: QmpEvent): void {
    const { name, data } = event;
    if (name === 'VSERPORT_CHANGE' && data['open'] === true) {
      this.#openPorts.add(String(data['id']));
      if (this.#openPorts.size === 2) this.#portsOpen.resolve();
    } else if (name === 'MIGRATION') {
      this.#onLoading(String(data['status']));
    } else if (name === 'DEVICE_DELETED') {
      this.#pulls.note(event);
    } else if (name === 'BLOCK_IO_ERROR') {
      this.#diskErrors.note(event);
    } else if (name === 'SHUTDOWN' && this.#shutdownReason === undefined) {
      // The first one tells why; our own `quit` makes another (host-qmp-quit).
      void this.#onGuestStopped(String(data['reason']));
    }
  }

  #onLoading(status: string): void {
    if (status === 'completed') this.#loaded.resolve();
    if (status === 'failed') this.#loaded.reject(new HyperError('vm_failed', 'the state could not be loaded'));
  }

  /** The guest powered off or rebooted and QEMU has paused: its console is read, then QEMU ends. */
  async #onGuestStopped(reason: string): Promise<void> {
    this.#shutdownReason = reason;
    await this.console();
    await this.qmp.execute('quit').catch(() => undefined); // it may end before it answers
  }

  async #status(): Promise<string> {
    const status = await this.qmp.execute('query-status');
    return typeof status === 'object' && status !== null && 'status' in status ? String(status.status) : '';
  }

  /**
   * Without virtiofsd whatever touches a share waits for ever, and QEMU (7.2 to 10.0) does not connect such a device again:
   * the VM ends with it, and its user learns why.
   */
  #watchHelpers(): () => void {
    return watchHelpers(this.record.helpers, () => void this.#onHelperLost());
  }

  async #onHelperLost(): Promise<void> {
    await Promise.race([this.qmp.closed, delay(helperGraceMs)]);
    if (this.#killed || this.#shutdownReason !== undefined || !(await stillRuns(this.record.process))) return;
    const said = await readLastLine(this.#files.shareErrors);
    const last = said === '' ? '' : `: its last words: ${said}`;
    await this.#giveUp(`virtiofsd, which gave it folders of this host, has ended${last}: start the pod again`);
  }

  async #giveUp(why: string): Promise<void> {
    this.#lost = why;
    this.#log.error({ vm: this.record.id }, why);
    await signalProcess(this.record.process, 'SIGKILL');
  }

  async #onMonitorClosed(): Promise<void> {
    this.#loaded.reject(new HyperError('vm_failed', 'QEMU has ended'));
    this.#endWatch();
    const { violation } = this.qmp;
    if (violation !== '')
      await this.#giveUp(`QEMU said what it never does, and was ended: ${JSON.stringify(violation)}`);
    while (await stillRuns(this.record.process)) await delay(goneIntervalMs);
    this.#ended.resolve(await this.#describeEnd());
  }

  async #describeEnd(): Promise<VmEnd> {
    if (this.#lost !== undefined) return { reason: this.#lost, expected: false };
    if (this.#killed) return { reason: 'the VM was killed', expected: true };
    if (this.#shutdownReason === 'guest-shutdown') return { reason: 'the guest powered off', expected: true };
    if (this.#shutdownReason === 'guest-reset') {
      return { reason: `the guest's kernel panicked or rebooted${await this.#consoleTail()}`, expected: false };
    }
    const said = await readFile(this.#files.errors, 'utf8').catch(() => '');
    const why = said.trim() === '' ? '' : `: ${said.trim().split('\n').slice(-3).join('; ')}`;
    const reason = `QEMU ended by itself or was killed from outside${why}${await this.#consoleTail()}`;
    return { reason, expected: false };
  }

  /** The last lines of the guest's console, ready to follow a sentence; empty when it printed nothing. */
  async #consoleTail(): Promise<string> {
    const lines = printable(await this.console())
      .split('\n')
      .filter((line) => line.trim() !== '');
    if (lines.length === 0) return '';
    return `; the end of the guest's console:\n${lines.slice(-consoleLines).join('\n')}`;
  }
}

/** What a guest prints must not reach a terminal as orders: control sequences (ECMA-48) and characters are left out. */
function printable(text: string): string {
  return text.replaceAll(/\x1b(?:\[[0-?]*[ -/]*[@-~]|[ -/]*[0-~])/g, '').replaceAll(/[^\P{Cc}\n\t]/gu, '');
}
