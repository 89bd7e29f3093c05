import { PodSpec } from '../contract/index.ts';
import { HyperError } from '../lib/errors.ts';
import { guessSyntax, parseDocuments } from './document/index.ts';
import { withContents } from './file-contents.ts';
import { isManifest, planManifest } from './kubernetes/index.ts';
import { refuseNul } from './nul.ts';
import type { PlannedPod } from './planned-file.ts';
import { Problems } from './problems.ts';
import { readUri, type ReadUri } from './read-uri.ts';
import { checkFields } from './schema/field-errors.ts';
import { PodFields } from './schema/pod-fields.ts';
import { translatePod } from './translate/pod.ts';

/** kubernetes: JSON or YAML with a manifest of a Pod. */
export type PodFileFormat = 'json' | 'yaml' | 'kubernetes';

export interface PodFile {
  readonly text: string;
  /** Left out: told by what is in it. */
  readonly format?: PodFileFormat | undefined;
}

export interface ReadOptions {
  readonly signal: AbortSignal;
  /** What reads the files that have a URI. */
  readonly read?: ReadUri;
}

/**
 * What a pod file asks for, in the API's shape; files with a URI are read.
 *
 * @throws HyperError `bad_request` and `unsupported` with the path of each field that is wrong; what `read` throws
 */
export async function readPodFile(file: PodFile, { signal, read = readUri }: ReadOptions): Promise<PodSpec> {
  const { spec, containers, initContainers } = await planFile(file, signal);
  const all = await withContents([...containers, ...initContainers], read, signal);
  const inits = all.slice(containers.length);
  const pod = PodSpec.safeParse({
    ...spec,
    containers: all.slice(0, containers.length),
    ...(inits.length === 0 ? {} : { initContainers: inits }),
  });
  if (pod.success) return pod.data;
  const [issue] = pod.error.issues;
  throw new HyperError(
    'bad_request',
    `the pod that the file describes cannot be: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    { cause: pod.error },
  );
}

async function planFile({ text: given, format }: PodFile, signal: AbortSignal): Promise<PlannedPod> {
  const text = given.replace(/^\uFEFF/, '');
  const syntax = format === undefined || format === 'kubernetes' ? guessSyntax(text) : format;
  if (format !== 'kubernetes') {
    const documents = await parseDocuments(text, { syntax, version: '1.2', signal });
    if (!documents.some(isManifest)) return planOwn(documents);
  }
  return planManifest(await parseDocuments(text, { syntax, version: '1.1', signal }));
}

function planOwn(documents: readonly unknown[]): PlannedPod {
  const [document, ...more] = documents;
  if (document === undefined) throw new HyperError('bad_request', 'the pod file is empty: see docs/pod-files.md');
  if (more.length > 0) {
    throw new HyperError('bad_request', `the pod file has ${documents.length} documents: a pod file is one`);
  }
  const problems = new Problems();
  const fields = checkFields(PodFields, document, [], problems);
  refuseNul(fields, [], problems, ['content']);
  const pod = fields === undefined ? undefined : translatePod(fields, problems);
  problems.throwIfAny();
  if (pod === undefined) throw new HyperError('internal', 'a pod file was refused without a reason');
  return pod;
}
