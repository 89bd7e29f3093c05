import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Comparison, Sample } from '../measure.ts';
import type { Room } from '../room.ts';
import { runTimed } from '../run-timed.ts';
import { besideBare } from '../tools/beside-bare.ts';
import { type SideGuests, ToolsSides } from '../tools/tools-sides.ts';

const seconds = 1;
const fileMiB = 64;

const Direction = z.object({ bw_bytes: z.number(), iops: z.number() });
const Report = z.object({ jobs: z.tuple([z.object({ read: Direction, write: Direction })]) });

/** Half of it reads, half writes, past the guest's cache, one at a time. */
const patterns = {
  seq: { options: '--rw=rw --bs=128k', what: 'in order, 128 KiB at a time', unit: 'MB/s' },
  random: { options: '--rw=randrw --bs=4k', what: 'at random, 4 KiB at a time', unit: '/s' },
} as const;

/** fio's file is all there before it starts. */
const fill = (guest: SideGuests[0], folder: string): Promise<unknown> =>
  guest.run(`dd if=/dev/zero of=${folder}/fio bs=1M count=${fileMiB} 2>&1; sync`);

const withDisks = new ToolsSides({
  wish: () => Promise.resolve({ disk: true }),
  ready: async ([guest]) => {
    await fill(guest, '/scratch');
    await fill(guest, '/disk');
  },
});

const withFolder = new ToolsSides({
  wish: async (room) => ({ folder: await committedFolder(room) }),
  ready: ([guest]) => fill(guest, '/folder/.git'),
});

const places = {
  scratch: { what: 'the writable layer', folder: '/scratch', sides: withDisks },
  disk: { what: 'a volume of type disk', folder: '/disk', sides: withDisks },
  folder: { what: 'a folder of the host', folder: '/folder/.git', sides: withFolder },
} as const;

function fio(place: keyof typeof places, pattern: keyof typeof patterns): Comparison {
  const { what, folder, sides } = places[place];
  const { options, what: how, unit } = patterns[pattern];
  const limits = `--size=${fileMiB}m --time_based --runtime=${seconds} --direct=1 --ioengine=psync --fallocate=none`;
  return besideBare({
    ...{ name: `${place}-${pattern}`, what: `\`fio\` on ${what}, ${how}`, unit, sides },
    ...(pattern === 'seq' ? { times: 3 } : {}), // single samples move by a fifth
    take: async ([guest]) => {
      const job = `fio --name=job --filename=${folder}/fio ${options} ${limits} --output-format=json`;
      return sampleOf(await guest.run(job), unit);
    },
  });
}

function sampleOf(json: string, unit: 'MB/s' | '/s'): Sample {
  const [{ read, write }] = Report.parse(JSON.parse(json)).jobs;
  const of = ({ bw_bytes, iops }: typeof read): number => (unit === 'MB/s' ? bw_bytes / 1e6 : iops);
  return { value: of(read) + of(write), parts: { read: of(read), write: of(write) } };
}

const repositoryFolders = 50;
const filesPerFolder = 20;

/** A look at the attributes of every file of a host folder. */
const gitStatus = besideBare({
  name: 'git-status',
  what: `\`git status\`, ${repositoryFolders * filesPerFolder} files in a folder of the host`,
  unit: 'ms',
  sides: withFolder,
  take: async ([guest]) => {
    const clock = 'now() { t=$EPOCHREALTIME; echo ${t%.*}${t#*.}; }';
    const status = 'git --no-optional-locks -C /folder status --porcelain';
    const said = await guest.run(`${clock}; began=$(now); ${status} && echo $(($(now) - began))`);
    if (!/^\d+$/.test(said)) throw new Error(`git status: ${said}`);
    return { value: Number(said) / 1000 };
  },
});

export const files: readonly Comparison[] = [
  ...(['scratch', 'disk', 'folder'] as const).flatMap((place) => [fio(place, 'seq'), fio(place, 'random')]),
  gitStatus,
];

/** Before any index was written: git reads a file again that is as young as the index, each time. */
const writtenAt = new Date('2020-01-01');

/** A repository in which nothing has changed. */
async function committedFolder(room: Room): Promise<string> {
  const path = join(room.folder, 'repository');
  await mkdir(path);
  for (let folder = 0; folder < repositoryFolders; folder++) {
    await mkdir(join(path, `folder-${folder}`));
    for (let file = 0; file < filesPerFolder; file++) {
      const name = join(path, `folder-${folder}/file-${file}`);
      await writeFile(name, `${folder} ${file}\n`);
      await utimes(name, writtenAt, writtenAt);
    }
  }
  const git = (...args: readonly string[]) => runTimed('git', ['-C', path, ...args]);
  await git('init', '-q');
  await git('add', '.');
  await git('-c', 'user.name=bench', '-c', 'user.email=bench@localhost', 'commit', '-qm', 'all');
  return path;
}
