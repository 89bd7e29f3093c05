import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Agent } from '../../guest/index.ts';
import { HyperError, messageOf } from '../../lib/errors.ts';
import type { VmId } from '../../lib/ids.ts';
import type { Log } from '../../lib/log.ts';
import { type ProcessIdentity, signalProcess, stillRuns } from '../../lib/process-identity.ts';
import { runCommand } from '../../lib/run-command.ts';
import { Stopwatch } from '../../lib/stopwatch.ts';
import {
  type Accelerator,
  type Disk,
  type Hypervisor,
  type HypervisorDescription,
  type PreparedTemplate,
  type PrepareOptions,
  type Share,
  shapeOf,
  type StartedVm,
  type StartOptions,
  type TemplateDescription,
  type Vm,
  type VmRecord,
  type VmShape,
  type VmSpec,
} from '../hypervisor.ts';
import { ShareServers } from '../virtiofs/index.ts';
import { type AcceleratorChoice, chooseAccelerator, isolationOf } from './accelerator.ts';
import { type MachineType, trialArguments } from './arguments.ts';
import { endProcesses, findVmProcesses } from './find-processes.ts';
import { freeze } from './freeze.ts';
import { Installation } from './installation.ts';
import { insideJail, jailed, type JailOptions, jailScript, type QemuUser } from './jail.ts';
import { Jailer } from './jailer.ts';
import { type Launch, launch, removeVmFolder, stateDescriptor } from './launch.ts';
import { privateCopy } from './memory-copy.ts';
import { noPlugs } from './no-plugs.ts';
import { QemuPreparedTemplate } from './prepared-template.ts';
import { QemuVm } from './qemu-vm.ts';
import { type Template, TemplateStore } from './template-store.ts';
import { vmFiles, vmsFolder } from './vm-files.ts';

export interface QemuOptions {
  readonly binary: string;
  readonly runDir: string;
  /** Disks and templates are below it. */
  readonly root: string;
  /** Where vmlinux and initramfs.cpio are. */
  readonly guestDir: string;
  readonly machine: MachineType;
  readonly accelerator: 'auto' | Accelerator;
  /** What templates may have on disk. */
  readonly maxTemplateBytes: number;
  readonly user: QemuUser;
  readonly rootless: boolean;
  readonly log: Log;
}

/** From a clone's state loaded to its agent's answer: 0.1 s quiet (facts). One that takes longer is of no use. */
const cloneAnswerMs = 20_000;

/** What a clone starts from. */
interface CloneSource {
  readonly memory: FileHandle;
  /** Whether it is this clone's alone, which writes it. */
  readonly shared: boolean;
  readonly statePath: string;
  /** What was in its slots when it was frozen: nothing, or an image's disks. */
  readonly disks?: Promise<readonly Disk[]>;
}

/** Runs VMs with QEMU. */
export class QemuHypervisor implements Hypervisor, AsyncDisposable {
  readonly #options: QemuOptions;
  readonly #installation: Installation;
  readonly #choice: AcceleratorChoice;
  readonly #templates: TemplateStore;
  readonly #shareServers = new ShareServers();
  readonly #jailer = new Jailer();
  #machineKey = '';

  private constructor(
    options: QemuOptions,
    installation: Installation,
    choice: AcceleratorChoice,
    templates: TemplateStore,
  ) {
    this.#options = options;
    this.#installation = installation;
    this.#choice = choice;
    this.#templates = templates;
  }

  static async probe(options: QemuOptions): Promise<QemuHypervisor> {
    await mkdir(vmsFolder(options.runDir), { recursive: true, mode: 0o711 });
    const { root, maxTemplateBytes, user, log } = options;
    const [installation, choice, templates] = await Promise.all([
      Installation.probe(options),
      chooseAccelerator(options.accelerator, (kvmGroup) => tryKvm(options, kvmGroup)),
      TemplateStore.open({ folder: join(root, 'templates'), maxBytes: maxTemplateBytes, user, log }),
    ]);
    return new QemuHypervisor(options, installation, choice, templates);
  }

