import { posix } from 'node:path';

/** `/data/../srv//` is `/srv`: two spellings of a place are one. */
export const normalPath = (path: string): string => posix.normalize(path).replace(/(.)\/+$/, '$1');
