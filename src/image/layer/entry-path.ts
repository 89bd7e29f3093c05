import { byteString, joinBytes, quoteBytes, splitPath, type ByteString } from '../../lib/byte-string.ts';
import { corrupt } from './corrupt.ts';

/** Linux's PATH_MAX and NAME_MAX, which are EROFS's too. */
const pathLimit = 4095;
const componentLimit = 255;
const parent = byteString('..');

/**
 * An entry's name as a path below the root: `a/b`, the root itself is empty. Absolute names are taken relative to the root,
 * as everyone does; a `..` is refused.
 */
export function entryPath(name: ByteString): ByteString {
  const components = splitPath(name).filter((component) => component !== '' && component !== '.');
  if (components.includes(parent)) throw corrupt(`an entry leaves its folder: ${quoteBytes(name)}`);
  return checkedPath(components, name);
}

/** The target of a hard link as a path below the root; a `..` may stand inside, but not lead out. */
export function hardLinkPath(name: ByteString): ByteString {
  const components: ByteString[] = [];
  for (const component of splitPath(name)) {
    if (component === '' || component === '.') continue;
    if (component !== parent) components.push(component);
    else if (components.pop() === undefined) throw corrupt(`a hard link leaves the image: ${quoteBytes(name)}`);
  }
  return checkedPath(components, name);
}

function checkedPath(components: readonly ByteString[], name: ByteString): ByteString {
  const path = joinBytes(components, '/');
  if (path.length > pathLimit || components.some((component) => component.length > componentLimit)) {
    throw corrupt(`a name is too long: ${quoteBytes(name)}`);
  }
  return path;
}
