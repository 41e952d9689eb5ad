/** A copy to keep: part of a longer string would keep all of it in memory. */
export function ownCopy(text: string): string {
  // V8 copies the names of properties, and makes later ones of the same text the same string, which compares fast.
  return Object.keys({ [text]: 0 })[0] ?? text;
}
