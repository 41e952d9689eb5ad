import type { ExecutionKind } from '@toolweaver/analytics-core';
import { type RawBuilder, sql } from 'kysely';
import type { Db } from './filter.ts';

// Names for the ids of the database.

export interface SubjectName {
  readonly kind: ExecutionKind;
  readonly name: string;
}

export async function namesOf(db: Db, subjects: readonly number[]): Promise<Map<number, SubjectName>> {
  const rows = await db
    .selectFrom('subjects')
    .where('id', 'in', listed(subjects))
    .select(['id', 'kind', 'name'])
    .execute();
  return new Map(rows.map(({ id, kind, name }) => [id, { kind, name }]));
}

export async function textsOf(db: Db, ids: readonly number[]): Promise<Map<number, string>> {
  const rows = await db.selectFrom('dictionary').where('id', 'in', listed(ids)).select(['id', 'text']).execute();
  return new Map(rows.map(({ id, text }) => [id, text]));
}

/** A list of any number of numbers in one parameter. */
export function listed(numbers: readonly number[]): RawBuilder<number> {
  return sql`(SELECT value FROM json_each(${JSON.stringify(numbers)}))`;
}
