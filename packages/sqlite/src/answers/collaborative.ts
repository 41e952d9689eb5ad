import type { UserSet } from '../users.ts';
import { thinned } from './overlap.ts';
import type { Finding } from './recommend.ts';

// What similar users use. The similarity of two users is the share of the skills of either that both use (Jaccard).

export interface UsersOfSkill {
  /** The skill, as a subject. */
  readonly subject: number;
  readonly users: UserSet;
}

/** `own` are the subjects that the user uses. If a set is only a sample of its users, all are reduced to the same level. */
export function collaborative(
  user: number,
  own: ReadonlySet<number>,
  skills: readonly UsersOfSkill[],
): readonly Finding[] {
  const level = skills.reduce((highest, { users }) => Math.max(highest, users.level), 0);
  const idsOf = new Map(skills.map(({ subject, users }) => [subject, thinned(users, level).ids]));
  const shared = new Map<number, number>();
  for (const subject of own) {
    for (const id of idsOf.get(subject) ?? []) {
      if (id !== user) {
        shared.set(id, (shared.get(id) ?? 0) + 1);
      }
    }
  }
  const owned = new Map<number, number>();
  for (const ids of idsOf.values()) {
    for (const id of ids) {
      if (shared.has(id)) {
        owned.set(id, (owned.get(id) ?? 0) + 1);
      }
    }
  }
  const likeness = new Map(Array.from(shared, ([id, both]) => [id, both / (own.size + (owned.get(id) ?? 0) - both)]));
  const all = sum([...likeness.values()]);

  return skills
    .filter(({ subject }) => !own.has(subject))
    .map(({ subject }) => ({ subject, alike: (idsOf.get(subject) ?? []).flatMap((id) => likeness.get(id) ?? []) }))
    .filter(({ alike }) => alike.length > 0)
    .map(({ subject, alike }) => {
      // Drops the last digits, which depend on the order of summation, so that equal scores stay equal.
      const score = Math.min(1, Number((sum(alike) / all).toPrecision(12)));
      return { subject, score, reason: reasonOf(alike.length, likeness.size, level, score) };
    });
}

function reasonOf(users: number, of: number, level: number, score: number): string {
  if (of === 1 && level === 0) {
    return 'The one user who shares skills with you uses it.';
  }
  const [count, all] = [users, of].map((sampled) => sampled * 2 ** level);
  const about = level === 0 ? '' : 'About ';
  const use = count === 1 ? 'uses' : 'use';
  const percent = Math.round(score * 100);
  return `${about}${count} of the ${all} users who share skills with you ${use} it: ${percent} %, weighted by how much they share.`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
