/** Ids of what was delivered, of the last while: at least as many as the bound, at most twice as many. */
export interface Seen {
  has(id: string): boolean;
  add(id: string): void;
}

export function createSeen(bound: number): Seen {
  let young = new Set<string>();
  let old = new Set<string>();
  return {
    has: (id) => young.has(id) || old.has(id),
    add(id) {
      if (young.size >= bound) {
        old = young;
        young = new Set();
      }
      young.add(id);
    },
  };
}
