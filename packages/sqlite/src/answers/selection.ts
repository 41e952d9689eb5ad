import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { type CellWidth, cellWidths } from '../cell.ts';
import { type Counted, cellFigures, type Failed, rowFailures, rowFigures } from './counted.ts';
import { cover, type Part } from './cover.ts';
import { type Distribution, type DistributionOptions, readDistributions } from './distribution.ts';
import { readExtent } from './extent.ts';
import { all, type Db, executionsFor, type Filter, isSubject, matches, textId } from './filter.ts';

// The executions that a question is about: from cells where they were summed, from rows where they must be examined.

export interface Selection {
  /** A subquery that needs a name: `selectFrom(selection.figures.as('c'))`. */
  readonly figures: RawBuilder<Counted>;
  /** Another subquery: failures by error type. */
  readonly failures: RawBuilder<Failed>;
  /** Unix time in ms before which some of what is counted here may have been deleted; 0 if nothing was. */
  readonly completeFrom: number;
  /** Whether everything is counted row by row. */
  readonly inRows: boolean;
  /**
   * The distribution of latencies and the number of users, for each value of a column or expression of what is counted (see
   * `Counted`), or of everything together.
   */
  distributions(options: DistributionOptions): Promise<Map<number, Distribution>>;
}

export interface SelectionOptions {
  /**
   * `days` or `hours` if wider cells are too coarse to group by, `rows` if no cells tell the groups apart. Default: the widest
   * there are.
   */
  readonly widest?: 'days' | 'hours' | 'rows';
  /** Counts each organisation on its own, and only those. Default: everybody, or the filter's organisation. */
  readonly perOrg?: boolean;
  /** `days`, so that a window has the same ends as that of an organisation, which has no hourly cells. */
  readonly finest?: 'days';
}

/** The conditions that cells can answer. */
const cellFilters: ReadonlySet<string> = new Set(['from', 'to', 'orgId', 'kind', 'name', 'model']);

/** Whether cells can answer all conditions of a filter. */
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
  // For one subject, each start is looked up in the index; for many, the whole range is read.
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

/** Lists all organisations, by an index lookup each, so that the times of each are looked up instead of reading all. */
function orgsOf(width: number): RawBuilder<unknown> {
  const next = (after: RawBuilder<unknown>): RawBuilder<unknown> =>
    sql`SELECT min(n.org) FROM rollups n WHERE n.width = ${sql.lit(width)} AND n.org > ${after}`;
  return sql`(
    WITH RECURSIVE orgs (org) AS (${next(sql`0`)} UNION ALL SELECT (${next(sql`orgs.org`)}) FROM orgs WHERE orgs.org > 0)
    SELECT org FROM orgs WHERE org > 0
  )`;
}

/** The possible starts of cells. Cells of everybody start wherever any cell does. */
async function startsBetween(db: Db, width: number, from: number, to: number): Promise<number[]> {
  const inRange = sql`FROM rollups WHERE width = ${sql.lit(width)} AND org = 0 AND start >= ${from} AND start < ${to}`;
  // Two subqueries are an index lookup each; in one query, SQLite would scan the whole range.
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
