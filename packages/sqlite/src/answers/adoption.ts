import type { OrganisationAdoption, SkillAdoption } from '@toolweaver/analytics-core';
import { sql } from 'kysely';
import { dayMs } from '../cell.ts';
import { countUsers, noUsers, type UserSet } from '../users.ts';
import { type Db, type Filter, textId } from './filter.ts';
import { textsOf } from './names.ts';
import { compareTexts, descending, inOrder } from './order.ts';
import { growth, sharedPart } from './overlap.ts';
import { select } from './selection.ts';

export interface AdoptionQuestion {
  readonly skillId: string;
  readonly from: number;
  readonly to: number;
  readonly orgId: string | undefined;
  /** Unix time in ms at which the last full day ended. */
  readonly endOfDays: number;
}

type UsersByOrg = ReadonlyMap<number, UserSet>;

export async function adoption(db: Db, question: AdoptionQuestion): Promise<SkillAdoption> {
  const { skillId, from, to, orgId, endOfDays } = question;
  const ofSkill = { kind: 'skill', name: skillId, orgId } as const;
  const everybody = await (await select(db, { ...ofSkill, from, to }, { finest: 'days' })).distributions({
    users: true,
  });
  const executions = await executionsByOrg(db, { ...ofSkill, from, to });
  const names = orgId === undefined ? await textsOf(db, [...executions.keys()]) : await named(db, orgId);
  const orgs = [...names.keys()];

  const users = await usersByOrg(db, { ...ofSkill, from, to }, orgs);
  const active = await usersByOrg(db, { orgId, from, to }, orgs);
  const days = (first: number, end: number): Promise<UsersByOrg> =>
    usersByOrg(db, { ...ofSkill, from: endOfDays - first * dayMs, to: endOfDays - end * dayMs }, orgs);
  const [dayBefore, day] = [await days(2, 1), await days(1, 0)];
  const [weekBefore, week] = [await days(14, 7), await days(7, 0)];

  const organisations = Array.from(names, ([org, name]): OrganisationAdoption => {
    const of = (sets: UsersByOrg): UserSet => sets.get(org) ?? noUsers;
    const [count, activeCount] = [countUsers(of(users)), countUsers(of(active))];
    return {
      orgId: name,
      users: count,
      activeUsers: activeCount,
      // Both may be estimates.
      adoptionRate: activeCount === 0 ? 0 : Math.min(1, count / activeCount),
      executions: executions.get(org) ?? 0,
      dailyGrowth: growth(of(dayBefore), of(day)),
      weeklyGrowth: growth(of(weekBefore), of(week)),
      retentionRate: sharedPart(of(weekBefore), of(week)),
    };
  });
  return {
    skillId,
    from,
    to,
    users: everybody.get(0)?.users ?? 0,
    organisations: organisations.sort(
      inOrder(
        descending((one: OrganisationAdoption) => one.users),
        (one, other) => compareTexts(one.orgId, other.orgId),
      ),
    ),
  };
}

async function executionsByOrg(db: Db, filter: Filter): Promise<Map<number, number>> {
  const { figures } = await select(db, filter, { perOrg: true });
  const rows = await db
    .selectFrom(figures.as('c'))
    .groupBy('c.org')
    .select('c.org')
    .select(sql<number>`total(c.executions)`.as('executions'))
    .execute();
  return new Map(rows.map(({ org, executions }) => [org, executions]));
}

async function usersByOrg(db: Db, filter: Filter, orgs: readonly number[]): Promise<UsersByOrg> {
  const selection = await select(db, filter, { perOrg: true });
  const found = await selection.distributions({ by: sql`c.org`, only: orgs, users: true });
  return new Map(Array.from(found, ([org, { sample }]) => [org, sample()]));
}

/** The names of one organisation by id; the id is 0, which is none, if nothing was ever recorded with it. */
async function named(db: Db, orgId: string): Promise<Map<number, string>> {
  const { rows } = await sql<{ id: number | null }>`SELECT ${textId(orgId)} AS id`.execute(db);
  return new Map([[rows[0]?.id ?? 0, orgId]]);
}
