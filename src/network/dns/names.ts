/** The names that an asker is answered by us. All are asked for each query, so they must be quick. */
export interface Names {
  /** The addresses of a name (lower case, no dot at its end); undefined: not ours, ask upstream. */
  resolve(name: string): readonly string[] | undefined;
  /** The name of an address; null: it is in our networks and has none; undefined: not ours, ask upstream. */
  reverse(address: string): string | null | undefined;
}

export const noNames: Names = { resolve: () => undefined, reverse: () => undefined };
