import { showFound } from '../found.ts';
import { HyperError } from '../../lib/errors.ts';
import { refuseNul } from '../nul.ts';
import type { PlannedPod } from '../planned-file.ts';
import { Problems } from '../problems.ts';
import { checkFields } from '../schema/field-errors.ts';
import { ConfigData } from './config-data.ts';
import { Manifest } from './manifest-fields.ts';
import { translateManifest } from './translate-manifest.ts';

/** Whether a document is one of Kubernetes': no pod file of ours has these keys. */
export function isManifest(document: unknown): boolean {
  return (
    kindOf(document) !== undefined && typeof document === 'object' && document !== null && 'apiVersion' in document
  );
}

/**
 * The Pod among a file's documents; ConfigMaps and Secrets beside it are what it may refer to.
 *
 * @throws HyperError `bad_request`, `unsupported`
 */
export function planManifest(documents: readonly unknown[]): PlannedPod {
  const problems = new Problems();
  const data = new ConfigData();
  const items = documents.flatMap(itemsOf);
  const pods = items.filter((document) => kindOf(document) === 'Pod');
  items.forEach((document, index) => {
    const kind = kindOf(document);
    const at = items.length === 1 ? [] : ['documents', index];
    if (kind === 'ConfigMap' || kind === 'Secret') data.add(kind, document, at, problems);
    else if (kind === undefined) problems.add([...at, 'kind'], 'is missing: it must be Pod');
    else if (kind !== 'Pod')
      problems.unsupported([...at, 'kind'], `it must be Pod, ConfigMap or Secret, found ${showFound(kind)}`);
  });
  problems.throwIfAny();
  const [pod, ...more] = pods;
  if (pod === undefined) throw new HyperError('bad_request', 'the file has no Pod: give a manifest of the kind Pod');
  if (more.length > 0)
    throw new HyperError('bad_request', `the file has ${pods.length} Pods: give each a file of its own`);
  const manifest = checkFields(Manifest, pod, [], problems);
  refuseNul(manifest, [], problems);
  const planned = manifest === undefined ? undefined : translateManifest(manifest, data, problems);
  problems.throwIfAny();
  if (planned === undefined) throw new HyperError('internal', 'a manifest was refused without a reason');
  return planned;
}

function itemsOf(document: unknown): readonly unknown[] {
  if (kindOf(document) !== 'List' || typeof document !== 'object' || document === null) return [document];
  return 'items' in document && Array.isArray(document.items) ? document.items : [document];
}

function kindOf(document: unknown): string | undefined {
  if (typeof document !== 'object' || document === null || !('kind' in document)) return undefined;
  return typeof document.kind === 'string' ? document.kind : undefined;
}
