import { fileURLToPath } from 'node:url';

/** The working copy that is measured. */
export const repository = fileURLToPath(new URL('..', import.meta.url));
