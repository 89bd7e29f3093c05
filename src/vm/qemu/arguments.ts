import {
  type Accelerator,
  type Disk,
  type DiskSlot,
  diskSlots,
  maxNics,
  type Nic,
  type VmSpec,
} from '../hypervisor.ts';
import type { VmFiles } from './vm-files.ts';

/** `microvm` has no PCI and no ACPI; only a kernel that scripts/kernel built finds its devices. */
export type MachineType = 'q35' | 'microvm';

export interface QemuMachine {
  readonly type: MachineType;
  readonly accelerator: Accelerator;
  /** As QEMU's process sees them. */
  readonly firmware: string | null;
  /** Whether the guest's kernel has the driver of a generation id. */
  readonly generationId: boolean;
  /** The rate of the host's time stamp counter, which a guest under emulation has too. */
  readonly tscKhz?: number | undefined;
  readonly kernelPath: string;
  readonly initramfsPath: string;
  /** The file that is the guest's memory; without it QEMU allocates its own. */
  readonly memory?: MemoryFile;
  /** What QEMU allocates can be mapped by those whom it hands it to: the servers of shares. */
  readonly sharedMemory?: boolean;
  /** It waits, stopped, for a template's state. */
  readonly incoming?: boolean;
  /** What is in its slots from the start; the others wait with nothing behind them. */
  readonly disks?: readonly Disk[];
}

export interface MemoryFile {
  readonly path: string;
  /** What the guest writes goes to the file: a template's making. Else it stays with this process: a clone. */
  readonly shared: boolean;
  /** Opened for reading alone: from QEMU 8.2 on, for clones. */
  readonly readOnly: boolean;
}

/** MiB of translated code that TCG may keep for one VM: without it up to 1 GiB (facts: tb-size). */
const translationBufferMiB = 64;

/**
 * Everything that TCG can emulate, but for the promise that `rep movsb` is fast: TCG copies byte by byte, and a kernel
 * that believes it reads /dev/zero at a sixth of the speed (docs/performance.md).
 */
const emulatedCpu = 'max,-erms,-fsrm';

/** How much of the guest's console QEMU keeps; a power of two. */
export const consoleBytes = 64 << 10;

/**
 * The guest kernel's command line. Mitigations stay on. KASLR is the work of a bzImage's decompressor, which a PVH boot
 * of the unpacked kernel leaves out: a boot of 2 s instead of 5 under emulation (facts).
 */
function kernelCommandLine({ type, accelerator, tscKhz }: QemuMachine): string {
  const words = [
    'console=ttyS0 quiet panic=-1 8250.nr_uarts=1 i8042.noaux cryptomgr.notests random.trust_cpu=on cgroup.memory=nosocket rcupdate.rcu_expedited=1',
    // Without those that would need a policy (AppArmor, TOMOYO, SELinux, Smack), each of which has its say in every open.
    'lsm=lockdown,yama,integrity,landlock',
  ];
  // Under emulation timers are late when the host is busy: the kernel's checks of them would only delay the boot.
  if (accelerator === 'tcg') words.push('tsc=reliable no_timer_check');
  if (type === 'microvm') {
    words.push('reboot=t'); // a triple fault: there is no keyboard controller and no ACPI to do it
    // Nothing but the PIT could tell the rate, and under emulation that fails in most boots.
    if (accelerator === 'tcg' && tscKhz !== undefined) words.push(`tsc_early_khz=${tscKhz}`);
  }
  return words.join(' ');
}

/** A comma in a value is written twice (QEMU's option syntax). */
const value = (text: string): string => text.replaceAll(',', ',,');

/** A device over PCI, or over the memory bus; over PCI without the ports of its older drivers, each a region more. */
const virtio = (device: 'blk' | 'net' | 'serial', type: MachineType): string =>
  type === 'q35' ? `virtio-${device}-pci,disable-legacy=on` : `virtio-${device}-device`;

