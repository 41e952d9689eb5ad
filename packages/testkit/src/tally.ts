import type { AnalyticsEvent, EventType, ExecutionEvent, Usage } from '@toolweaver/analytics-core';
import { assertEvents } from './matchers.ts';
import type {
  ArtifactTally,
  ExecutionTally,
  MetricTally,
  Observation,
  RatingTally,
  RunReading,
  ToolkitTally,
} from './subject.ts';

/** A figure of one subject: a number or string, null if the far side keeps it but knows no value, undefined if not kept. */
type Figure = number | string | null | undefined;
type Figures = Record<string, Figure>;
type Part = Exclude<keyof Observation, 'events'>;
type EventOf<T extends EventType> = Extract<AnalyticsEvent, { readonly type: T }>;

const parts: readonly Part[] = ['executions', 'ratings', 'health', 'toolkits', 'metrics', 'runs', 'artifacts'];
const noTokens: Usage = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};
const tokenClasses = Object.keys(noTokens) as readonly (keyof Usage)[];
/** Figures that are readings rather than sums: a subject has one of each, and the latest counts. */
const readings = ['score', 'state', 'last', 'name', 'config', 'tags'];

/** The end of a difference that reports a missing entry. */
export const isMissing = ' is missing on the far side';

/** A figure that a far side may keep for only some executions. */
export type ExecutionFigure = 'latency' | 'nanoUsd' | 'tokens';
/** An observation that has every part. */
export type FullObservation = { readonly [P in keyof Observation]-?: Exclude<Observation[P], undefined> };

/** Returns what a far side shows that holds exactly these events. Of several readings, the one with the highest `at` counts. */
export function tally(events: readonly AnalyticsEvent[]): FullObservation {
  assertEvents(events);
  const inTime = [...events].sort((one, other) => one.at - other.at);
  const of = <T extends EventType>(type: T): EventOf<T>[] =>
    inTime.filter((event): event is EventOf<T> => event.type === type);
  return {
    executions: grouped(of('execution'), ({ kind, name }) => [kind, name], addExecution),
    ratings: grouped<EventOf<'rating'>, RatingTally>(
      of('rating'),
      ({ skillId }) => [skillId],
      ({ skillId, rating }, before) => ({
        skillId,
        count: (before?.count ?? 0) + 1,
        sum: (before?.sum ?? 0) + rating,
      }),
    ),
    health: grouped(
      of('health'),
      ({ skillId }) => [skillId],
      ({ skillId, score }) => ({ skillId, score }),
    ),
    toolkits: grouped<EventOf<'toolkit'>, ToolkitTally>(
      of('toolkit'),
      ({ toolkit, operation }) => [toolkit, operation],
      ({ toolkit, operation, success }, before) => ({
        toolkit,
        operation,
        count: (before?.count ?? 0) + 1,
        failures: (before?.failures ?? 0) + (success ? 0 : 1),
      }),
    ),
    metrics: grouped<[string, number], MetricTally>(
      of('metrics').flatMap(({ values }) => Object.entries(values)),
      ([name]) => [name],
      ([name, last], before) => ({ name, count: (before?.count ?? 0) + 1, last }),
    ),
    runs: grouped(of('run'), ({ runId }) => [runId], addRun),
    artifacts: grouped<EventOf<'artifact'>, ArtifactTally>(
      of('artifact'),
      ({ name, kind }) => [name, kind],
      ({ name, kind }, before) => ({ name, kind, count: (before?.count ?? 0) + 1 }),
    ),
    events,
  };
}

/** Returns one entry per subject, built by adding its items one after another. */
function grouped<E, T>(
  items: readonly E[],
  subjectOf: (item: E) => readonly string[],
  add: (item: E, before: T | undefined) => T,
): T[] {
  const entries = new Map<string, T>();
  for (const item of items) {
    const subject = JSON.stringify(subjectOf(item));
    entries.set(subject, add(item, entries.get(subject)));
  }
  return [...entries.values()];
}

function addExecution(event: ExecutionEvent, before: ExecutionTally | undefined): ExecutionTally {
  const { kind, name, weight = 1, success, latencyMs, cost, usage } = event;
  const { count = 0, successes = 0, failures = 0, nanoUsd = null, tokens = null } = before ?? {};
  const { latency = { count: 0, sumMs: 0 } } = before ?? {};
  return {
    kind,
    name,
    count: count + weight,
    successes: successes + (success ? weight : 0),
    failures: failures + (success ? 0 : weight),
    latency:
      latencyMs === undefined ? latency : { count: latency.count + weight, sumMs: latency.sumMs + latencyMs * weight },
    nanoUsd: cost === undefined ? nanoUsd : (nanoUsd ?? 0) + cost.nanoUsd * weight,
    tokens: usage === undefined ? tokens : addTokens(tokens ?? noTokens, usage, weight),
  };
}

/** Adds an event to the reading of its run. Fields that the event lacks keep their values. */
function addRun({ runId, state, name, config, tags }: EventOf<'run'>, before: RunReading | undefined): RunReading {
  return {
    ...before,
    runId,
    state,
    ...(name !== undefined && { name }),
    ...(config !== undefined && { config }),
    ...(tags !== undefined && { tags }),
  };
}

