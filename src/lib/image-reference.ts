import type { Digest } from './digest.ts';
import { isDigest } from './digest.ts';
import { HyperError, messageOf } from './errors.ts';

/**
 * What names an image, normalised as Docker does it (distribution/reference, normalize.go): the registry is always
 * there, and so is a tag unless there is a digest.
 */
export interface Reference {
  /** `docker.io`, `localhost:5000` */
  readonly registry: string;
  /** `library/ubuntu` */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;
}

const defaultRegistry = 'docker.io';
const officialPrefix = 'library/';
const maxNameLength = 255;

const hostPattern =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const componentPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}$/;

function refuse(text: string, why: string): HyperError {
  return new HyperError('bad_request', `'${text}' is no image reference: ${why}`);
}

/** Whether the part before the first slash is a host, and not the first part of a repository on docker.io. */
function looksLikeHost(part: string): boolean {
  return /[.:]/.test(part) || part === 'localhost' || part.toLowerCase() !== part;
}

function splitRegistry(name: string): readonly [registry: string, repository: string] {
  const slash = name.indexOf('/');
  const first = name.slice(0, slash);
  const [registry, rest] = slash > 0 && looksLikeHost(first) ? [first, name.slice(slash + 1)] : [defaultRegistry, name];
  if (registry !== defaultRegistry && registry !== 'index.docker.io') return [registry, rest];
  return [defaultRegistry, rest.includes('/') ? rest : officialPrefix + rest];
}

/** The tag is what follows the last colon, unless a slash follows it (then it was a port). */
function splitTag(text: string): readonly [name: string, tag: string | undefined] {
  const colon = text.lastIndexOf(':');
  return colon > text.lastIndexOf('/') ? [text.slice(0, colon), text.slice(colon + 1)] : [text, undefined];
}

function checkRepository(text: string, repository: string): void {
  for (const component of repository.split('/')) {
    if (component === '') throw refuse(text, 'a part of its name is empty');
    if (component.toLowerCase() !== component) throw refuse(text, 'the name must be lower case');
    if (!componentPattern.test(component)) {
      throw refuse(text, `'${component}' may have a-z and 0-9, with single '.', '_', '__' or dashes between them`);
    }
  }
}

/**
 * Parses and normalises a reference.
 *
 * @example parseReference('ubuntu') // docker.io/library/ubuntu:latest
 * @throws HyperError `bad_request`, saying which part is wrong
 */
export function parseReference(text: string): Reference {
  if (text === '') throw refuse(text, 'it is empty');
  if (/^[0-9a-f]{64}$/.test(text)) throw refuse(text, '64 hex digits are an id, not a name');
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) {
    throw refuse(text, "after '@' comes a digest: sha256: and 64 lower-case hex digits");
  }
  const [name, tag] = splitTag(at < 0 ? text : text.slice(0, at));
  if (tag !== undefined && !tagPattern.test(tag)) {
    throw refuse(text, `the tag '${tag}' may have at most 128 letters, digits, '_', '.' and '-'`);
  }
  const [registry, repository] = splitRegistry(name);
  if (!hostPattern.test(registry)) throw refuse(text, `'${registry}' is no host name`);
  checkRepository(text, repository);
  if (registry.length + 1 + repository.length > maxNameLength) {
    throw refuse(text, `the name is longer than ${maxNameLength} characters`);
  }
  return { registry, repository, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest };
}

/** What is wrong with a reference, if anything is. */
export function whyNoReference(text: string): string | undefined {
  try {
    parseReference(text);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** `docker.io/library/ubuntu`: the name without tag and digest. */
export function repositoryName(reference: Reference): string {
  return `${reference.registry}/${reference.repository}`;
}

/** The full form: `docker.io/library/ubuntu:latest`. Parses back to the same reference. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return repositoryName(reference) + tag + digest;
}

/** The form people type: `docker.io/library/ubuntu:latest` is `ubuntu:latest`. Parses back to the same reference. */
export function familiarName(reference: Reference): string {
  const full = formatReference(reference);
  if (reference.registry !== defaultRegistry) return full;
  const short = full.slice(defaultRegistry.length + 1);
  const official = short.startsWith(officialPrefix) && !reference.repository.slice(officialPrefix.length).includes('/');
  return official ? short.slice(officialPrefix.length) : short;
}
