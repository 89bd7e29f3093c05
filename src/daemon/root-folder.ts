import { chmod, chown, mkdir } from 'node:fs/promises';

/** Makes the root folder: closed to all but hyperd and the hypervisor's group, which may pass through to its disks. */
export async function makeRootFolder(path: string, gid: number): Promise<void> {
  await mkdir(path, { recursive: true });
  await chown(path, process.getuid?.() ?? 0, gid);
  await chmod(path, 0o710);
}
