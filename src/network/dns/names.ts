/** The names that a network answers itself, given by the engine. Both are asked for each query, so they must be quick. */
export interface Names {
  /** The IPv4 addresses of a name (lower case, no dot at its end); undefined: not ours, ask upstream. */
  resolve(name: string): readonly string[] | undefined;
  /** The name of an address of the network; undefined: it has none. */
  reverse(address: string): string | undefined;
}

export const noNames: Names = { resolve: () => undefined, reverse: () => undefined };
