import { sql } from 'kysely';
import { dayMs, hourMs } from '../cell.ts';
import { lastCut } from './cover.ts';
import { readExtent } from './extent.ts';
import type { Db, Filter } from './filter.ts';
import { without } from './numbers.ts';
import type { Finding } from './recommend.ts';
import { select } from './selection.ts';

/** Added to the executions of each half of the window, so that a few first uses do not count as boundless growth. */
const extra = 5;

/** Finds what is used more in the later half of a window than in the earlier one. */
export async function trending(
  db: Db,
  filter: Filter & { readonly from: number; readonly to: number },
): Promise<readonly Finding[]> {
  const { from, to, orgId } = filter;
  const finest = orgId === undefined ? 'hours' : 'days';
  const middle = lastCut(from, Math.floor((from + to) / 2), await readExtent(db), finest);
  if (middle <= from) {
    // All that is left of both halves is one cell, which does not tell them apart.
    return [];
  }
  const before = await executionsBySkill(db, { ...filter, to: middle });
  const since = await executionsBySkill(db, { ...filter, from: middle });
  const half = (to - from) / 2;
  const length = half < 2 * dayMs ? inWords(half / hourMs, 'hour') : inWords(half / dayMs, 'day');
  return Array.from(since, ([subject, later]) => ({ subject, later, earlier: before.get(subject) ?? 0 }))
    .filter(({ later, earlier }) => without(later, earlier) > 0)
    .map(({ subject, later, earlier }) => ({
      subject,
      score: (later - earlier) / (later + earlier + 2 * extra),
      reason: `${inWords(later, 'execution')} in the last ${length}, ${rounded(earlier)} in the ${length} before.`,
    }));
}

async function executionsBySkill(db: Db, filter: Filter): Promise<Map<number, number>> {
  const { figures } = await select(db, filter);
  const rows = await db
    .selectFrom(figures.as('c'))
    .groupBy('c.subject')
    .select('c.subject')
    .select(sql<number>`total(c.executions)`.as('executions'))
    .execute();
  return new Map(rows.map(({ subject, executions }) => [subject, executions]));
}

function inWords(count: number, noun: string): string {
  const shown = rounded(count);
  return `${shown} ${noun}${shown === 1 ? '' : 's'}`;
}

function rounded(count: number): number {
  return count < 1 ? Number(count.toPrecision(2)) : Math.round(count * 10) / 10;
}
