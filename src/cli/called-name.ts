import { basename } from 'node:path';

/** The program's name as it was called: the binary's own, or the bundle's that Node runs. */
export function calledName(): 'hyper' | 'hyperctl' {
  const names = [process.argv0, process.argv[1] ?? ''].map((path) => basename(path, '.cjs'));
  return names.includes('hyperctl') ? 'hyperctl' : 'hyper';
}
