import type { CostEntry, CostGroup, CostReport, CostTotals } from '@toolweaver/analytics-core';
import { type RawBuilder, sql } from 'kysely';
import { type CallerKind, callerCosts, isCaller } from './callers.ts';
import { atMost, type Db, type Filter } from './filter.ts';
import { costPer, type Totals, toCosts, totals, totalTokens, without } from './numbers.ts';
import { compareTexts, descending, inOrder, type Order } from './order.ts';
import { isOfCells, type SelectionOptions, select } from './selection.ts';

export interface CostsQuestion {
  readonly filter: Filter;
  readonly by: CostGroup;
  readonly limit: number;
}

/** The sums in cost reports. */
export type Sums = Pick<Totals, 'executions' | 'cost_nano_usd' | 'cost_weight'> & { readonly tokens: number };
type Group = Sums & Pick<CostEntry, 'kind' | 'name' | 'calls'>;

export async function costs(db: Db, { filter, by, limit }: CostsQuestion): Promise<CostReport> {
  const isOfAll = Object.values(filter).every((value) => value === undefined);
  if ((by === 'run' && isOfAll) || (by === 'organisation' && isOfCells(filter))) {
    // Neither source has executions without a run or organisation: these are what is left of the totals.
    const found = await db
      .selectFrom((await select(db, filter, { finest: 'days' })).figures.as('c'))
      .select(totals)
      .executeTakeFirstOrThrow();
    const all = { ...found, tokens: totalTokens(found) };
    const { groups, sums } = await find(db, by, await (by === 'run' ? ofRuns : grouped(db, filter, by)), limit);
    return report(all, [...groups, ...rest(all, sums)], limit);
  }
  const found = isCaller(by) ? callerCosts(filter, by) : await grouped(db, filter, by);
  const { groups, sums } = await find(db, by, found, limit);
  return report(sums, groups, limit);
}

const keys: Readonly<Record<Exclude<CostGroup, CallerKind>, RawBuilder<number>>> = {
  operation: sql`c.subject`,
  kind: sql`c.subject`,
  model: sql`c.model`,
  organisation: sql`c.org`,
  user: sql`c.user`,
  run: sql`c.run`,
};
const options: Readonly<Partial<Record<CostGroup, SelectionOptions>>> = {
  organisation: { perOrg: true },
  user: { widest: 'rows' },
  run: { widest: 'rows' },
};

const ofRuns = sql`SELECT run AS key, executions, cost_nano_usd, cost_weight, tokens FROM run_rollups`;

async function grouped(db: Db, filter: Filter, by: Exclude<CostGroup, CallerKind>): Promise<RawBuilder<unknown>> {
  // Single rows include executions without an organisation.
  const { figures } = await select(db, filter, by === 'organisation' && !isOfCells(filter) ? {} : options[by]);
  return sql`
    SELECT ${keys[by]} AS key, total(c.executions) AS executions, total(c.cost_nano_usd) AS cost_nano_usd,
      total(c.cost_weight) AS cost_weight, total(c.input_tokens + c.cache_read_tokens + c.cache_write_tokens
        + c.output_tokens + c.reasoning_tokens) AS tokens
    FROM ${figures} c GROUP BY 1`;
}

/** Returns the most expensive groups, and the sums of all. */
async function find(
  db: Db,
  by: CostGroup,
  groups: RawBuilder<unknown>,
  limit: number,
): Promise<{ readonly groups: readonly Group[]; readonly sums: Sums }> {
  const named = {
    caller: sql`SELECT s.kind, s.name, g.* FROM (${groups}) g LEFT JOIN subjects s ON s.id = g.key`,
    operation: sql`SELECT s.kind, s.name, g.* FROM (${groups}) g JOIN subjects s ON s.id = g.key`,
    kind: sql`
      SELECT s.kind, NULL AS name, total(executions) AS executions, total(cost_nano_usd) AS cost_nano_usd,
        total(cost_weight) AS cost_weight, total(tokens) AS tokens
      FROM (${groups}) g JOIN subjects s ON s.id = g.key GROUP BY s.kind`,
    other: sql`SELECT NULL AS kind, d.text AS name, g.* FROM (${groups}) g LEFT JOIN dictionary d ON d.id = g.key`,
  }[isCaller(by) ? 'caller' : by === 'operation' || by === 'kind' ? by : 'other'];
  const { rows } = await sql<Group & { readonly [S in keyof Sums as `all_${S}`]: number }>`
    SELECT kind, name, executions, cost_nano_usd, cost_weight, tokens, ${isCaller(by) ? sql`calls` : null} AS calls,
      total(executions) OVER () AS all_executions, total(cost_nano_usd) OVER () AS all_cost_nano_usd,
      total(cost_weight) OVER () AS all_cost_weight, total(tokens) OVER () AS all_tokens
    FROM (${named})
    ORDER BY cost_weight > 0 DESC, cost_nano_usd DESC, kind NULLS LAST, name NULLS LAST
    LIMIT ${atMost(limit)}`.execute(db);
  const first = rows[0];
  return {
    groups: rows,
    sums: {
      executions: first?.all_executions ?? 0,
      cost_nano_usd: first?.all_cost_nano_usd ?? 0,
      cost_weight: first?.all_cost_weight ?? 0,
      tokens: first?.all_tokens ?? 0,
    },
  };
}

/** The rest that is in no group, if any. Sums of fractions are off in their last digits, which must not count as executions. */
function rest(all: Sums, grouped: Sums): Group[] {
  const left = (name: keyof Sums, least: number, digits?: number): number => {
    const difference = without(all[name], grouped[name], digits);
    return difference > all[name] * least ? difference : 0;
  };
  const executions = left('executions', 1e-10);
  const sums = {
    cost_weight: left('cost_weight', 1e-10),
    cost_nano_usd: left('cost_nano_usd', 0, 3),
    tokens: left('tokens', 0),
  };
  return executions === 0 ? [] : [{ kind: null, name: null, calls: null, executions, ...sums }];
}

const order: Order<Group> = inOrder(
  descending(({ cost_weight, cost_nano_usd }) => (cost_weight === 0 ? null : cost_nano_usd)),
  (one, other) => Number(one.kind === null) - Number(other.kind === null),
  (one, other) => compareTexts(one.kind ?? '', other.kind ?? ''),
  (one, other) => Number(one.name === null) - Number(other.name === null),
  (one, other) => compareTexts(one.name ?? '', other.name ?? ''),
);

function report(all: Sums, groups: readonly Group[], limit: number): CostReport {
  return {
    ...toTotals(all),
    entries: groups.toSorted(order).slice(0, limit).map(toEntry),
  };
}

function toEntry({ kind, name, calls, ...sums }: Group): CostEntry {
  return { kind, name, ...toTotals(sums), calls, costPerCallUsd: calls === null ? null : costPer(sums, calls) };
}

export function toTotals(sums: Sums): CostTotals {
  return { executions: sums.executions, ...toCosts(sums), totalTokens: sums.tokens };
}
