import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { type CellWidth, cellWidths } from '../cell.ts';
import { type Counted, cellFigures, type Failed, rowFailures, rowFigures } from './counted.ts';
import { cover, type Part } from './cover.ts';
import { type Distribution, type DistributionOptions, readDistributions } from './distribution.ts';
import { readExtent } from './extent.ts';
import { all, type Db, executionsFor, type Filter, isSubject, matches, textId } from './filter.ts';

// The executions that a question is about: in cells where they were added up, in rows where they must be looked at.

export interface Selection {
  /** A subquery, to be given a name: `selectFrom(selection.figures.as('c'))`. */
  readonly figures: RawBuilder<Counted>;
  /** Another one: what failed, by type of error. */
  readonly failures: RawBuilder<Failed>;
  /** Unix time in ms: of what is counted here, something from before may have been deleted. 0 when nothing was. */
  readonly completeFrom: number;
  /** Whether everything is counted row by row. */
  readonly inRows: boolean;
  /**
   * How latencies are distributed and how many users there are, for each value of a column or expression of what is counted
   * (see `Counted`), or of all together.
   */
  distributions(options: DistributionOptions): Promise<Map<number, Distribution>>;
}

export interface SelectionOptions {
  /**
   * `days` or `hours` where what is wider is too coarse to group by, `rows` where cells do not tell apart at all. Default: the
   * widest that there are.
   */
  readonly widest?: 'days' | 'hours' | 'rows';
  /** Each organisation for itself, and nothing of what belongs to none. Default: everybody, or the filter's organisation. */
  readonly perOrg?: boolean;
  /** `days`, so that a window has the same ends as that of an organisation, which has no cells of hours. */
  readonly finest?: 'days';
}

/** What a filter can ask of a cell. */
const cellFilters: ReadonlySet<string> = new Set(['from', 'to', 'orgId', 'kind', 'name', 'model']);

/** Whether cells can tell what fulfils a filter. */
export function isOfCells(filter: Filter): boolean {
  return Object.entries(filter).every(([name, value]) => value === undefined || cellFilters.has(name));
}

export async function select(db: Db, filter: Filter, options: SelectionOptions = {}): Promise<Selection> {
  const { perOrg = false } = options;
  const [from, to] = [filter.from ?? 0, filter.to ?? Number.MAX_SAFE_INTEGER];
  const extent = await readExtent(db);
  const finest = perOrg || filter.orgId !== undefined ? 'days' : (options.finest ?? 'hours');
  const inRows = !isOfCells(filter) || (options.widest === 'hours' && finest === 'days');
  const widest = inRows ? 'rows' : (options.widest ?? (finest === 'days' ? 'days' : 'months'));
  const parts: Part[] = widest === 'rows' ? [{ source: 'rows', from, to }] : cover(from, to, extent, widest, finest);
  const rows = parts.filter(({ source }) => source === 'rows');
  const cells = parts.filter((part): part is CellPart => part.source !== 'rows');
  const ofRow = rows.map((part) => rowConditions({ ...filter, ...times(part) }, perOrg));
  const ofCell = await Promise.all(cells.map((part) => cellConditions(db, filter, part, perOrg)));
  const found = executionsFor(filter);
  const figures = [
    ...ofCell.map((where) => sql`SELECT ${cellFigures} FROM rollups r WHERE ${where}`),
    ...ofRow.map((where) => sql`SELECT ${rowFigures} FROM ${found} WHERE ${where}`),
  ];
  const failures = [
    ...ofCell.map(
      (where) => sql`
        SELECT r.org, r.subject, r.model, r.start, CAST(j.key AS INTEGER) AS error, j.value AS failures
        FROM rollups r, json_each(r.errors) j WHERE ${where}`,
    ),
    ...ofRow.map((where) => sql`SELECT ${rowFailures} FROM ${found} WHERE ${where} AND e.success = 0`),
  ];
  const completeFrom = { rows: extent.rowsFrom, hours: extent.hoursFrom, days: 0, months: 0 }[widest];

  return {
    figures: union(figures, sql`SELECT ${rowFigures} FROM execution_events e WHERE FALSE`),
    failures: union(failures, sql`SELECT ${rowFailures} FROM execution_events e WHERE FALSE`),
    completeFrom,
    inRows: widest === 'rows',

    distributions: (given) => readDistributions(db, { cells: ofCell, rows: ofRow, from: found }, given),
  };
}

type CellPart = Part & { readonly source: CellWidth };

function times({ from, to }: Part): Pick<Filter, 'from' | 'to'> {
  return { from: from === 0 ? undefined : from, to: to === Number.MAX_SAFE_INTEGER ? undefined : to };
}

function rowConditions(filter: Filter, perOrg: boolean): RawBuilder<SqlBool> {
  return perOrg ? all([matches(filter), sql`e.org IS NOT NULL`]) : matches(filter);
}

async function cellConditions(
  db: Db,
  filter: Filter,
  { source, from, to }: CellPart,
  perOrg: boolean,
): Promise<RawBuilder<SqlBool>> {
  const { kind, name, orgId, model } = filter;
  const width = cellWidths[source];
  // One subject is sought at each start; many are read in one go.
  const isOne = kind !== undefined && name !== undefined;
  const starts = isOne ? await startsBetween(db, width, from, to) : [];
  const ofOrg = orgId === undefined ? sql`r.org = 0` : sql`r.org = ${textId(orgId)}`;
  return all([
    sql`r.width = ${sql.lit(width)}`,
    perOrg && orgId === undefined ? sql`r.org IN ${orgsOf(width)}` : ofOrg,
    isOne
      ? sql`r.start IN (SELECT value FROM json_each(${JSON.stringify(starts)}))`
      : sql`r.start >= ${from} AND r.start < ${to}`,
    isSubject(filter, sql`r.subject`),
    model === undefined ? undefined : sql`r.model = ${textId(model)}`,
  ]);
}

/** Each organisation, so that its times are sought and not all of them read; found by a seek each. */
function orgsOf(width: number): RawBuilder<unknown> {
  const next = (after: RawBuilder<unknown>): RawBuilder<unknown> =>
    sql`SELECT min(n.org) FROM rollups n WHERE n.width = ${sql.lit(width)} AND n.org > ${after}`;
  return sql`(
    WITH RECURSIVE orgs (org) AS (${next(sql`0`)} UNION ALL SELECT (${next(sql`orgs.org`)}) FROM orgs WHERE orgs.org > 0)
    SELECT org FROM orgs WHERE org > 0
  )`;
}

/** Where cells can begin. Those of everybody begin wherever any does. */
async function startsBetween(db: Db, width: number, from: number, to: number): Promise<number[]> {
  const inRange = sql`FROM rollups WHERE width = ${sql.lit(width)} AND org = 0 AND start >= ${from} AND start < ${to}`;
  // Each for itself is a seek; asked for together they are looked for in all of the range.
  const { rows } = await sql<{ first: number | null; last: number | null }>`
    SELECT (SELECT min(start) ${inRange}) AS first, (SELECT max(start) ${inRange}) AS last`.execute(db);
  const { first = null, last = null } = rows[0] ?? {};
  return first === null || last === null
    ? []
    : Array.from({ length: (last - first) / width + 1 }, (_, at) => first + at * width);
}

function union<T>(queries: readonly RawBuilder<unknown>[], none: RawBuilder<unknown>): RawBuilder<T> {
  return sql`(${queries.length === 0 ? none : sql.join(queries, sql` UNION ALL `)})`;
}
