import type {
  AnalyticsEvent,
  ArtifactEvent,
  EventFields,
  ExecutionEvent,
  HealthEvent,
  JsonValue,
  MetricsEvent,
  RatingEvent,
  RunEvent,
  ToolkitEvent,
} from '@toolweaver/analytics-core';
import type { Column, Rows, Slice, Subject, TableName } from './slice.ts';

/** Makes the column of some events, or nothing when none of them has a value for it. */
type Encode<E> = (events: readonly E[], names: Names) => Column | undefined;

/** Gives texts and subjects their numbers within a slice. */
interface Names {
  text(text: string): number;
  subject(kind: string, name: string): number;
}

const common: readonly Encode<EventFields>[] = [
  uuid('id', ({ id }) => id),
  number('at', ({ at }) => at),
  text('run', ({ runId }) => runId),
  text('user', ({ userId }) => userId),
  text('org', ({ orgId }) => orgId),
  number('weight', ({ weight }) => weight),
];
const attributes: Encode<EventFields> = json('attributes', (event) => event.attributes);

const plainExecution: readonly Encode<ExecutionEvent>[] = [
  ...common,
  subject((event) => event),
  flag('success', ({ success }) => success),
  number('latency_ms', ({ latencyMs }) => latencyMs),
  uuid('parent_id', ({ parentId }) => parentId),
];
const failure: readonly Encode<{ readonly error?: ExecutionEvent['error'] }>[] = [
  text('error_type', ({ error }) => error?.type),
  plain('error_message', ({ error }) => error?.message),
];
const consumption: readonly Encode<ExecutionEvent>[] = [
  text('model', ({ model }) => model),
  text('provider', ({ provider }) => provider),
  number('input_tokens', ({ usage }) => usage?.inputTokens),
  number('cache_read_tokens', ({ usage }) => usage?.cacheReadTokens),
  number('cache_write_tokens', ({ usage }) => usage?.cacheWriteTokens),
  number('output_tokens', ({ usage }) => usage?.outputTokens),
  number('reasoning_tokens', ({ usage }) => usage?.reasoningTokens),
  number('cost_nano_usd', ({ cost }) => cost?.nanoUsd),
  text('cost_source', ({ cost }) => cost?.source),
];
const detail: readonly Encode<ExecutionEvent>[] = [
  text('version', ({ version }) => version),
  text('toolkit', ({ toolkit }) => toolkit),
  number('attempt', ({ attempt }) => attempt),
  flag('cache_hit', ({ cacheHit }) => cacheHit),
  number('input_bytes', ({ inputBytes }) => inputBytes),
  number('output_bytes', ({ outputBytes }) => outputBytes),
  attributes,
];

const ratings: readonly Encode<RatingEvent>[] = [
  ...common,
  attributes,
  subject(({ skillId }) => ({ kind: 'skill', name: skillId })),
  number('rating', ({ rating }) => rating),
  uuid('execution_id', ({ executionId }) => executionId),
  plain('comment', ({ comment }) => comment),
];
const healthScores: readonly Encode<HealthEvent>[] = [
  ...common,
  attributes,
  subject(({ skillId }) => ({ kind: 'skill', name: skillId })),
  number('score', ({ score }) => score),
];
const toolkits: readonly Encode<ToolkitEvent>[] = [
  ...common,
  attributes,
  text('toolkit', ({ toolkit }) => toolkit),
  text('operation', ({ operation }) => operation),
  number('duration_ms', ({ durationMs }) => durationMs),
  flag('success', ({ success }) => success),
  ...failure,
];
const metrics: readonly Encode<MetricsEvent>[] = [
  ...common,
  attributes,
  number('step', ({ step }) => step),
  json('metrics', ({ values }) => values),
];
const runs: readonly Encode<RunEvent>[] = [
  ...common,
  attributes,
  plain('state', ({ state }) => state),
  plain('name', ({ name }) => name),
  plain('project', ({ project }) => project),
  json('config', ({ config }) => config),
  json('tags', ({ tags }) => tags),
  json('summary', ({ summary }) => summary),
];
const artifacts: readonly Encode<ArtifactEvent>[] = [
  ...common,
  attributes,
  plain('name', ({ name }) => name),
  plain('kind', ({ kind }) => kind),
  plain('path', ({ path }) => path),
  plain('bytes', ({ bytes }) => bytes),
];

/** Encodes `events[start]` up to `events[end]`, without that one. */
export function encodeSlice(events: readonly AnalyticsEvent[], start: number, end: number): Slice {
  // Executions that say alike much go together, so that common ones need not carry the columns of rare ones.
  const executions: ExecutionEvent[][] = [];
  const ratingEvents: RatingEvent[] = [];
  const healthEvents: HealthEvent[] = [];
  const toolkitEvents: ToolkitEvent[] = [];
  const metricsEvents: MetricsEvent[] = [];
  const runEvents: RunEvent[] = [];
  const artifactEvents: ArtifactEvent[] = [];
  for (let at = start; at < end; at += 1) {
    const event = events[at] as AnalyticsEvent;
    switch (event.type) {
      case 'execution': {
        const extent = extentOf(event);
        executions[extent] ??= [];
        executions[extent].push(event);
        break;
      }
      case 'rating':
        ratingEvents.push(event);
        break;
      case 'health':
        healthEvents.push(event);
        break;
      case 'toolkit':
        toolkitEvents.push(event);
        break;
      case 'metrics':
        metricsEvents.push(event);
        break;
      case 'run':
        runEvents.push(event);
        break;
      case 'artifact':
        artifactEvents.push(event);
        break;
    }
  }

  const texts: string[] = [];
  const subjects: Subject[] = [];
  const names = numbering(texts, subjects);
  const rows: Rows[] = [];
  function encode<E>(table: TableName, some: readonly E[], columns: readonly Encode<E>[]): void {
    if (some.length > 0) {
      const encoded = columns.map((column) => column(some, names)).filter((column) => column !== undefined);
      rows.push({ table, count: some.length, columns: encoded });
    }
  }
  executions.forEach((some, extent) => {
    encode('execution_events', some, [
      ...plainExecution,
      ...(extent & says.failure ? failure : []),
      ...(extent & says.consumption ? consumption : []),
      ...(extent & says.detail ? detail : []),
    ]);
  });
  encode('rating_events', ratingEvents, ratings);
  encode('health_events', healthEvents, healthScores);
  encode('toolkit_events', toolkitEvents, toolkits);
  encode('metrics_events', metricsEvents, metrics);
  encode('run_events', runEvents, runs);
  encode('artifact_events', artifactEvents, artifacts);
  return { texts, subjects, rows };
}

