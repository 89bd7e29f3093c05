import type { FieldPath, Problems } from './problems.ts';

/** What is said of a text that has one. */
export const hasNul = 'must not have a NUL (a zero byte), which ends a text for the kernel: give a file for bytes';

/**
 * Texts with a NUL, which no process can be given, are problems.
 *
 * @param value fields that have been checked, so that they are not deep.
 * @param contents the keys whose texts are what is in files.
 */
export function refuseNul(value: unknown, at: FieldPath, problems: Problems, contents: readonly string[] = []): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) problems.add(at, hasNul);
  } else if (Array.isArray(value)) {
    value.forEach((item, index) => {
      refuseNul(item, [...at, index], problems, contents);
    });
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, field] of Object.entries(value)) {
      if (key.includes('\0')) problems.add([...at, key], hasNul);
      if (!contents.includes(key)) refuseNul(field, [...at, key], problems, contents);
    }
  }
}
