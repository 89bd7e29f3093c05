import { HyperError, messageOf } from '../../lib/errors.ts';
import { showPosition } from './position.ts';

/** @throws HyperError `bad_request` with line and column */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new HyperError('bad_request', `the file is no JSON: ${describe(messageOf(error), text)}`, { cause: error });
  }
  const twin = offsetOfTwin(text);
  if (twin === undefined) return value;
  // JSON.parse takes the last of two; whoever wrote them meant both.
  throw new HyperError('bad_request', `the file has a key twice in one object: ${showPosition(text, twin)}`);
}

/** V8 says where for some mistakes, and for others only what. */
function describe(message: string, text: string): string {
  const [, reason = message, offset] = /^(.*) in JSON at position (\d+)/.exec(message) ?? [];
  const at = offset === undefined ? offsetOfNoToken(text) : Number(offset);
  return at === undefined ? message : `${showPosition(text, at)}: ${reason.replace(/, (\.\.\.)?".*$/s, '')}`;
}

const token =
  /[ \t\r\n]*(?:[{}[\]:,]|"[^"\\\0-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\0-\x1f]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|true\b|false\b|null\b)/y;

/** The first place where no JSON token stands (RFC 8259). */
function offsetOfNoToken(text: string): number | undefined {
  token.lastIndex = 0;
  let end = 0;
  while (token.test(text)) end = token.lastIndex;
  const rest = text.slice(end).search(/[^ \t\r\n]/);
  return rest === -1 ? undefined : end + rest;
}

/** Where a key stands that its object has already, in a text that is JSON. */
function offsetOfTwin(text: string): number | undefined {
  const open: Set<string>[] = [];
  for (const { 0: piece, 1: key, index } of text.matchAll(
    /[{}[\]]|("[^"\\]*(?:\\.[^"\\]*)*")(?=\s*:)|"[^"\\]*(?:\\.[^"\\]*)*"/g,
  )) {
    if (piece === '{' || piece === '[') open.push(new Set());
    else if (piece === '}' || piece === ']') open.pop();
    else if (key !== undefined) {
      const name = String(JSON.parse(key)); // two may be spelled differently
      if (open.at(-1)?.has(name) === true) return index;
      open.at(-1)?.add(name);
    }
  }
  return undefined;
}
