import { z } from 'zod';
import { PodSpec } from '../../contract/index.ts';
import { fields, refused, text, texts } from '../schema/fields.ts';

/** What a Pod and what it refers to are called. */
const metadata = {
  name: z.string().min(1).optional(),
  namespace: refused('there are no namespaces', ['default']),
  generateName: refused('give a name'),
  labels: texts.optional(),
  // By definition nothing of Kubernetes' own; those that are a wish all the same are refused by their name.
  annotations: texts.optional().superRefine((annotations = {}, context) => {
    for (const name of Object.keys(annotations)) {
      if (!/(apparmor|seccomp)\.security\.(alpha|beta)\.kubernetes\.io\//.test(name)) continue;
      context.addIssue({ code: 'custom', path: [name], message: 'is not supported: the guest has no such profiles' });
    }
  }),
};

const Metadata = fields(metadata);
export const PodMetadata = fields({ ...metadata, name: PodSpec.shape.name });

/** What is kept under each key, which is a file's name where it is mounted. */
const entries = texts.superRefine((values, context) => {
  for (const key of Object.keys(values)) {
    if (/^[-._a-zA-Z0-9]{1,253}$/.test(key) && key !== '.' && !key.startsWith('..')) continue;
    const rule = 'of letters, digits, "-", "_" and ".", at most 253, not be ".", and not begin with ".."';
    context.addIssue({ code: 'custom', path: [key], message: `is no key: one must be ${rule}` });
  }
});

export const ConfigMap = fields({
  apiVersion: z.literal('v1'),
  kind: z.literal('ConfigMap'),
  metadata: Metadata,
  immutable: z.boolean().optional(),
  data: entries.optional(),
  binaryData: entries.optional(),
});

export const Secret = fields({
  apiVersion: z.literal('v1'),
  kind: z.literal('Secret'),
  metadata: Metadata,
  immutable: z.boolean().optional(),
  type: text.optional(),
  data: entries.optional(),
  stringData: entries.optional(),
});
