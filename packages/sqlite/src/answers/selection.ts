import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { byteReader } from '../bytes.ts';
import { type CellWidth, cellWidths, dayMs, type Figures, higher, lower } from '../cell.ts';
import { tailBits } from '../sequence.ts';
import { binOf, createSketchSum, type Sketch, type SketchSum } from '../sketch.ts';
import { createUserUnion, type UserSet } from '../users.ts';
import { cover, type Extent, type Part } from './cover.ts';
import { all, type Db, executionsFor, type Filter, isSubject, matches, textId } from './filter.ts';
import { addUp, type Totals } from './numbers.ts';

// The executions that a question is about: in cells where they were added up, in rows where they must be looked at.

/** What the executions of a cell come to, or one execution with the weight it has. Ids are of the database; 0 is none. */
interface Counted extends Figures {
  readonly org: number;
  readonly subject: number;
  readonly model: number;
  /** Unix time in ms at which the hour, day or month begins; of an execution, its time. */
  readonly start: number;
  /** Of an execution; null for none, and in cells. */
  readonly user: number | null;
  readonly run: number | null;
}

/** How many executions failed in one way: those of a cell, or one with the weight it has. */
interface Failed extends Pick<Counted, 'org' | 'subject' | 'model' | 'start'> {
  /** 0 is none, and in a cell of many types any of the rarer ones. */
  readonly error: number;
  readonly failures: number;
}

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

interface DistributionOptions {
  /** Of a cell or row `c`; whole numbers. Default: everything is one group, 0. */
  readonly by?: RawBuilder<number>;
  /** Which of the groups; default: all. */
  readonly only?: readonly number[];
  readonly latency?: boolean;
  readonly users?: boolean;
  /** Counts on the way, so that single rows are read only once. */
  readonly counts?: boolean;
}

type CountName =
  | 'executions'
  | 'successes'
  | 'latency_weight'
  | 'latency_sum'
  | 'latency_min'
  | 'latency_max'
  | 'last_at';
type Counts = Pick<Totals, CountName>;
const countNames: readonly CountName[] = [
  'executions',
  'successes',
  'latency_weight',
  'latency_sum',
  'latency_min',
  'latency_max',
  'last_at',
];

export const noCounts: Counts = addUp([], countNames);

export interface Distribution {
  /** Of nothing unless asked for. */
  readonly counts: Counts;
  readonly latency: Sketch;
  /** Users known by id: exact up to 8192 in a cell, within 2 % or so beyond. */
  readonly users: number;
  /** Whom: all of them (level 0), or a sample of those that were too many. */
  sample(): UserSet;
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

    async distributions({ by = sql`0`, only, latency = false, users = false, counts = false }) {
      const groups = new Map<number, Group>();
      const groupOf = (key: number): Group => {
        const group = groups.get(key) ?? {
          sketches: createSketchSum(),
          userSets: [],
          users: [],
          counts: { ...noCounts },
        };
        groups.set(key, group);
        return group;
      };
      const wanted =
        only === undefined ? sql`TRUE` : sql`${by} IN (SELECT value FROM json_each(${JSON.stringify(only)}))`;
      for (const where of ofCell) {
        const { rows: found } = await sql<CellBlobs & Counts>`
          SELECT ${by} AS "group", ${latency ? sql`k.latency` : sql`NULL`} AS latency,
            ${users ? sql`k.users` : sql`NULL`} AS users
            ${counts ? sql.raw(countNames.map((name) => `, c.${name}`).join('')) : sql``}
          FROM (SELECT * FROM rollups r WHERE ${where}) c JOIN rollup_sketches k ON k.cell = c.cell
          WHERE ${wanted}`.execute(db);
        for (const row of found) {
          const group = groupOf(row.group);
          if (row.latency !== null) {
            group.sketches.addFrom(byteReader(row.latency));
          }
          if (row.users !== null) {
            group.userSets.push(row.users);
          }
          if (counts) {
            group.counts = addUp([group.counts, row], countNames);
          }
        }
      }
      for (const where of ofRow) {
        const { rows: single } = await sql<RowValues>`
          SELECT ${by} AS "group", c.latency_ms AS latency, c.weight, c.user
            ${counts ? sql`, c.success, c.start AS at` : sql``}
          FROM (SELECT ${rowFigures}, e.success, e.latency_ms, coalesce(e.weight, 1) AS weight FROM ${found} WHERE ${where}) c
          WHERE ${wanted}`.execute(db);
        for (const row of single) {
          const group = groupOf(row.group);
          if (row.latency !== null) {
            group.sketches.add(binOf(row.latency), row.weight);
          }
          if (row.user !== null) {
            group.users.push(row.user);
          }
          if (counts) {
            addRow(group.counts, row);
          }
        }
      }
      const united = createUserUnion();
      return new Map(
        Array.from(groups, ([key, { sketches, userSets, users, counts }]) => {
          for (const set of userSets) {
            united.add(byteReader(set));
          }
          for (const id of users) {
            united.addId(id);
          }
          const { users: count, sample } = united.take();
          return [key, { counts, latency: sketches.take(), users: count, sample }];
        }),
      );
    },
  };
}

