import { byteWriter } from './bytes.ts';
import { type Entry, emptyEntry, writeEntry } from './entry.ts';
import type { NumberedColumn, NumberedRows } from './slice.ts';

// Collects what is counted of the executions of one write, from their columns.

/** Totals of the executions of a run. Ids are of the dictionary. */
export interface RunTotals {
  org: number | null;
  user: number | null;
  first_at: number;
  last_at: number;
  executions: number;
  successes: number;
  tokens: number;
  cost_nano_usd: number;
  cost_weight: number;
}

export interface Aggregate {
  /** Adds a row. The ids for its texts (numbered from 1) and subjects (from 0) must be known by then. */
  add(rows: NumberedRows, row: number): void;
  readonly runs: ReadonlyMap<number, RunTotals>;
  /** Returns a line for the log; undefined if nothing was added. */
  takeLine(): Uint8Array | undefined;
}

/** `texts` and `subjects` map the numbers of a batch to ids of the database; they are filled while the aggregate grows. */
export function createAggregate(texts: readonly number[], subjects: readonly number[]): Aggregate {
  const runs = new Map<number, RunTotals>();
  const writer = byteWriter();
  const entry = emptyEntry();
  let lastAt = 0;
  let any = false;
  let read = readColumns({ table: 'execution_events', places: new Uint32Array(), columns: [] });

  function textId(column: Uint32Array | undefined, row: number): number {
    const number = column === undefined ? 0 : (column[row] as number);
    return number === 0 ? 0 : (texts[number - 1] as number);
  }

  return {
    runs,
    add(rows, row) {
      if (read.rows !== rows) {
        read = readColumns(rows);
      }
      entry.at = read.at?.[row] as number;
      entry.subject = subjects[read.subject?.[row] as number] as number;
      entry.org = textId(read.org, row);
      entry.user = textId(read.user, row);
      entry.success = read.success?.[row] === 1;
      entry.errorType = textId(read.error, row);
      entry.latencyMs = numberAt(read.latency, row);
      const weight = numberAt(read.weight, row);
      entry.weight = Number.isNaN(weight) ? 1 : weight;
      entry.model = textId(read.model, row);
      entry.inputTokens = numberAt(read.input, row);
      entry.cacheReadTokens = numberAt(read.cacheRead, row) || 0;
      entry.cacheWriteTokens = numberAt(read.cacheWrite, row) || 0;
      entry.outputTokens = numberAt(read.output, row) || 0;
      entry.reasoningTokens = numberAt(read.reasoning, row) || 0;
      entry.costNanoUsd = numberAt(read.cost, row);
      entry.cacheHit = numberAt(read.cacheHit, row);
      writeEntry(writer, entry, lastAt);
      lastAt = entry.at;
      any = true;
      const run = textId(read.run, row);
      if (run !== 0) {
        addToRun(runs, run, entry);
      }
    },
    takeLine: () => (any ? writer.take() : undefined),
  };
}

function addToRun(runs: Map<number, RunTotals>, run: number, entry: Readonly<Entry>): void {
  const { at, org, user, weight, inputTokens, costNanoUsd } = entry;
  const totals = runs.get(run) ?? emptyRun();
  runs.set(run, totals);
  totals.org = org || totals.org;
  totals.user = user || totals.user;
  totals.first_at = Math.min(totals.first_at, at);
  totals.last_at = Math.max(totals.last_at, at);
  totals.executions += weight;
  totals.successes += entry.success ? weight : 0;
  if (!Number.isNaN(inputTokens)) {
    const { cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens } = entry;
    totals.tokens += weight * (inputTokens + cacheReadTokens + cacheWriteTokens + outputTokens + reasoningTokens);
  }
  if (!Number.isNaN(costNanoUsd)) {
    totals.cost_nano_usd += weight * costNanoUsd;
    totals.cost_weight += weight;
  }
}

function emptyRun(): RunTotals {
  return {
    org: null,
    user: null,
    first_at: Number.POSITIVE_INFINITY,
    last_at: Number.NEGATIVE_INFINITY,
    executions: 0,
    successes: 0,
    tokens: 0,
    cost_nano_usd: 0,
    cost_weight: 0,
  };
}

/** The columns that are counted, looked up once for all rows of a layout. */
interface Columns {
  readonly rows: NumberedRows;
  readonly at: Float64Array | undefined;
  readonly weight: Float64Array | undefined;
  readonly success: Float64Array | undefined;
  readonly latency: Float64Array | undefined;
  readonly input: Float64Array | undefined;
  readonly cacheRead: Float64Array | undefined;
  readonly cacheWrite: Float64Array | undefined;
  readonly output: Float64Array | undefined;
  readonly reasoning: Float64Array | undefined;
  readonly cost: Float64Array | undefined;
  readonly cacheHit: Float64Array | undefined;
  readonly subject: Uint32Array | undefined;
  readonly run: Uint32Array | undefined;
  readonly user: Uint32Array | undefined;
  readonly org: Uint32Array | undefined;
  readonly model: Uint32Array | undefined;
  readonly error: Uint32Array | undefined;
}

function readColumns(rows: NumberedRows): Columns {
  const find = (name: string): NumberedColumn | undefined => rows.columns.find((column) => column.name === name);
  const numbers = (name: string): Float64Array | undefined => {
    const column = find(name);
    return column?.type === 'number' ? column.values : undefined;
  };
  const names = (name: string): Uint32Array | undefined => {
    const column = find(name);
    return column?.type === 'text' || column?.type === 'subject' ? column.values : undefined;
  };
  return {
    rows,
    at: numbers('at'),
    weight: numbers('weight'),
    success: numbers('success'),
    latency: numbers('latency_ms'),
    input: numbers('input_tokens'),
    cacheRead: numbers('cache_read_tokens'),
    cacheWrite: numbers('cache_write_tokens'),
    output: numbers('output_tokens'),
    reasoning: numbers('reasoning_tokens'),
    cost: numbers('cost_nano_usd'),
    cacheHit: numbers('cache_hit'),
    subject: names('subject'),
    run: names('run'),
    user: names('user'),
    org: names('org'),
    model: names('model'),
    error: names('error_type'),
  };
}

/** NaN if unknown. */
function numberAt(column: Float64Array | undefined, row: number): number {
  return column === undefined ? Number.NaN : (column[row] as number);
}
