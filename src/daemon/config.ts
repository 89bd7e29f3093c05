import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { HyperError, messageOf, systemCode } from '../lib/errors.ts';

/** `/etc/hyper/config.json`, or a user's own (docs/guide.md, Configuration). Every field may be left out. */
const Config = z.strictObject({
  accelerator: z.enum(['auto', 'kvm', 'tcg']).default('auto'),
  qemu: z.string().default('qemu-system-x86_64').describe('name or path of the binary'),
  guestDir: z.string().optional().describe('where vmlinux and initramfs.cpio are'),
  bootTimeoutSeconds: z.number().min(1).default(120),
  bridge: z.string().max(15).optional(),
  subnet: z.string().optional().describe('192.168.123.0/24'),
  insecureRegistries: z.array(z.string()).default([]),
  mirrors: z.record(z.string(), z.array(z.string())).default({}),
  certsDir: z.string().optional(),
  certificates: z.array(z.string()).default([]).describe('PEM files of authorities trusted for every registry'),
  maxLayerBytes: z.number().int().min(1).optional().describe('a layer that unpacks to more is refused'),
  socketGroup: z.string().default('hyper').describe('members may use the socket, and with it are root'),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});
export type Config = z.infer<typeof Config>;

/** Reads the configuration; a file that is not there is an empty one. */
export async function readConfig(path: string): Promise<Config> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return Config.parse({});
    throw new HyperError('bad_request', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new HyperError('bad_request', `${path} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const result = Config.safeParse(json);
  if (result.success) return result.data;
  throw new HyperError('bad_request', `${path}: ${result.error.issues.map(describeIssue).join('; ')}`);
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}
