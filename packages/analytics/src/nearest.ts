/** Returns the candidate with the fewest edits, if they are at most `maxEdits` and half the length of the longer word. */
export function nearest(
  word: string,
  candidates: readonly string[],
  maxEdits: number = Number.POSITIVE_INFINITY,
): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: editDistance(word, candidate) }))
    .filter(({ candidate, edits }) => edits <= Math.min(maxEdits, Math.max(word.length, candidate.length) / 2))
    .sort((a, b) => a.edits - b.edits);
  return ranked[0]?.candidate;
}

/** Counts the insertions, deletions, substitutions and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [row, letter] of [...a].entries()) {
    const current = [row + 1];
    for (let column = 0; column < b.length; column += 1) {
      const isSwap = letter === b[column - 1] && a[row - 1] === b[column];
      const diagonal = (isSwap ? older[column - 1] : above[column]) as number;
      const replaced = diagonal + (letter === b[column] ? 0 : 1);
      current.push(Math.min(replaced, (above[column + 1] as number) + 1, (current[column] as number) + 1));
    }
    older = above;
    above = current;
  }
  return above[b.length] as number;
}