type CellPart = Part & { readonly source: CellWidth };

interface Group {
  readonly sketches: SketchSum;
  /** As they are kept. */
  readonly userSets: Buffer[];
  /** Of single rows. */
  readonly users: number[];
  counts: { -readonly [N in CountName]: Counts[N] };
}

interface CellBlobs {
  readonly group: number;
  readonly latency: Buffer | null;
  readonly users: Buffer | null;
}

interface RowValues {
  readonly group: number;
  readonly latency: number | null;
  readonly weight: number;
  readonly user: number | null;
  /** These two only for counts. */
  readonly success: number;
  readonly at: number;
}

/** What SQL does with a row elsewhere: each value that need not be made there saves a tenth of reading the row. */
function addRow(counts: Group['counts'], { latency, weight, success, at }: RowValues): void {
  counts.executions += weight;
  counts.successes += weight * success;
  counts.last_at = higher(counts.last_at, at);
  if (latency !== null) {
    counts.latency_weight += weight;
    counts.latency_sum += weight * latency;
    counts.latency_min = lower(counts.latency_min, latency);
    counts.latency_max = higher(counts.latency_max, latency);
  }
}

/** The first and the last time of which anything is known, and how far back it is known how well. */
export async function readExtent(db: Db): Promise<Extent> {
  const { rows } = await sql<{ first: number | null; last: number | null; rowsFrom: number; hoursFrom: number }>`
    SELECT
      (SELECT min(t) FROM (
        SELECT min(seq) >> ${sql.lit(tailBits)} AS t FROM execution_events
        UNION ALL SELECT min(start) FROM rollups WHERE width = ${sql.lit(dayMs)} AND org = 0
      )) AS first,
      (SELECT max(t) FROM (
        SELECT max(seq) >> ${sql.lit(tailBits)} AS t FROM execution_events
        UNION ALL SELECT max(last_at) FROM rollups WHERE width = ${sql.lit(dayMs)} AND org = 0
          AND start = (SELECT max(start) FROM rollups WHERE width = ${sql.lit(dayMs)} AND org = 0)
      )) AS last,
      coalesce((SELECT before FROM floors WHERE name = 'executions'), 0) AS rowsFrom,
      coalesce((SELECT before FROM floors WHERE name = 'hours'), 0) AS hoursFrom`.execute(db);
  const found = rows[0];
  return {
    first: found?.first ?? undefined,
    last: found?.last ?? undefined,
    rowsFrom: found?.rowsFrom ?? 0,
    hoursFrom: found?.hoursFrom ?? 0,
  };
}

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

const figureColumns = sql.raw(
  `executions, successes, latency_weight, latency_sum, latency_min, latency_max, first_at, last_at, input_tokens,
  cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano_usd, cost_weight, cache_hits, cache_misses`,
);
const cellFigures = sql`r.org, r.subject, r.model, r.start, NULL AS user, NULL AS run, ${figureColumns}`;

const weighted = (value: string): string => `coalesce(e.weight, 1) * coalesce(${value}, 0)`;
const rowKey = 'coalesce(e.org, 0) AS org, e.subject, coalesce(e.model, 0) AS model, e.at AS start';
const rowFailures = sql.raw(`${rowKey}, coalesce(e.error_type, 0) AS error, coalesce(e.weight, 1) AS failures`);
const rowFigures = sql.raw(`
  ${rowKey}, e.user, e.run,
  ${weighted('1')} AS executions, ${weighted('e.success')} AS successes,
  ${weighted('e.latency_ms IS NOT NULL')} AS latency_weight, ${weighted('e.latency_ms')} AS latency_sum,
  e.latency_ms AS latency_min, e.latency_ms AS latency_max, e.at AS first_at, e.at AS last_at,
  ${weighted('e.input_tokens')} AS input_tokens, ${weighted('e.cache_read_tokens')} AS cache_read_tokens,
  ${weighted('e.cache_write_tokens')} AS cache_write_tokens, ${weighted('e.output_tokens')} AS output_tokens,
  ${weighted('e.reasoning_tokens')} AS reasoning_tokens, ${weighted('e.cost_nano_usd')} AS cost_nano_usd,
  ${weighted('e.cost_nano_usd IS NOT NULL')} AS cost_weight, ${weighted('e.cache_hit')} AS cache_hits,
  ${weighted('1 - e.cache_hit')} AS cache_misses`);

function union<T>(queries: readonly RawBuilder<unknown>[], none: RawBuilder<unknown>): RawBuilder<T> {
  return sql`(${queries.length === 0 ? none : sql.join(queries, sql` UNION ALL `)})`;
}
