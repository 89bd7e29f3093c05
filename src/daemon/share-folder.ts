import { chmod, mkdir } from 'node:fs/promises';

/**
 * Makes a folder of hyperd's own that the hypervisor's user may pass through to its disks and sockets. Nobody else can
 * list it, and what is secret below it has rights of its own.
 */
export async function shareFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o711);
}