function addTokens(sum: Usage, usage: Usage, weight: number): Usage {
  const entries = tokenClasses.map((tokens) => [tokens, sum[tokens] + usage[tokens] * weight]);
  return Object.fromEntries(entries) as unknown as Usage;
}

/**
 * Returns one line for each difference between an observation and the expected one. Compares only parts and figures that
 * were observed; figures of executions named in `required` must have been.
 */
export function differences(
  observed: Observation,
  expected: FullObservation,
  required: readonly ExecutionFigure[] = [],
): string[] {
  const found: string[] = [];
  for (const part of parts) {
    const entries = observed[part];
    if (entries === undefined) {
      continue;
    }
    const there = indexed(part, entries, found);
    const wanted = indexed(part, expected[part], found);
    for (const subject of new Set([...wanted.keys(), ...there.keys()])) {
      compare(subject, there.get(subject), wanted.get(subject), required, found);
    }
  }
  return found;
}

function compare(
  subject: string,
  there: Figures | undefined,
  wanted: Figures | undefined,
  required: readonly ExecutionFigure[],
  found: string[],
): void {
  if (there === undefined) {
    found.push(subject + isMissing);
    return;
  }
  if (wanted === undefined) {
    found.push(`${subject} is on the far side, but was not delivered`);
    return;
  }
  for (const [figure, value] of Object.entries(wanted).filter(([, figure]) => figure !== undefined)) {
    const actual = there[figure];
    if (actual === undefined) {
      if (required.some((name) => figure.split('.')[0] === name)) {
        found.push(`${subject}: observe() gives no \`${figure}\``);
      }
    } else if (!same(figure, actual, value)) {
      found.push(`${subject}: ${figure} is ${actual} on the far side, should be ${value}`);
    }
  }
}

function indexed(part: Part, entries: readonly object[], found: string[]): Map<string, Figures> {
  const index = new Map<string, Figures>();
  for (const entry of entries) {
    const [subject, figures] = figuresOf(part, entry);
    const before = index.get(subject);
    if (before === undefined) {
      index.set(subject, figures);
      continue;
    }
    for (const [figure, value] of Object.entries(figures)) {
      if (!readings.includes(figure)) {
        before[figure] = sum(before[figure], value);
      } else if (before[figure] !== value) {
        found.push(`${subject}: observe() gives two values of \`${figure}\`: ${before[figure]} and ${value}`);
      }
    }
  }
  for (const [subject, figures] of index) {
    if ('count' in figures && Object.values(figures).every((figure) => figure === 0 || (figure ?? null) === null)) {
      // A counter at zero means the same as no counter.
      index.delete(subject);
    }
  }
  return index;
}

function figuresOf(part: Part, entry: object): [subject: string, figures: Figures] {
  if (part === 'runs') {
    const { runId, config, tags, ...figures } = entry as RunReading;
    const set = tags && [...new Set(tags)].sort();
    return [`runs: ${JSON.stringify(runId)}`, { ...figures, config: dataText(config), tags: dataText(set) }];
  }
  const { kind, name, skillId, toolkit, operation, runId, latency, tokens, ...figures } = entry as Record<
    string,
    unknown
  >;
  const words = [kind, name, skillId, toolkit, operation, runId].filter((word) => word !== undefined);
  const subject = `${part}: ${words.map((word) => JSON.stringify(word)).join(' ')}`;
  if (part !== 'executions') {
    return [subject, figures as Figures];
  }
  const { count, sumMs } = (latency ?? {}) as { count?: number; sumMs?: number };
  const byClass = tokenClasses.map((tokenClass): [string, Figure] => [
    `tokens.${tokenClass}`,
    tokens === null ? null : (tokens as Usage | undefined)?.[tokenClass],
  ]);
  return [
    subject,
    { ...(figures as Figures), 'latency.count': count, 'latency.sumMs': sumMs, ...Object.fromEntries(byClass) },
  ];
}

/** Returns data as JSON with sorted keys, the same string for equal data. */
function dataText(data: unknown): string | undefined {
  return JSON.stringify(data, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  );
}

/** Adds two figures of a subject. A figure that only one entry knows is known for the subject. */
function sum(one: Figure, other: Figure): Figure {
  if (typeof one === 'number' && typeof other === 'number') {
    return one + other;
  }
  return typeof other === 'number' || one === undefined ? other : one;
}

/** Whether two figures agree. Floating-point sums may differ in the last digits; sums of money may not. */
function same(figure: string, actual: Figure, expected: Figure): boolean {
  if (typeof actual !== 'number' || typeof expected !== 'number' || figure === 'nanoUsd') {
    return actual === expected;
  }
  return isClose(actual, expected);
}

export function isClose(actual: number, expected: number, tolerance = 1e-9): boolean {
  return Math.abs(actual - expected) <= tolerance * Math.max(Math.abs(actual), Math.abs(expected));
}
