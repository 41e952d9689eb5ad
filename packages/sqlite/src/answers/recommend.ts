import type { RecommendationType } from '@toolweaver/analytics-core';
import { sql } from 'kysely';
import { hasLevel } from '../users.ts';
import { collaborative, type UsersOfSkill } from './collaborative.ts';
import { type Db, type Filter, matches } from './filter.ts';
import { listed, namesOf } from './names.ts';
import { compareTexts, descending, inOrder } from './order.ts';
import { deprecatedSkills } from './scores.ts';
import { select } from './selection.ts';
import { trending } from './trending.ts';

export interface RecommendQuestion {
  readonly userId: string;
  readonly orgId: string | undefined;
  readonly from: number;
  readonly to: number;
  readonly types: readonly RecommendationType[];
  readonly limit: number;
}

/** A recommendation that has no id yet. */
export interface Candidate {
  readonly skillId: string;
  readonly type: RecommendationType;
  readonly score: number;
  readonly reason: string;
}

/** A reason to recommend a skill, given as a subject. */
export type Finding = Pick<Candidate, 'score' | 'reason'> & { readonly subject: number };

/** Returns collaborative recommendations first, and the best of each type first. */
export async function recommend(db: Db, question: RecommendQuestion): Promise<Candidate[]> {
  const { userId, orgId, from, to, types, limit } = question;
  const filter = { kind: 'skill', orgId, from, to } as const;
  const used = await (await select(db, filter)).distributions({ by: sql`c.subject`, users: true });
  const skills = Array.from(used, ([subject, { sample }]): UsersOfSkill => ({ subject, users: sample() }));
  const user = await db.selectFrom('dictionary').where('text', '=', userId).select('id').executeTakeFirst();
  const own = user === undefined ? new Set<number>() : await usedBy(db, user.id, skills, filter);
  const deprecated = await deprecatedSkills(db, {});
  const names = await namesOf(db, [...used.keys()]);

  function rank(type: RecommendationType, findings: readonly Finding[]): Candidate[] {
    return findings
      .filter(({ subject }) => !own.has(subject) && !deprecated.has(subject))
      .map(({ subject, score, reason }) => ({ skillId: names.get(subject)?.name ?? '', type, score, reason }))
      .sort(
        inOrder(
          descending(({ score }: Candidate) => score),
          (one, other) => compareTexts(one.skillId, other.skillId),
        ),
      );
  }
  const ranked: Candidate[] = [];
  if (types.includes('collaborative') && user !== undefined) {
    ranked.push(...rank('collaborative', collaborative(user.id, own, skills)));
  }
  if (types.includes('trending') && ranked.length < limit) {
    const before = new Set(ranked.map(({ skillId }) => skillId));
    ranked.push(...rank('trending', await trending(db, filter)).filter(({ skillId }) => !before.has(skillId)));
  }
  return ranked.slice(0, limit);
}

/** The skills of a user, as subjects: from the sets of their users, or from rows if a set is a sample without this user. */
async function usedBy(db: Db, user: number, skills: readonly UsersOfSkill[], filter: Filter): Promise<Set<number>> {
  const own = skills.filter(({ users }) => users.ids.includes(user)).map(({ subject }) => subject);
  const unsure = skills.filter(({ users }) => !hasLevel(user, users.level)).map(({ subject }) => subject);
  const { rows } = await sql<{ subject: number }>`
    SELECT s.id AS subject FROM subjects s
    WHERE s.id IN ${listed(unsure)} AND EXISTS (
      SELECT 1 FROM execution_events e WHERE e.subject = s.id AND e.user = ${user} AND ${matches({ ...filter, kind: undefined })}
    )`.execute(db);
  return new Set([...own, ...rows.map(({ subject }) => subject)]);
}
