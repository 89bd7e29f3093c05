import { body, file, pax, type Records } from './tar-maker.ts';

export interface StoredPiece {
  readonly offset: number;
  readonly content: string;
}

/** GNU tar's ways to write in PAX records where the stored pieces of a sparse file belong (tar's manual, Sparse Formats). */
export type SparseFormat = '0.0' | '0.1' | '1.0';

/** A sparse file of `size` bytes: what lies between and after its pieces is not in the archive. */
export function sparseFile(name: string, format: SparseFormat, pieces: readonly StoredPiece[], size: number): Buffer {
  const stored = pieces.map(({ content }) => content).join('');
  // A piece of no bytes at the end, as GNU tar closes a map that ends in a hole.
  const numbers = [...pieces.flatMap(({ offset, content }) => [offset, content.length]), size, 0];
  const count = String(numbers.length / 2);
  const words = numbers.map(String);
  switch (format) {
    case '0.0': {
      const records: Records = words.map((word, at) => [
        at % 2 === 0 ? 'GNU.sparse.offset' : 'GNU.sparse.numbytes',
        word,
      ]);
      const head = pax([['GNU.sparse.size', String(size)], ['GNU.sparse.numblocks', count], ...records]);
      return Buffer.concat([head, file(name, stored)]);
    }
    case '0.1': {
      const map = [['GNU.sparse.numblocks', count] as const, ['GNU.sparse.map', words.join(',')] as const];
      const head = pax([['GNU.sparse.name', name], ['GNU.sparse.size', String(size)], ...map]);
      return Buffer.concat([head, file('GNUSparseFile.0/x', stored)]);
    }
    case '1.0': {
      const version = [['GNU.sparse.major', '1'] as const, ['GNU.sparse.minor', '0'] as const];
      const head = pax([...version, ['GNU.sparse.name', name], ['GNU.sparse.realsize', String(size)]]);
      const map = body([count, ...words, ''].join('\n'));
      return Buffer.concat([head, file('GNUSparseFile.0/x', Buffer.concat([map, Buffer.from(stored)]))]);
    }
  }
}
