import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawRun } from './draw-run.ts';
import { type Run, summary } from './report.ts';
import { repository } from './repository.ts';

const page = join(repository, 'docs/performance.md');
const folder = join(repository, 'docs/performance');
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
export async function recordRun(run: Run): Promise<void> {
  await writeFile(join(folder, 'samples.json'), asText(run));
  const pictures = new Map<string, string>();
  for (const { name, title, svg } of drawRun(run)) {
    await writeFile(join(folder, `${name}.svg`), svg);
    pictures.set(name, `![${title}](performance/${name}.svg)`);
  }
  await writeFile(
    page,
    (await readFile(page, 'utf8')).replace(mark, () => `\n${summary(run, pictures)}\n\n`),
  );
}
