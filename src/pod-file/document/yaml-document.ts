import { type Document, isMap, isPair, isScalar, isSeq, parseAllDocuments } from 'yaml';
import { HyperError, messageOf } from '../../lib/errors.ts';
import { showPosition } from './position.ts';

/** Anchors make small files large: more of them than a person writes are refused ("billion laughs"). */
const maxAliases = 100;
/** What a file may grow to by them, as JSON. */
const maxGrown = 4 << 20;

/** Kubernetes and the first Hyper read YAML 1.1, in which 0644 is octal; we read 1.2 where nothing else is the rule. */
export type YamlVersion = '1.1' | '1.2';

/** The documents of a YAML file that are not empty. @throws HyperError `bad_request` with line and column */
export function parseYaml(text: string, version: YamlVersion): unknown[] {
  try {
    const documents = parseAllDocuments(text, {
      // Its own search for twins takes a time that grows with the square of a map's keys.
      ...{ version, merge: true, uniqueKeys: false, prettyErrors: false, logLevel: 'silent' as const },
      // Kubernetes knows no dates: what looks like one is text.
      customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:timestamp'),
    });
    return [...documents].map((document) => valueOf(document, text)).filter((value) => value !== null);
  } catch (error) {
    if (error instanceof HyperError) throw error;
    throw new HyperError('bad_request', `the file is no YAML: ${messageOf(error)}`, { cause: error });
  }
}

function valueOf(document: Document, text: string): unknown {
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw wrongAt(problem.pos[0], problem.message, text);
  refuseTwins(document.contents, text);
  const value: unknown = document.toJS({ maxAliasCount: maxAliases });
  if (value !== null && JSON.stringify(value).length <= maxGrown) return value;
  if (value === null) return null;
  throw new HyperError(
    'bad_request',
    `the file is no YAML that is read: by its anchors it grows beyond ${maxGrown} bytes`,
  );
}

const wrongAt = (offset: number, what: string, text: string): HyperError =>
  new HyperError('bad_request', `the file is no YAML: ${showPosition(text, offset)}: ${what}`);

/** `<<` may stand in a map more than once. */
function refuseTwins(node: unknown, text: string): void {
  if (isSeq(node)) for (const item of node.items) refuseTwins(item, text);
  if (!isMap(node)) return;
  const names = new Set<unknown>();
  for (const item of node.items) {
    if (!isPair(item)) continue;
    const { key } = item;
    if (isScalar(key) && key.value !== '<<') {
      const name = String(key.value);
      if (names.has(name)) throw wrongAt(key.range?.[0] ?? 0, 'the map has this key already', text);
      names.add(name);
    }
    refuseTwins(item.value, text);
  }
}
