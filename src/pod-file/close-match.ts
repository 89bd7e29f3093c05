/** Words further apart than this are not each other's misspelling; a longer word may have more faults. */
const mostEdits = (length: number): number => (length <= 4 ? 1 : 2);
/** Longer ones are no names, and would take their time; of a long list, not all are looked at. */
const longest = 64;
const mostKnown = 200;

/** `: did you mean image?`, or nothing where none of the words is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const match = closeMatch(word, known);
  return match === undefined ? '' : `: did you mean ${match}?`;
}

/** The word that was meant; one that differs only in upper and lower case is the nearest. */
export function closeMatch(word: string, known: readonly string[]): string | undefined {
  if (word.length > longest) return undefined;
  const small = word.toLowerCase();
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const name of known.slice(0, mostKnown)) {
    if (Math.abs(name.length - small.length) > mostEdits(small.length)) continue;
    const edits = editDistance(small, name.toLowerCase());
    if (edits <= mostEdits(small.length) && (best === undefined || edits < best.edits)) best = { name, edits };
  }
  return best?.name;
}

/** Levenshtein's: letters put in, left out or replaced. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
