import type { PortableError } from '../../lib/worker-thread.ts';
import type { YamlVersion } from './yaml-document.ts';

/** What a YAML worker is asked, once. */
export interface ToYamlWorker {
  readonly text: string;
  readonly version: YamlVersion;
}

/** What it answers. */
export type FromYamlWorker = { readonly documents: readonly unknown[] } | { readonly error: PortableError };
