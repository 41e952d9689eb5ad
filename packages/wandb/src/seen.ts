/** Ids of what was delivered: of the last batches, with so many ids at least. */
export interface Seen {
  has(id: string): boolean;
  /** The greatest that there ever was; before that, the empty one. */
  readonly newest: string;
  add(ids: readonly string[]): void;
}

/** Many small ones are put together, as each is looked into. */
const maxBatches = 64;

/** Ids grow with time, so that most are known to be new at one look; sets are made only for those that are not. */
export function createSeen(bound: number): Seen {
  let batches: { readonly ids: readonly string[]; set: Set<string> | undefined }[] = [];
  let count = 0;
  let newest = '';
  return {
    has(id) {
      if (id > newest) {
        return false;
      }
      return batches.some((batch) => {
        batch.set ??= new Set(batch.ids);
        return batch.set.has(id);
      });
    },
    get newest() {
      return newest;
    },
    add(ids) {
      if (ids.length === 0) {
        return;
      }
      for (const id of ids) {
        newest = id > newest ? id : newest;
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