/** What every QEMU of ours is, whatever its VM. */
const process = [
  ['-no-user-config', '-nodefaults', '-display', 'none'],
  ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
];
const machineArguments: Readonly<Record<MachineType, readonly string[]>> = {
  q35: ['-machine', 'q35,usb=off,vmport=off,graphics=off,hpet=off,sata=off,smbus=off'],
  // With ACPI it hangs under emulation; without, the kernel needs the old interrupt controller and timer (facts).
  microvm: ['-machine', 'microvm,acpi=off,pit=on,pic=on,rtc=on'],
};
const withKvm = ['-accel', 'kvm', '-cpu', 'host'];

/**
 * Stopped until its state is loaded: an event says when. QEMU would announce the template's MAC, which is not the clone's.
 * What is not said here has to be said by its monitor, which reads a byte at a time: 8 ms for a thousand of them (7.2).
 */
const incomingArguments = [
  ...['-S', '-incoming', 'defer'],
  ...['-global', 'migration.x-events=on', '-global', 'migration.announce-rounds=0'],
];

/** The command line of a VM with KVM that is made and never runs; its monitor is stdin and stdout. */
export function trialArguments(): string[] {
  return [...process, machineArguments.q35, withKvm, ['-m', '16M', '-S', '-qmp', 'stdio']].flat();
}

/** The whole command line of a VM's QEMU process. */
export function qemuArguments(
  spec: VmSpec,
  machine: QemuMachine,
  files: Pick<VmFiles, 'qmp' | 'control' | 'streams'>,
): string[] {
  const { type, accelerator } = machine;
  const channels = [files.control, files.streams];
  return [
    // A QEMU that is run by its descriptor would have that number for its name.
    ['-name', spec.id, '-name', 'process=qemu-system-x86_64'],
    ...process,
    machineArguments[type],
    accelerator === 'kvm'
      ? withKvm
      : ['-accel', `tcg,tb-size=${translationBufferMiB},thread=multi`, '-cpu', emulatedCpu],
    ['-smp', String(spec.vcpus), '-m', `${spec.memoryMiB}M`],
    memoryArguments(spec.memoryMiB, machine),
    machine.incoming === true ? incomingArguments : [],
    firmwareArguments(machine),
    machine.incoming === true
      ? []
      : ['-kernel', machine.kernelPath, '-initrd', machine.initramfsPath, '-append', kernelCommandLine(machine)],
    // A guest that reboots (panic=-1) or powers off stops, so that the end of its console can still be read.
    ['-action', 'reboot=shutdown,shutdown=pause'],
    ['-chardev', `ringbuf,id=console,size=${consoleBytes}`, '-serial', 'chardev:console'],
    ['-chardev', `socket,id=monitor,path=${value(files.qmp)},server=on,wait=off`, '-mon', 'monitor,mode=control'],
    // Port 0 is a console's. For each that may be there the guest has two queues, whether it is or not: 31 by default.
    ['-device', `${virtio('serial', type)},id=serial,max_ports=${1 + channels.length}`],
    ...channels.flatMap((path, index) => [
      ['-chardev', `socket,id=channel${index},path=${value(path)},server=on,wait=off`],
      ['-device', `virtserialport,id=port${index},chardev=channel${index},name=sh.hyper.channel.${index}`],
    ]),
    ...diskSlots.map((slot) => diskArguments(slot, type, machine.disks)),
    type === 'q35' ? ['-device', `pcie-pci-bridge,id=${plugBus}`] : [],
    spec.nic === undefined ? [] : nicArguments(spec.nic, type),
  ].flat();
}

/**
 * A template and its clones have a generation id, another in each process: a kernel that has the driver reseeds its
 * generator when it wakes with another one. Only QEMU's own firmware tells the guest where it is: qboot stops at it.
 * Where no driver listens, or there is no ACPI to hold it (microvm), the agent alone reseeds (SETUP): under emulation the
 * kernel's interpreter of ACPI would take 8 ms of each clone to tell nobody.
 */
