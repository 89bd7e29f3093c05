/** One way a server offers to log in (RFC 9110, 11.6.1). Scheme and parameter names are lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const quoted = /"((?:[^"\\]|\\.)*)"/y;
const gap = /[\s,]*/y;
const equals = /\s*=\s*/y;

/** Reads a text by patterns that match at the place reached. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match;
  }
}

/**
 * Parses `WWW-Authenticate`; several challenges may share one header. What follows something malformed is left out.
 *
 * @example parseChallenges('Bearer realm="https://auth.example/token",service="r"')[0].scheme // 'bearer'
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  const scanner = new Scanner(header);
  for (;;) {
    scanner.take(gap);
    const name = scanner.take(token)?.[0].toLowerCase();
    if (name === undefined) return challenges;
    if (scanner.take(equals) === undefined) {
      challenges.push({ scheme: name, parameters: new Map() });
      continue;
    }
    const value = scanner.take(quoted)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? scanner.take(token)?.[0];
    const current = challenges.at(-1);
    if (value === undefined || current === undefined) return challenges;
    current.parameters.set(name, value);
  }
}
