import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { HyperError, messageOf, systemCode } from '../lib/errors.ts';

/** `/etc/hyper/config.json`, or a user's own (docs/guide.md, Configuration). Every field may be left out. */
const Settings = z.strictObject({
  accelerator: z.enum(['auto', 'kvm', 'tcg']).default('auto'),
  qemu: z
    .string()
    .default('qemu-system-x86_64')
    .describe('name or path of the binary; "hyper" is what scripts/qemu builds'),
  kernel: z.enum(['distribution', 'hyper']).default('distribution').describe('"hyper" is what scripts/kernel builds'),
  machine: z
    .enum(['q35', 'microvm'])
    .default('q35')
    .describe('"microvm" takes less memory, and needs "kernel": "hyper"'),
  guestDir: z.string().optional().describe('where vmlinux and initramfs.cpio are'),
  bootTimeoutSeconds: z.number().min(1).default(120),
  pool: z
    .strictObject({
      size: z.number().int().min(0).max(256).optional().describe('VMs that wait; 0: none'),
      maxSize: z
        .number()
        .int()
        .min(0)
        .max(256)
        .optional()
        .describe('after a burst so many wait for the next one; default `size` where that is said'),
    })
    .default({}),
  memory: z
    .strictObject({
      maxMiB: z
        .number()
        .int()
        .min(256)
        .optional()
        .describe("what all VMs may come to need; default 90 % of the host's"),
      whenFull: z.enum(['refuse', 'wait']).default('refuse').describe('what happens to a start that would need more'),
    })
    .default({ whenFull: 'refuse' }),
  templates: z
    .strictObject({
      maxMiB: z
        .number()
        .int()
        .min(0)
        .default(2048)
        .describe('what templates may have on disk; 0: none are made by themselves'),
    })
    .default({ maxMiB: 2048 }),
  bridge: z.string().max(15).optional(),
  subnet: z.string().optional().describe('192.168.123.0/24'),
  subnet6: z.string().optional().describe('fd00:1::/64; left out: the default network has no IPv6'),
  insecureRegistries: z.array(z.string()).default([]),
  mirrors: z.record(z.string(), z.array(z.string())).default({}),
  certsDir: z.string().optional(),
  certificates: z.array(z.string()).default([]).describe('PEM files of authorities trusted for every registry'),
  maxLayerBytes: z.number().int().min(1).optional().describe('a layer that unpacks to more is refused'),
  socketGroup: z.string().default('hyper').describe('members may use the socket, and with it are root'),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});
const Config = Settings.refine(({ machine, kernel }) => machine === 'q35' || kernel === 'hyper', {
  path: ['machine'],
  message: 'a microvm needs "kernel": "hyper", which scripts/kernel builds: the distribution\'s finds no devices there',
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
