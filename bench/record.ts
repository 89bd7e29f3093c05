import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawRun } from './draw-run.ts';
import type { QemuChoice } from './options.ts';
import { type Run, summary } from './report.ts';
import { repository } from './repository.ts';

/** The page of each, and the folder beside it with its samples and pictures. */
const pages: Readonly<Record<QemuChoice, string>> = {
  distribution: 'performance',
  hyper: 'performance-optional-qemu',
};
const mark = /(?<=<!-- run -->\n)[\s\S]*(?=<!-- \/run -->)/;

const asText = (run: Run): string => `${JSON.stringify(run, null, 1)}\n`;

/** Keeps a run where git does not see it; answers with the path. */
export async function keepRun(run: Run): Promise<string> {
  const results = join(repository, 'bench/results');
  await mkdir(results, { recursive: true });
  const path = join(results, `${run.when.replaceAll(':', '-')}.json`);
  await writeFile(path, asText(run));
  return path;
}

/** Puts a run into the documentation: its tables, its samples and its pictures. */
export async function recordRun(run: Run, qemu: QemuChoice): Promise<void> {
  const name = pages[qemu];
  const folder = join(repository, 'docs', name);
  const page = `${folder}.md`;
  await writeFile(join(folder, 'samples.json'), asText(run));
  const pictures = new Map<string, string>();
  for (const { name: measure, title, svg } of drawRun(run)) {
    await writeFile(join(folder, `${measure}.svg`), svg);
    pictures.set(measure, `![${title}](${name}/${measure}.svg)`);
  }
  await writeFile(
    page,
    (await readFile(page, 'utf8')).replace(mark, () => `\n${summary(run, pictures)}\n\n`),
  );
}
