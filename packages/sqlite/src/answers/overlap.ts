import { countUsers, hasLevel, type UserSet } from '../users.ts';

// What sets of users have in common. A sample holds those of all users that a hash picks, so two samples that are thinned out
// alike have in common what their sets have.

/** Those of a set that a sample of at least this level holds. */
export function thinned({ level, ids }: UserSet, wanted: number): UserSet {
  return wanted <= level ? { level, ids } : { level: wanted, ids: ids.filter((id) => hasLevel(id, wanted)) };
}

/** Which part of the first set is in the second, 0 to 1; null when the first is empty. */
export function sharedPart(one: UserSet, other: UserSet): number | null {
  const level = Math.max(one.level, other.level);
  const all = thinned(one, level).ids;
  const others = new Set(thinned(other, level).ids);
  return all.length === 0 ? null : all.filter((id) => others.has(id)).length / all.length;
}

/** By which part the number of users has grown; null where there were none before. */
export function growth(before: UserSet, after: UserSet): number | null {
  const count = countUsers(before);
  return count === 0 ? null : (countUsers(after) - count) / count;
}
