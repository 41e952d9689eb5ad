/** Ids of what was delivered: of the last batches, with so many ids at least. */
export interface Seen {
  /**
   * Whether it is plain that none of these was delivered: each is greater than the one before it, and than all that were ever asked
   * about. Ids grow with time, so that this is so of nearly all batches.
   */
  areNew(ids: readonly string[]): boolean;
  has(id: string): boolean;
  /** To be called with ids that were asked about. */
  add(ids: readonly string[]): void;
}

/** Many small ones are put together, as each is looked into. */
const maxBatches = 64;

export function createSeen(bound: number): Seen {
  let batches: { readonly ids: readonly string[]; set: Set<string> | undefined }[] = [];
  let count = 0;
  let newest = '';
  return {
    areNew(ids) {
      let areRising = true;
      for (const id of ids) {
        if (id > newest) {
          newest = id;
        } else {
          areRising = false;
        }
      }
      return areRising;
    },
    has: (id) =>
      batches.some((batch) => {
        batch.set ??= new Set(batch.ids);
        return batch.set.has(id);
      }),
    add(ids) {
      if (ids.length === 0) {
        return;
      }
      batches.push({ ids, set: undefined });
      count += ids.length;
      while (count - (batches[0]?.ids.length ?? 0) >= bound) {
        count -= batches.shift()?.ids.length ?? 0;
      }
      if (batches.length > maxBatches) {
        batches = [{ ids: batches.flatMap((batch) => batch.ids), set: undefined }];
      }
    },
  };
}