  get user(): { readonly uid: number; readonly gid: number } {
    return this.#options.user;
  }

  describe(): HypervisorDescription {
    const { qemu, guest } = this.#installation;
    const choice = this.#choice;
    const { accelerator, reason } = choice;
    return {
      name: 'qemu',
      version: qemu.version,
      accelerator,
      reason,
      isolation: isolationOf[accelerator],
      kernel: guest.kernelVersion,
      problems: [qemu.problem, guest.problem, choice.problem, this.#installation.machineProblem(accelerator)].filter(
        (each) => each !== null,
      ),
    };
  }

  async start(spec: VmSpec, options: StartOptions): Promise<StartedVm> {
    const { prepared } = options;
    prepared?.disks.catch(() => undefined); // heard where they are used
    if (spec.sharedMemory === true && this.#options.machine !== 'q35') {
      throw noPlugs('folders');
    }
    const template = await this.#template(shapeOf(spec));
    if (template === undefined) return await this.#boot(spec, options);
    // One of another template would have another machine.
    const isTried = prepared?.template instanceof QemuPreparedTemplate && prepared.template.base === template;
    if (isTried) {
      try {
        const { statePath } = prepared.template;
        await using memory = await prepared.template.memory.open();
        return await this.#clone(spec, { memory, statePath, disks: prepared.disks }, options);
      } catch (error) {
        throwUnlessTemplates(error, options.signal);
        this.#options.log.warn(
          { vm: spec.id, error: messageOf(error) },
          'a clone of a prepared template did not start',
        );
      }
    }
    try {
      await using memory = await template.memory.open();
      const started = await this.#clone(spec, { memory, statePath: template.statePath }, options);
      return { ...started, prepared: isTried ? 'failed' : 'unused' };
    } catch (error) {
      throwUnlessTemplates(error, options.signal);
      this.#options.log.warn({ vm: spec.id, template: template.id, error: messageOf(error) }, 'a clone did not start');
      const started = await this.#boot(spec, options);
      // A VM boots where no clone starts: it is the template.
      await this.#templates.reject(template, `a clone did not start: ${messageOf(error)}`);
      return started;
    }
  }

  async hasTemplate(shape: VmShape): Promise<boolean> {
    return (await this.#template(shape)) !== undefined;
  }

  async makeTemplate(spec: VmSpec, signal: AbortSignal): Promise<TemplateDescription> {
    const shape = shapeOf(spec);
    const id = await this.#templateId(shape);
    const description = await this.#templates.add(id, { machine: this.#machineKey, shape }, async (draft) => {
      const { vm, agent } = await this.#started(
        await this.#launch(spec, {
          ...{ memory: { file: draft.memory, shared: true, readOnly: false }, signal },
          machine: this.#installation.templateMachine(this.#choice.accelerator),
        }),
        signal,
      );
      try {
        await this.#freeze(spec, { vm, agent }, draft.statePath, signal);
      } finally {
        await vm.kill();
        await this.cleanUp(vm.record);
      }
    });
    this.#options.log.info({ template: description.id, shape, bytes: description.bytes }, 'template made');
    return description;
  }

  async prepareTemplate(
    spec: VmSpec,
    { statePath, prepare, signal }: PrepareOptions,
  ): Promise<PreparedTemplate | undefined> {
    const base = await this.#template(shapeOf(spec));
    if (base === undefined) return undefined;
    await using whole = await base.memory.open();
    await using memory = await privateCopy(whole);
    const from = { memory, shared: true, statePath: base.statePath };
    const { vm, agent } = await this.#cloneOf(spec, from, { signal }, new Stopwatch());
    const giveUp = (): void => void vm.kill(); // whatever is asked of it then fails
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      signal.throwIfAborted();
      await prepare({ vm, agent });
      await this.#freeze(spec, { vm, agent }, statePath, signal);
    } finally {
      signal.removeEventListener('abort', giveUp);
      await vm.kill();
      await this.cleanUp(vm.record);
    }
    return await QemuPreparedTemplate.make(base, statePath, memory);
  }

  async isOfUse(template: PreparedTemplate, shape: VmShape): Promise<boolean> {
    return template instanceof QemuPreparedTemplate && template.base === (await this.#template(shape));
  }

  async templates(): Promise<readonly TemplateDescription[]> {
    return await this.#templates.list();
  }

  async removeTemplate(id: string): Promise<void> {
    await this.#templates.remove(id);
  }

  async find(record: VmRecord): Promise<Vm | undefined> {
    if (!(await stillRuns(record.process))) return undefined;
    try {
      const see = (path: string): string => insideJail(this.#jail(record.id), path);
      const files = vmFiles(this.#options.runDir, record.id);
      return await QemuVm.attach({
        record,
        files,
        booting: false,
        see,
        moduleDisk: this.#installation.guest.moduleDisk,
        serve: this.#serve(record.id),
        log: this.#options.log,
      });
    } catch (error) {
      this.#options.log.warn({ vm: record.id, error }, 'a VM runs but its monitor does not answer');
      return undefined;
    }
  }

  async leftovers(): Promise<readonly VmId[]> {
    const names = await readdir(vmsFolder(this.#options.runDir));
    return names.filter((name): name is VmId => /^vm-[A-Za-z]{10}$/.test(name));
  }

  async cleanUp({ id, process, helpers }: Pick<VmRecord, 'id' | 'process' | 'helpers'>): Promise<void> {
    await signalProcess(process, 'SIGKILL');
    if (helpers.length > 0) await endProcesses(id); // virtiofsd has forked
    await removeVmFolder(vmFiles(this.#options.runDir, id));
  }

  async cleanUpUnknown(id: VmId): Promise<void> {
    const found = await findVmProcesses(id);
    if (found.length > 0) {
      this.#options.log.warn({ vm: id, pids: found.map(({ pid }) => pid) }, 'ending a VM that no pod owns');
      await endProcesses(id);
    }
    await removeVmFolder(vmFiles(this.#options.runDir, id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#jailer[Symbol.dispose]();
    await this.#templates[Symbol.asyncDispose]();
  }

  async #boot(spec: VmSpec, { signal, onProcess }: StartOptions): Promise<StartedVm> {
    const watch = new Stopwatch();
    const { sharedMemory = false } = spec;
    const launched = await this.#launch(spec, { signal, onProcess, sharedMemory });
    watch.lap('QEMU');
    const started = await this.#started(launched, signal);
    watch.lap('boot');
    return { ...started, origin: 'boot', prepared: 'unused', steps: watch.steps };
  }

  async #clone(
    spec: VmSpec,
    { memory, ...from }: Omit<CloneSource, 'shared'>,
    options: StartOptions,
  ): Promise<StartedVm> {
    const watch = new Stopwatch();
    const { sharedMemory: shared = false } = spec;
    // The server of the shares maps the guest's memory: it cannot be what other clones have too.
    await using copy = shared ? await privateCopy(memory) : undefined;
    if (shared) watch.lap('memory');
    return await this.#cloneOf(spec, { ...from, memory: copy ?? memory, shared }, options, watch);
  }

  async #cloneOf(
    spec: VmSpec,
    { memory: file, shared, statePath, disks }: CloneSource,
    { signal, onProcess }: StartOptions,
    watch: Stopwatch,
  ): Promise<StartedVm & { readonly vm: QemuVm }> {
    await using state = await open(statePath);
    const inSlots = await disks;
    const memory = { file, shared, readOnly: this.#installation.qemu.readOnlyMemory && !shared };
    const launched = await this.#launch(spec, { memory, state, disks: inSlots, signal, onProcess });
    watch.lap('QEMU');
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(cloneAnswerMs)]);
    const started = await this.#started(launched, bounded, async (vm) => {
      await vm.load(stateDescriptor, bounded);
      watch.lap('state');
    });
    watch.lap('agent');
    return { ...started, origin: 'template', prepared: disks === undefined ? 'unused' : 'used', steps: watch.steps };
  }

  async #freeze(
    spec: VmSpec,
    started: { readonly vm: QemuVm; readonly agent: Agent },
    statePath: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { state } = vmFiles(this.#options.runDir, spec.id);
    const socket = { path: state, seen: insideJail(this.#jail(spec.id), state) };
    await freeze({ spec, ...started, socket, statePath, signal, log: this.#options.log });
  }

  /** From QEMU's start to the agent's answer; a VM whose agent does not answer is ended. */
  async #started(
    vm: QemuVm,
    signal: AbortSignal,
    before: (vm: QemuVm) => Promise<void> = () => Promise.resolve(),
  ): Promise<{ readonly vm: QemuVm; readonly agent: Agent }> {
    try {
      const [, agent] = await Promise.all([
        before(vm),
        vm.connectAgent({ persistedEvent: 0, known: [], fresh: true, signal }),
      ]);
      return { vm, agent };
    } catch (error) {
      await vm.kill();
      await this.cleanUp(vm.record);
      throw error;
    }
  }

  async #launch(
    spec: VmSpec,
    options: Pick<Launch, 'memory' | 'sharedMemory' | 'state' | 'disks' | 'signal' | 'onProcess'> &
      Partial<Pick<Launch, 'machine'>>,
  ): Promise<QemuVm> {
    const files = vmFiles(this.#options.runDir, spec.id);
    const serve = this.#serve(spec.id);
    const machine = this.#installation.machine(this.#choice.accelerator);
    const [{ log }, jailer] = [this.#options, this.#jailer];
    return await launch({ spec, jailer, jail: this.#jail(spec.id), files, serve, machine, log, ...options });
  }

  #serve(id: VmId): (shares: readonly Share[], signal: AbortSignal) => Promise<ProcessIdentity> {
    const { user, rootless, runDir } = this.#options;
    const files = vmFiles(runDir, id);
    return (shares, signal) => this.#shareServers.start({ files, shares, user, rootless, signal });
  }

  async #template(shape: VmShape): Promise<Template | undefined> {
    const id = await this.#templateId(shape);
    return await this.#templates.find(id, !this.#installation.qemu.readOnlyMemory);
  }

  /** Also throws away what a QEMU, kernel or initramfs that was replaced has left without use. */
  async #templateId(shape: VmShape): Promise<string> {
    await this.#installation.refresh();
    const problem = this.describe().problems[0];
    if (problem !== undefined) throw new HyperError('missing_dependency', problem);
    const { accelerator } = this.#choice;
    const machine = await this.#installation.templateKey(accelerator, { vcpus: 1, memoryMiB: 128, nic: true });
    if (machine !== this.#machineKey) {
      this.#machineKey = machine;
      await this.#templates.keepOnly(machine);
    }
    return (await this.#installation.templateKey(accelerator, shape)).slice(0, 16);
  }

  #jail(id: VmId): JailOptions {
    const { user, rootless, root, runDir } = this.#options;
    return { user, rootless, root, folder: vmFiles(runDir, id).folder, kvmGroup: this.#choice.kvmGroup };
  }
}

/** Some failures of a clone's start are not its template's. */
const hostsFaults: readonly string[] = ['no_memory', 'missing_dependency', 'cannot_start', 'unavailable'];

function throwUnlessTemplates(error: unknown, signal: AbortSignal): void {
  signal.throwIfAborted();
  if (error instanceof HyperError && hostsFaults.includes(error.code)) throw error;
}

/** Starts a VM with KVM that never runs, as QEMU's user in its jail, and ends it; rejects with what QEMU said. */
async function tryKvm({ binary, user, rootless, root, runDir }: QemuOptions, kvmGroup: number | null): Promise<void> {
  const jail = { user, rootless, root, folder: vmsFolder(runDir), kvmGroup };
  const args = ['-e', jailScript, '--', ...jailed(jail, [binary, ...trialArguments()])];
  const input = '{"execute":"qmp_capabilities"}{"execute":"quit"}';
  await runCommand('perl', args, { input, timeoutMs: 10_000 });
}
