import { parseJson } from './json-document.ts';
import { readYaml } from './read-yaml.ts';
import type { YamlVersion } from './yaml-document.ts';

export type Syntax = 'json' | 'yaml';

/** The documents of a file that are not empty; JSON has one. @throws HyperError `bad_request` with line and column */
export async function parseDocuments(
  text: string,
  { syntax, version, signal }: { readonly syntax: Syntax; readonly version: YamlVersion; readonly signal: AbortSignal },
): Promise<readonly unknown[]> {
  return syntax === 'json' ? [parseJson(text)] : await readYaml(text, version, signal);
}

/** JSON begins with a brace; a file of YAML that does is read as JSON, of which it has the form. */
export function guessSyntax(text: string): Syntax {
  return text.trimStart().startsWith('{') ? 'json' : 'yaml';
}
