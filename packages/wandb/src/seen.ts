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
      if (areRising(ids, newest)) {
        newest = ids.at(-1) as string;
      } else {
        for (const id of ids) {
          newest = id > newest ? id : newest;
        }
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

const idLength = 36;

/**
 * Whether each id is greater than the one before it, and the first one greater than `after`. Ids that are made one after another begin
 * alike; asking two texts which is greater looks at each of their characters, and takes ten times as long as comparing bytes.
 */
export function areRising(ids: readonly string[], after: string): boolean {
  const [first] = ids;
  const bytes = Buffer.from(ids.join(''), 'latin1');
  if (first === undefined || first <= after || bytes.length !== ids.length * idLength) {
    return false;
  }
  for (let at = idLength; at < bytes.length; at += idLength) {
    if (!isGreater(bytes, at)) {
      return false;
    }
  }
  return true;
}

/** Whether the id that begins there is greater than the one before it. */
function isGreater(bytes: Buffer, at: number): boolean {
  for (let byte = at; byte < at + idLength; byte += 1) {
    const difference = (bytes[byte] as number) - (bytes[byte - idLength] as number);
    if (difference !== 0) {
      return difference > 0;
    }
  }
  return false;
}
