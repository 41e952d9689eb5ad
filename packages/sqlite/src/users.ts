import type { ByteReader, ByteWriter } from './bytes.ts';

// Sets of users, by their numbers in the dictionary: whole up to a size, a sample beyond it (adaptive sampling; Flajolet, "On
// adaptive sampling", 1990). A sample of level n holds those whose hash ends in n zero bits: one in 2ⁿ.

/** Counts are exact up to here, and within about 1.5 % (one standard error) beyond. */
export const maxUsers = 8192;

export interface UserSet {
  readonly level: number;
  /** Rising. */
  readonly ids: readonly number[];
}

export const noUsers: UserSet = { level: 0, ids: [] };

/** Of a sample of this level; ids in any order, each any number of times. */
export function userSet(ids: readonly number[], level = 0): UserSet {
  const sorted = Uint32Array.from(ids).sort();
  const distinct: number[] = [];
  let last = -1;
  for (const id of sorted) {
    if (id !== last && (level === 0 || hasLevel(id, level))) {
      distinct.push(id);
    }
    last = id;
  }
  let set: UserSet = { level, ids: distinct };
  while (set.ids.length > maxUsers) {
    const next = set.level + 1;
    set = { level: next, ids: set.ids.filter((id) => hasLevel(id, next)) };
  }
  return set;
}

export function writeUsers(writer: ByteWriter, { level, ids }: UserSet): void {
  writer.whole(level);
  writer.whole(ids.length);
  let last = 0;
  for (const id of ids) {
    writer.whole(id - last);
    last = id;
  }
}

export function readUsers(reader: ByteReader): UserSet {
  const level = reader.whole();
  const ids: number[] = new Array(reader.whole());
  let last = 0;
  for (let at = 0; at < ids.length; at += 1) {
    last += reader.whole();
    ids[at] = last;
  }
  return { level, ids };
}

/** How many users a set stands for. */
export function countUsers({ level, ids }: UserSet): number {
  return ids.length * 2 ** level;
}

export function hasLevel(id: number, level: number): boolean {
  return (hash(id) & (2 ** level - 1)) === 0;
}

/** MurmurHash3's finalizer: ids that follow each other come out unrelated. */
function hash(id: number): number {
  let mixed = id;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
