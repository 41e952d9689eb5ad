import { countUsers, hasLevel, type UserSet } from '../users.ts';

// The overlap of sets of users. A sample holds the users that a hash selects from all, so samples of the same level overlap in
// the same proportion as their sets.

/** The ids of a set that a sample of at least this level holds. */
export function thinned({ level, ids }: UserSet, wanted: number): UserSet {
  return wanted <= level ? { level, ids } : { level: wanted, ids: ids.filter((id) => hasLevel(id, wanted)) };
}

/** The share of the first set that is in the second, 0 to 1; null if the first is empty. */
export function sharedPart(one: UserSet, other: UserSet): number | null {
  const level = Math.max(one.level, other.level);
  const all = thinned(one, level).ids;
  const others = new Set(thinned(other, level).ids);
  return all.length === 0 ? null : all.filter((id) => others.has(id)).length / all.length;
}

/** The relative growth of the number of users; null if there were none before. */
export function growth(before: UserSet, after: UserSet): number | null {
  const count = countUsers(before);
  return count === 0 ? null : (countUsers(after) - count) / count;
}
