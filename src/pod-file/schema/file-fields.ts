import { z } from 'zod';
import { absolutePath, choice, hyperFields, text } from './fields.ts';

const name = z.string().regex(/^(?!\.{1,2}$)[^/\0]{1,255}$/, { error: 'must be a name without a slash' });

const shape = {
  encoding: choice(['raw', 'base64']).optional().describe('of content, and of what the uri gives; default raw'),
  content: text.optional().describe('what is in it'),
  uri: z
    .string()
    .regex(/^(https?:\/\/|file:\/\/\/)/, { error: 'must begin with http://, https:// or file:///' })
    .optional()
    .describe('where hyperd reads it when the pod is made, in place of content'),
};

/** A file that containers are given. */
export const FileFields = hyperFields({ name: name.describe('what containers call it by'), ...shape });
export type FileFields = z.infer<typeof FileFields>;

const InlineFile = hyperFields({ name: name.optional(), ...shape });
export type InlineFile = z.infer<typeof InlineFile>;

/** Where a container has a file. */
export const FileOfContainer = hyperFields({
  path: absolutePath.describe(
    'where the container sees it; one that ends with / is the folder of a file with its own name',
  ),
  filename: name.optional().describe("the name of one of the pod's files"),
  perm: z
    .string({
      error: ({ input }) =>
        typeof input === 'number'
          ? 'must be octal digits in quotes, as "0644": without them YAML may read a decimal number'
          : undefined,
    })
    .regex(/^0?[0-7]{3,4}$/, { error: 'must be three or four octal digits, as "0644"' })
    .optional()
    .describe('its mode in octal digits; default 0755'),
  user: text.optional().describe('name or id of its owner in the container; default root'),
  group: text.optional().describe('default root'),
  detail: InlineFile.optional().describe('a file that only this container has, in place of one of the list'),
});
export type FileOfContainer = z.infer<typeof FileOfContainer>;
