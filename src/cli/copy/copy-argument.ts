import { UsageError } from '../usage-error.ts';

/** One side of a copy: `-`, a path of this machine, or one of a container. */
export type CopyArgument =
  | { readonly type: 'stream' }
  | { readonly type: 'local'; readonly path: string }
  | { readonly type: 'container'; readonly container: string; readonly path: string };

/** `CONTAINER:PATH`, unless it begins with `/` or `.`: so a local name with a colon is written `./a:b`, as for docker. */
export function parseCopyArgument(text: string): CopyArgument {
  if (text === '-') return { type: 'stream' };
  const colon = text.indexOf(':');
  if (colon < 0 || /^[/.]/.test(text)) return { type: 'local', path: text };
  const [container, path] = [text.slice(0, colon), text.slice(colon + 1)];
  if (container === '' || path === '') throw new UsageError(`${text}: a path in a container is CONTAINER:PATH`);
  return { type: 'container', container, path };
}
