/** Ids of delivered events: those of the latest batches, at least `bound` ids once there are so many. */
export interface Seen {
  /**
   * Whether certainly none of these was delivered: each is greater than the one before it, and than all ids of earlier calls.
   * Ids grow with time, so this holds for nearly all batches.
   */
  areNew(ids: readonly string[]): boolean;
  has(id: string): boolean;
  /** To be called only with ids that `areNew` was asked about. */
  add(ids: readonly string[]): void;
}

/** More batches are merged into one, because `has` searches each of them. */
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
