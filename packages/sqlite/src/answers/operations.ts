import type { OperationSummary } from '@toolweaver/analytics-core';
import { sql } from 'kysely';
import type { Db } from './filter.ts';
import { namesOf, type SubjectName, textsOf } from './names.ts';
import { averageLatency, type Totals, toCosts, toCounts, totals, totalTokens } from './numbers.ts';
import { byKindAndName, descending, inOrder } from './order.ts';
import type { Selection } from './selection.ts';

// An operation is a kind together with a name: a subject in the tables.

export interface OperationTotals extends SubjectName, Totals {
  readonly subject: number;
}

/** The totals of each operation, in no particular order. */
export async function operationTotals(db: Db, selection: Selection): Promise<OperationTotals[]> {
  const rows = await db
    .selectFrom(selection.figures.as('c'))
    .groupBy('c.subject')
    .select('c.subject')
    .select(totals)
    .execute();
  const names = await namesOf(
    db,
    rows.map(({ subject }) => subject),
  );
  return rows.flatMap((row) => {
    const name = names.get(row.subject);
    return name === undefined ? [] : [{ ...row, ...name }];
  });
}

/** Most used first. */
export function operationSummaries(operations: readonly OperationTotals[]): OperationSummary[] {
  return operations
    .map(({ kind, name, ...sums }) => ({
      kind,
      name,
      ...toCounts(sums),
      averageLatencyMs: averageLatency(sums),
      ...toCosts(sums),
      totalTokens: totalTokens(sums),
    }))
    .sort(
      inOrder(
        descending(({ executions }) => executions),
        byKindAndName,
      ),
    );
}

export interface OperationFailures extends SubjectName {
  readonly errorType: string;
  readonly failures: number;
}

/** The failures of each operation by error type, in no particular order. */
export async function operationFailures(db: Db, selection: Selection): Promise<OperationFailures[]> {
  const rows = await db
    .selectFrom(selection.failures.as('f'))
    .groupBy(['f.subject', 'f.error'])
    .select(['f.subject', 'f.error', sql<number>`total(f.failures)`.as('failures')])
    .execute();
  const [names, types] = [
    await namesOf(
      db,
      rows.map(({ subject }) => subject),
    ),
    await textsOf(
      db,
      rows.map(({ error }) => error),
    ),
  ];
  // Merges failures without a type with those of a type named `unknown`.
  const found = new Map<string, OperationFailures>();
  for (const { subject, error, failures } of rows) {
    const name = names.get(subject);
    if (name !== undefined) {
      const errorType = types.get(error) ?? 'unknown';
      const key = `${subject} ${errorType}`;
      found.set(key, { ...name, errorType, failures: failures + (found.get(key)?.failures ?? 0) });
    }
  }
  return [...found.values()];
}
