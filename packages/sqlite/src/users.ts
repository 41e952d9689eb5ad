import type { ByteReader, ByteWriter } from './bytes.ts';

// Sets of users, by their ids in the dictionary: complete up to a size, a sample beyond it (adaptive sampling; Flajolet, "On
// adaptive sampling", 1990). A sample of level n holds the ids whose hash ends in n zero bits: one in 2ⁿ.

/** Counts are exact up to here, and within about 1.5 % (one standard error) beyond. */
export const maxUsers = 8192;

export interface UserSet {
  readonly level: number;
  /** Ascending. */
  readonly ids: readonly number[];
}

export const noUsers: UserSet = { level: 0, ids: [] };

/** Creates a set from ids of a sample of this level; in any order, with duplicates. */
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

/** Stores dense ids as a bitmap, others as differences; whichever is shorter. */
export function writeUsers(writer: ByteWriter, { level, ids }: UserSet): void {
  const first = (ids[0] ?? 0) >>> 3;
  const size = ((ids.at(-1) ?? 0) >>> 3) - first + 1;
  if (size < ids.length) {
    const bits = new Uint8Array(size);
    for (const id of ids) {
      (bits[(id >>> 3) - first] as number) |= 1 << (id & 7);
    }
    writer.whole(2 * level + 1);
    writer.whole(first);
    writer.whole(size);
    writer.bytes(bits);
    return;
  }
  writer.whole(2 * level);
  writer.whole(ids.length);
  let last = 0;
  for (const id of ids) {
    writer.whole(id - last);
    last = id;
  }
}

export function readUsers(reader: ByteReader): UserSet {
  const form = reader.whole();
  const level = form >>> 1;
  if (form & 1) {
    const first = reader.whole();
    return { level, ids: idsOf(reader.bytes(reader.whole()), first) };
  }
  const ids: number[] = new Array(reader.whole());
  let last = 0;
  for (let at = 0; at < ids.length; at += 1) {
    last += reader.whole();
    ids[at] = last;
  }
  return { level, ids };
}

/** The ids in a bitmap that starts at byte `first`. */
function idsOf(bits: Uint8Array, first: number): number[] {
  const ids: number[] = [];
  for (let at = 0; at < bits.length; at += 1) {
    for (let rest = bits[at] as number; rest !== 0; rest &= rest - 1) {
      ids.push((first + at) * 8 + 31 - Math.clz32(rest & -rest));
    }
  }
  return ids;
}

/** The users in a union of sets. */
interface Users {
  /** The number of users. */
  readonly users: number;
  /** All of them (level 0), or a sample if they are too many. */
  sample(): UserSet;
}

/** Computes one union after the other, of sets in stored form: thousands of users, for each of hundreds of groups. */
export interface UserUnion {
  add(set: ByteReader): void;
  addId(id: number): void;
  /** Returns the union of everything added since the last call. */
  take(): Users;
}

export function createUserUnion(): UserUnion {
  let bits = new Uint8Array(1024);
  let level = 0;
  // Only the bytes in this range may be other than 0.
  let [first, end] = [bits.length, 0];

  function reach(from: number, to: number): void {
    if (to > bits.length) {
      const larger = new Uint8Array(2 * to);
      larger.set(bits);
      bits = larger;
    }
    first = Math.min(first, from);
    end = Math.max(end, to);
  }

  function addId(id: number): void {
    const at = id >>> 3;
    reach(at, at + 1);
    (bits[at] as number) |= 1 << (id & 7);
  }

  return {
    addId,
    add(set) {
      const form = set.whole();
      level = Math.max(level, form >>> 1);
      if (form & 1) {
        const from = set.whole();
        const added = set.bytes(set.whole());
        reach(from, from + added.length);
        for (let at = 0; at < added.length; at += 1) {
          (bits[from + at] as number) |= added[at] as number;
        }
        return;
      }
      let id = 0;
      for (let left = set.whole(); left > 0; left -= 1) {
        id += set.whole();
        addId(id);
      }
    },
    take() {
      const [from, taken, ofLevel] = [first, bits.slice(first, end), level];
      bits.fill(0, first, end);
      [first, end] = [bits.length, 0];
      level = 0;
      if (ofLevel > 0) {
        const sample = userSet(idsOf(taken, from), ofLevel);
        return { users: countUsers(sample), sample: () => sample };
      }
      const users = taken.reduce((sum, byte) => sum + bitCount(byte), 0);
      return { users, sample: () => ({ level: 0, ids: idsOf(taken, from) }) };
    },
  };
}

/** The number of bits set in a byte. */
function bitCount(byte: number): number {
  const pairs = byte - ((byte >> 1) & 0x55);
  const fours = (pairs & 0x33) + ((pairs >> 2) & 0x33);
  return (fours + (fours >> 4)) & 0x0f;
}

/** The number of users that a set represents; an estimate for a sample. */
export function countUsers({ level, ids }: UserSet): number {
  return ids.length * 2 ** level;
}

export function hasLevel(id: number, level: number): boolean {
  return (hash(id) & (2 ** level - 1)) === 0;
}

/** The finalizer of MurmurHash3: consecutive ids get unrelated hashes. */
function hash(id: number): number {
  let mixed = id;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
