import { byteReader, byteWriter } from './bytes.ts';
import type { Entry } from './entry.ts';
import { binOf, emptySketch, readSketch, type Sketch, type SketchSum, writeSketch } from './sketch.ts';
import { noUsers, readUsers, type UserSet, userSet, writeUsers } from './users.ts';

export const hourMs = 3_600_000;
export const dayMs: number = 24 * hourMs;
/** Not a calendar month: 32 days, all equally long. */
export const monthMs: number = 32 * dayMs;

/** The kinds of cells, and their length. Organisations have cells of days only. */
export type CellWidth = 'hours' | 'days' | 'months';
export const cellWidths: Readonly<Record<CellWidth, number>> = { hours: hourMs, days: dayMs, months: monthMs };

/** Which executions a cell counts. Numbers are ids of their tables; 0 is none, and for `org` none or all. */
export interface CellKey {
  readonly org: number;
  /** Unix time in ms of the start of its hour, day or month. */
  readonly start: number;
  readonly subject: number;
  readonly model: number;
}

/** Sums over executions, weighted. */
export interface Figures {
  executions: number;
  successes: number;
  latency_weight: number;
  latency_sum: number;
  latency_min: number | null;
  latency_max: number | null;
  first_at: number;
  last_at: number;
  input_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  cost_nano_usd: number;
  cost_weight: number;
  cache_hits: number;
  cache_misses: number;
}

export interface Cell {
  readonly figures: Readonly<Figures>;
  readonly latency: Sketch;
  readonly users: UserSet;
  /** Failures by the id of their error type. */
  readonly errors: ReadonlyMap<number, number>;
}

/** A cell that is being added up: values are in any order, and sorted only at the end. */
export interface Sum {
  readonly figures: Figures;
  readonly bins: number[];
  readonly weights: number[];
  readonly users: number[];
  usersLevel: number;
  readonly errors: Map<number, number>;
  /** How many error types are counted; others count as 0, like failures without a type. */
  readonly maxErrorTypes: number;
}

/** The limit for an hour or a day. A longer cell has as many for each of its days. */
const errorTypesOfDay = 100;

/** The figures that do not add up: of these, the least or the greatest counts. */
export type Extreme = 'latency_min' | 'latency_max' | 'first_at' | 'last_at';

export const summedFigures: readonly Exclude<keyof Figures, Extreme>[] = [
  'executions',
  'successes',
  'latency_weight',
  'latency_sum',
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'cost_nano_usd',
  'cost_weight',
  'cache_hits',
  'cache_misses',
];

export const figureNames: readonly (keyof Figures)[] = [
  ...summedFigures,
  'latency_min',
  'latency_max',
  'first_at',
  'last_at',
];

function emptyFigures(): Figures {
  return {
    executions: 0,
    successes: 0,
    latency_weight: 0,
    latency_sum: 0,
    latency_min: null,
    latency_max: null,
    first_at: Number.POSITIVE_INFINITY,
    last_at: Number.NEGATIVE_INFINITY,
    input_tokens: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 0,
    reasoning_tokens: 0,
    cost_nano_usd: 0,
    cost_weight: 0,
    cache_hits: 0,
    cache_misses: 0,
  };
}

export function emptySum(width: number): Sum {
  return {
    figures: emptyFigures(),
    bins: [],
    weights: [],
    users: [],
    usersLevel: 0,
    errors: new Map(),
    maxErrorTypes: errorTypesOfDay * Math.max(1, width / dayMs),
  };
}

export function addCell(sum: Sum, { figures, latency, users, errors }: Cell): void {
  addFigures(sum.figures, figures);
  for (let at = 0; at < latency.bins.length; at += 1) {
    sum.bins.push(latency.bins[at] as number);
    sum.weights.push(latency.weights[at] as number);
  }
  for (const id of users.ids) {
    sum.users.push(id);
  }
  sum.usersLevel = Math.max(sum.usersLevel, users.level);
  for (const [type, failures] of errors) {
    addError(sum, type, failures);
  }
}

