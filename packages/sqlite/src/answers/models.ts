import type { ModelStats } from '@toolweaver/analytics-core';
import { sql } from 'kysely';
import type { Db, Filter } from './filter.ts';
import { textsOf } from './names.ts';
import { costPer, toCosts, toCounts, toLatency, toTokens, totals } from './numbers.ts';
import { compareTexts, descending, inOrder } from './order.ts';
import { select } from './selection.ts';

export interface ModelsQuestion {
  readonly filter: Filter;
}

export async function models(db: Db, { filter }: ModelsQuestion): Promise<ModelStats[]> {
  const selection = await select(db, filter);
  const rows = await db
    .selectFrom(selection.figures.as('c'))
    .where('c.model', '>', 0)
    .groupBy('c.model')
    .select('c.model')
    .select(totals)
    .execute();
  const ids = rows.map(({ model }) => model);
  const names = await textsOf(db, ids);
  const distributions = await selection.distributions({ by: sql`c.model`, only: ids, latency: true });
  return rows
    .map(
      (row): ModelStats => ({
        model: names.get(row.model) ?? '',
        ...toCounts(row),
        ...toTokens(row),
        ...toCosts(row),
        latencyMs: toLatency(row, distributions.get(row.model)?.latency),
        costPerSuccessUsd: costPer(row, row.successes),
      }),
    )
    .sort(
      inOrder(
        descending(({ executions }) => executions),
        (one, other) => compareTexts(one.model, other.model),
      ),
    );
}
