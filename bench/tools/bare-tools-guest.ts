import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { newVmId } from '../../src/lib/ids.ts';
import { type ProcessIdentity, signalProcess } from '../../src/lib/process-identity.ts';
import { ScratchDisks, shareTag } from '../../src/vm/index.ts';
import { plugBus, plugPlace } from '../../src/vm/qemu/arguments.ts';
import { ShareServers } from '../../src/vm/virtiofs/index.ts';
import { BareGuest, type BareGuestOptions } from '../bare/bare-guest.ts';
import type { BareNetwork } from '../bare/bare-network.ts';
import { diskMiB, memoryMiB } from './tools-pod.ts';
import type { Tools } from './tools.ts';
import type { ToolsGuest, ToolsGuestWish } from './tools-guest.ts';

export interface BareToolsGuestOptions {
  readonly tools: Tools;
  readonly machine: BareGuestOptions['machine'];
  readonly network: BareNetwork;
  /** Where its files go. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

const root = { uid: 0, gid: 0 };

/** A disk as hyperd plugs it in. */
function diskArguments(name: string, path: string, access: 'on' | 'off'): string[] {
  const node = `driver=raw,node-name=${name},read-only=${access},discard=unmap`;
  return [
    ...['-blockdev', `${node},file.driver=file,file.filename=${path}`],
    ...['-device', `virtio-blk-pci,drive=${name},serial=${name},werror=report,rerror=report`],
  ];
}

/** The folder's server as hyperd starts it, and the device that hyperd plugs in. */
async function share(source: string, folder: string, signal: AbortSignal) {
  const files = {
    shares: join(folder, 'shares'),
    shareSocket: join(folder, 'fs.sock'),
    shareErrors: join(folder, 'fs.log'),
  };
  const shares = [{ name: 'share', path: source, kind: 'folder', readOnly: false }] as const;
  const server = await new ShareServers().start({ files, shares, user: root, rootless: false, signal });
  const device = `vhost-user-fs-pci,chardev=shares,tag=${shareTag},bus=${plugBus},addr=${plugPlace}`;
  return { server, more: ['-chardev', `socket,id=shares,path=${files.shareSocket}`, '-device', device] };
}

/**
 * The same tools on the same devices without Hyper: a tap on a plain bridge, an ext4 on a virtio-blk disk, a virtiofsd.
 * No container: its commands run as root of the guest, in a chroot.
 */
export async function startBareToolsGuest(
  { tools, machine, network, folder, signal }: BareToolsGuestOptions,
  wish: ToolsGuestWish,
): Promise<ToolsGuest> {
  const id = newVmId();
  const own = join(folder, id);
  await mkdir(own);
  const disks = ['scratch', ...(wish.disk === true ? ['disk'] : [])].map((name) => ({ name, path: join(own, name) }));
  for (const { path } of disks) await new ScratchDisks(folder).create(path, diskMiB, root);
  const { tap, mac, address } = await network.addTap();
  const shared = wish.folder === undefined ? undefined : await share(wish.folder, own, signal);
  const end = async (server: ProcessIdentity | undefined): Promise<void> => {
    if (server !== undefined) await signalProcess(server, 'SIGKILL');
    await network.run('ip', 'link', 'delete', tap);
  };
  try {
    const guest = await BareGuest.start({
      ...{ folder: own, entering: network.entering },
      spec: { id, vcpus: 1, memoryMiB, nic: { number: 0, tap, mac } },
      machine: { ...machine, sharedMemory: shared !== undefined },
      modules: ['virtio_blk', 'virtio_net', 'crc32c_generic', 'ext4', ...(shared === undefined ? [] : ['virtiofs'])],
      more: [
        ...diskArguments('tools', tools.disk, 'on'),
        ...disks.flatMap(({ name, path }) => diskArguments(name, path, 'off')),
        ...(shared?.more ?? []),
      ],
    });
    await setUp(
      guest,
      address,
      disks.map(({ name }) => name),
    );
    if (shared !== undefined) await mountShare(guest);
    return {
      address,
      run: (line) => guest.run(`HOME=/root PATH=/bin:/usr/bin chroot /tools sh -c ${quoted(line)}`),
      onHost: (file, ...args) => network.run(file, ...args),
      [Symbol.asyncDispose]: async () => {
        await guest[Symbol.asyncDispose]();
        await end(shared?.server);
      },
    };
  } catch (error) {
    await end(shared?.server);
    throw error;
  }
}

async function setUp(guest: BareGuest, address: string, disks: readonly string[]): Promise<void> {
  const mountDisk = (serial: string, options: string, path: string): string =>
    `for b in /sys/block/vd*; do if [ "$(cat $b/serial)" = ${serial} ]; then mount -t ext4 -o ${options} /dev/\${b##*/} ${path}; fi; done`;
  await guest.run(`mkdir /tools; ${mountDisk('tools', 'ro,noatime', '/tools')}`);
  for (const name of disks) await guest.run(mountDisk(name, 'noinit_itable,noatime', `/tools/${name}`));
  await guest.run(
    'for each in dev proc sys; do mount -o bind /$each /tools/$each; done; mount -t tmpfs tmp /tools/tmp',
  );
  await guest.run(`ip link set lo up; ip address add ${address}/24 dev eth0; ip link set eth0 up`);
}

async function mountShare(guest: BareGuest): Promise<void> {
  await guest.run(`mkdir /shares; mount -t virtiofs ${shareTag} /shares; mount -o bind /shares/share /tools/folder`);
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
