import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

export interface CliBuild {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const root = resolve(import.meta.dirname, '../..');
/** HYPER_DIST: builds that are elsewhere. */
const dist = resolve(root, process.env.HYPER_DIST ?? 'dist');
const bundle = resolve(dist, 'hyper.cjs');
const binary = resolve(dist, 'hyper');

/** The ways in which the CLI runs: from its sources, and what `npm run build` has made. */
export const cliBuilds: readonly CliBuild[] = [
  ...(existsSync(bundle)
    ? [{ name: 'Node bundle', command: [process.execPath, bundle] as const }]
    : [{ name: 'sources', command: [process.execPath, resolve(root, 'src/cli/main.ts')] as const }]),
  ...(existsSync(binary) ? [{ name: 'bun binary', command: [binary] as const }] : []),
];
