import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageStoreConfig } from '../../src/image/index.ts';
import { ImageStore } from '../../src/image/index.ts';
import { silentLog } from '../../src/lib/log.ts';

/** A folder that goes with its scope. */
export interface TestFolder extends AsyncDisposable {
  readonly path: string;
}

export async function makeTestFolder(): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), 'hyper-images-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export interface TestStore extends AsyncDisposable {
  readonly images: ImageStore;
  readonly root: string;
  /** What is in a folder of the store: `layers`, `images`, `tmp`. */
  contents(folder: string): Promise<readonly string[]>;
}

/** An image store of a test's own: quick to give up, no login but those a test makes. */
export async function openTestStore(config: ImageStoreConfig = {}, root?: string): Promise<TestStore> {
  const folder = await makeTestFolder();
  const path = root ?? join(folder.path, 'store');
  const quick: ImageStoreConfig = {
    attempts: 3,
    retryDelayMs: 1,
    idleTimeoutMs: 2_000,
    certsDir: join(folder.path, 'certs.d'),
    environment: {},
  };
  const images = await ImageStore.open({ root: path, log: silentLog, config: { ...quick, ...config } });
  return {
    images,
    root: path,
    contents: (name) => readdir(join(path, name)),
    async [Symbol.asyncDispose]() {
      await images[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A signal that nobody aborts. */
export const never: AbortSignal = new AbortController().signal;