function firmwareArguments({ type, firmware, memory, generationId }: QemuMachine): string[] {
  if (memory !== undefined && type === 'q35' && generationId) return ['-device', 'vmgenid,guid=auto'];
  return firmware === null ? [] : ['-bios', firmware];
}

function memoryArguments(memoryMiB: number, { memory, sharedMemory = false }: QemuMachine): string[] {
  const use = ['-machine', 'memory-backend=memory'];
  if (memory === undefined) {
    return sharedMemory ? ['-object', `memory-backend-memfd,id=memory,size=${memoryMiB}M,share=on`, ...use] : [];
  }
  const sharing = memory.shared ? 'share=on' : 'share=off';
  const access = memory.readOnly ? ',readonly=on,rom=off' : '';
  const file = `memory-backend-file,id=memory,size=${memoryMiB}M,mem-path=${value(memory.path)},${sharing}${access}`;
  return ['-object', file, ...use];
}

/**
 * Where devices are plugged in and pulled: a bridge of 31 places, the first for those that come together as the functions
 * of one device. It is in every VM, for a clone's machine is its template's; a port for each
 * of eight NICs made each start of a clone 0.1 s longer.
 */
export const plugBus = 'plugs';
export const plugPlace = '1';

/** Where disks that come later are plugged in, one a place, behind those of NICs. */
export const laterPlaces = Array.from({ length: 31 - 2 - maxNics }, (_, at) => (2 + maxNics + at).toString(16));

/** What names a NIC's device, and what is behind it, in QMP. */
export const nicDevice = (number: number): string => `nic${number}`;
/** Where a NIC of this number is plugged in. */
export const nicPlace = (number: number): { readonly bus: string; readonly addr: string } => ({
  bus: plugBus,
  addr: (2 + number).toString(16),
});

function nicArguments({ number, tap, mac }: Nic, type: MachineType): string[] {
  const [id, { bus, addr }] = [nicDevice(number), nicPlace(number)];
  // A clone has nothing to announce: it gets a MAC and addresses of its own.
  const device = `id=${id},netdev=${id},mac=${mac},guest_announce=off`;
  const place = type === 'q35' ? `,bus=${bus},addr=${addr},romfile=` : '';
  return [
    ...['-netdev', `tap,id=${id},ifname=${tap},script=no,downscript=no`],
    ...['-device', `${virtio('net', type)},${device}${place}`],
  ];
}

/** 1 TiB: more than any disk that is exchanged for it. */
const emptyDiskBytes = 2 ** 40;

/** What names a slot's device in QMP. */
export const deviceOf = (slot: DiskSlot): string => `device-${slot}`;
export const emptyNodeOf = (slot: DiskSlot): string => `empty-${slot}`;
/** What names a disk that is in its slot from the start. */
export const firstNodeOf = (slot: DiskSlot): string => `first-${slot}`;
export const isReadOnly = (slot: DiskSlot): boolean => slot === 'image';

/**
 * A device with nothing behind it yet. Its capacity is what the empty disk has and stays so, whatever is exchanged for it:
 * only the file system knows its size (facts: Exchange).
 */
function diskArguments(slot: DiskSlot, type: MachineType, disks: readonly Disk[] = []): string[] {
  const disk = disks.find((each) => each.slot === slot);
  const node = disk === undefined ? emptyNodeOf(slot) : firstNodeOf(slot);
  const access = `read-only=${isReadOnly(slot) ? 'on' : 'off'},discard=unmap`;
  const behind =
    disk === undefined
      ? `driver=null-co,size=${emptyDiskBytes},read-zeroes=on`
      : `driver=${disk.format},file.driver=file,file.filename=${value(disk.path)}`;
  const device = `id=${deviceOf(slot)},drive=${node},serial=${slot},werror=report,rerror=report`;
  return ['-blockdev', `${behind},node-name=${node},${access}`, '-device', `${virtio('blk', type)},${device}`];
}