const says = { failure: 1, consumption: 2, detail: 4 };

function extentOf(event: ExecutionEvent): number {
  const { error, model, provider, usage, cost, version, toolkit, attempt, cacheHit, inputBytes, outputBytes } = event;
  const consumed = model ?? provider ?? usage ?? cost;
  const detailed = version ?? toolkit ?? attempt ?? cacheHit ?? inputBytes ?? outputBytes ?? event.attributes;
  return (
    (error === undefined ? 0 : says.failure) |
    (consumed === undefined ? 0 : says.consumption) |
    (detailed === undefined ? 0 : says.detail)
  );
}

function numbering(texts: string[], subjects: Subject[]): Names {
  const textNumbers = new Map<string, number>();
  const kinds = new Map<string, Map<string, number>>();
  return {
    text(value) {
      let known = textNumbers.get(value);
      if (known === undefined) {
        known = texts.push(value);
        textNumbers.set(value, known);
      }
      return known;
    },
    subject(kind, name) {
      let numbers = kinds.get(kind);
      if (numbers === undefined) {
        numbers = new Map();
        kinds.set(kind, numbers);
      }
      let known = numbers.get(name);
      if (known === undefined) {
        known = subjects.push({ kind, name }) - 1;
        numbers.set(name, known);
      }
      return known;
    },
  };
}

function number<E>(name: string, get: (event: E) => number | undefined): Encode<E> {
  return (events) => {
    let values: Float64Array<ArrayBuffer> | undefined;
    for (let row = 0; row < events.length; row += 1) {
      const value = get(events[row] as E);
      if (value !== undefined) {
        values ??= new Float64Array(events.length).fill(Number.NaN);
        values[row] = value;
      }
    }
    return values && { name, type: 'number', values };
  };
}

function flag<E>(name: string, get: (event: E) => boolean | undefined): Encode<E> {
  return number(name, (event) => {
    const value = get(event);
    return value === undefined ? undefined : Number(value);
  });
}

function text<E>(name: string, get: (event: E) => string | undefined): Encode<E> {
  return (events, names) => {
    let values: Uint32Array<ArrayBuffer> | undefined;
    for (let row = 0; row < events.length; row += 1) {
      const value = get(events[row] as E);
      if (value !== undefined) {
        values ??= new Uint32Array(events.length);
        values[row] = names.text(value);
      }
    }
    return values && { name, type: 'text', values };
  };
}

function subject<E>(get: (event: E) => Subject): Encode<E> {
  return (events, names) => {
    const values = new Uint32Array(events.length);
    for (let row = 0; row < events.length; row += 1) {
      const { kind, name } = get(events[row] as E);
      values[row] = names.subject(kind, name);
    }
    return { name: 'subject', type: 'subject', values };
  };
}

function plain<E>(name: string, get: (event: E) => string | Uint8Array | undefined): Encode<E> {
  return (events) => {
    const values = events.map((event) => get(event) ?? null);
    return values.some((value) => value !== null) ? { name, type: 'plain', values } : undefined;
  };
}

function json<E>(name: string, get: (event: E) => JsonValue | Readonly<Record<string, number>> | undefined): Encode<E> {
  return plain(name, (event) => {
    const value = get(event);
    return value === undefined ? undefined : JSON.stringify(value);
  });
}

/** Where the 32 digits of a UUID stand in its text. */
const digitPositions = Uint8Array.from([...Array(36).keys()].filter((at) => ![8, 13, 18, 23].includes(at)));
const digitValues = new Uint8Array(128);
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  digitValues[digit.charCodeAt(0)] = value;
}

function uuid<E>(name: string, get: (event: E) => string | undefined): Encode<E> {
  return (events) => {
    let values: Uint8Array<ArrayBuffer> | undefined;
    const known = new Uint8Array(events.length);
    let count = 0;
    for (let row = 0; row < events.length; row += 1) {
      const value = get(events[row] as E);
      if (value !== undefined) {
        values ??= new Uint8Array(events.length * 16);
        known[row] = 1;
        count += 1;
        for (let byte = 0; byte < 16; byte += 1) {
          const high = digitValues[value.charCodeAt(digitPositions[byte * 2] as number)] as number;
          const low = digitValues[value.charCodeAt(digitPositions[byte * 2 + 1] as number)] as number;
          values[row * 16 + byte] = (high << 4) | low;
        }
      }
    }
    return values && { name, type: 'uuid', values, ...(count < events.length && { known }) };
  };
}