export function addEntry(sum: Sum, entry: Readonly<Entry>): void {
  const { figures } = sum;
  const { at, weight, latencyMs, user, inputTokens, costNanoUsd, cacheHit } = entry;
  figures.executions += weight;
  figures.first_at = Math.min(figures.first_at, at);
  figures.last_at = Math.max(figures.last_at, at);
  if (entry.success) {
    figures.successes += weight;
  } else {
    addError(sum, entry.errorType, weight);
  }
  if (!Number.isNaN(latencyMs)) {
    figures.latency_weight += weight;
    figures.latency_sum += weight * latencyMs;
    figures.latency_min = lower(figures.latency_min, latencyMs);
    figures.latency_max = higher(figures.latency_max, latencyMs);
    sum.bins.push(binOf(latencyMs));
    sum.weights.push(weight);
  }
  if (user !== 0) {
    sum.users.push(user);
  }
  if (!Number.isNaN(inputTokens)) {
    figures.input_tokens += weight * inputTokens;
    figures.cache_read_tokens += weight * entry.cacheReadTokens;
    figures.cache_write_tokens += weight * entry.cacheWriteTokens;
    figures.output_tokens += weight * entry.outputTokens;
    figures.reasoning_tokens += weight * entry.reasoningTokens;
  }
  if (!Number.isNaN(costNanoUsd)) {
    figures.cost_nano_usd += weight * costNanoUsd;
    figures.cost_weight += weight;
  }
  if (!Number.isNaN(cacheHit)) {
    figures[cacheHit === 1 ? 'cache_hits' : 'cache_misses'] += weight;
  }
}

function addFigures(target: Figures, source: Readonly<Figures>): void {
  for (const name of summedFigures) {
    target[name] += source[name];
  }
  target.latency_min = lower(target.latency_min, source.latency_min);
  target.latency_max = higher(target.latency_max, source.latency_max);
  target.first_at = Math.min(target.first_at, source.first_at);
  target.last_at = Math.max(target.last_at, source.last_at);
}

/** Turns a sum into a cell. `sketches` is scratch space, empty before and after. */
export function toCell({ figures, bins, weights, users, usersLevel, errors }: Sum, sketches: SketchSum): Cell {
  sketches.addAll({ bins, weights });
  return { figures, latency: sketches.take(), users: userSet(users, usersLevel), errors };
}

function addError({ errors, maxErrorTypes }: Sum, type: number, failures: number): void {
  const types = errors.has(0) ? errors.size - 1 : errors.size;
  const kept = errors.has(type) || types < maxErrorTypes ? type : 0;
  errors.set(kept, (errors.get(kept) ?? 0) + failures);
}

export function lower(one: number | null, other: number | null): number | null {
  return one === null || (other !== null && other < one) ? other : one;
}

export function higher(one: number | null, other: number | null): number | null {
  return one === null || (other !== null && other > one) ? other : one;
}

// The columns of a cell other than figures.

export function latencyBlob(sketch: Sketch): Uint8Array | null {
  if (sketch.bins.length === 0) {
    return null;
  }
  const writer = byteWriter();
  writeSketch(writer, sketch);
  return writer.take();
}

export function usersBlob(users: UserSet): Uint8Array | null {
  if (users.ids.length === 0) {
    return null;
  }
  const writer = byteWriter();
  writeUsers(writer, users);
  return writer.take();
}

export function fromLatencyBlob(blob: Buffer | null): Sketch {
  return blob === null ? emptySketch : readSketch(byteReader(blob));
}

export function fromUsersBlob(blob: Buffer | null): UserSet {
  return blob === null ? noUsers : readUsers(byteReader(blob));
}

export function errorsText(errors: ReadonlyMap<number, number>): string | null {
  return errors.size === 0 ? null : JSON.stringify(Object.fromEntries(errors));
}

export function fromErrorsText(text: string | null): Map<number, number> {
  const errors: Record<string, number> = text === null ? {} : JSON.parse(text);
  return new Map(Object.entries(errors).map(([type, failures]) => [Number(type), failures]));
}
