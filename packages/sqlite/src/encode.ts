import {
  AnalyticsError,
  type AnalyticsEvent,
  type EventFields,
  type EventType,
  type ExecutionEvent,
} from '@toolweaver/analytics-core';
import {
  type Encode,
  flag,
  json,
  lines,
  type Names,
  number,
  numbering,
  numbers,
  plain,
  subject,
  text,
  texts,
  uuid,
  uuids,
} from './columns.ts';
import type { Rows, Slice, TableName } from './slice.ts';

// Fields that most events have are encoded event by event; field by field takes about twice as long.

const common: Encode<EventFields> = (events, names) => {
  const rows = events.length;
  const ids = uuids('id', rows);
  const times = numbers('at', rows);
  const runs = texts('run', rows, names);
  const users = lines('user', rows);
  const orgs = texts('org', rows, names);
  const weights = numbers('weight', rows);
  for (let row = 0; row < rows; row += 1) {
    const { id, at, runId, userId, orgId, weight } = events[row] as EventFields;
    ids.set(row, id);
    times.set(row, at);
    runs.set(row, runId);
    users.set(row, userId);
    orgs.set(row, orgId);
    weights.set(row, weight);
  }
  return [ids, times, runs, users, orgs, weights].map((filling) => filling.column());
};

const plainExecution: Encode<ExecutionEvent> = (events, names) => {
  const rows = events.length;
  const subjects = new Uint32Array(rows);
  const successes = numbers('success', rows);
  const latencies = numbers('latency_ms', rows);
  const parents = uuids('parent_id', rows);
  for (let row = 0; row < rows; row += 1) {
    const { kind, name, success, latencyMs, parentId } = events[row] as ExecutionEvent;
    subjects[row] = names.subject(kind, name);
    successes.set(row, success ? 1 : 0);
    latencies.set(row, latencyMs);
    parents.set(row, parentId);
  }
  return [
    { name: 'subject', type: 'subject', values: subjects },
    successes.column(),
    latencies.column(),
    parents.column(),
  ];
};
const attributes: Encode<EventFields> = json('attributes', (event) => event.attributes);
const failure: readonly Encode<{ readonly error?: ExecutionEvent['error'] }>[] = [
  text('error_type', ({ error }) => error?.type),
  plain('error_message', ({ error }) => error?.message),
];
const consumption: Encode<ExecutionEvent> = (events, names) => {
  const rows = events.length;
  const models = texts('model', rows, names);
  const providers = texts('provider', rows, names);
  const inputs = numbers('input_tokens', rows);
  const cacheReads = numbers('cache_read_tokens', rows);
  const cacheWrites = numbers('cache_write_tokens', rows);
  const outputs = numbers('output_tokens', rows);
  const reasonings = numbers('reasoning_tokens', rows);
  const costs = numbers('cost_nano_usd', rows);
  const sources = texts('cost_source', rows, names);
  for (let row = 0; row < rows; row += 1) {
    const { model, provider, usage, cost } = events[row] as ExecutionEvent;
    models.set(row, model);
    providers.set(row, provider);
    if (usage !== undefined) {
      inputs.set(row, usage.inputTokens);
      cacheReads.set(row, usage.cacheReadTokens);
      cacheWrites.set(row, usage.cacheWriteTokens);
      outputs.set(row, usage.outputTokens);
      reasonings.set(row, usage.reasoningTokens);
    }
    costs.set(row, cost?.nanoUsd);
    sources.set(row, cost?.source);
  }
  return [models, providers, inputs, cacheReads, cacheWrites, outputs, reasonings, costs, sources].map((filling) =>
    filling.column(),
  );
};
const detail: Encode<ExecutionEvent> = (events, names) => {
  const rows = events.length;
  const versions = texts('version', rows, names);
  const toolkits = texts('toolkit', rows, names);
  const attempts = numbers('attempt', rows);
  const cacheHits = numbers('cache_hit', rows);
  const inputSizes = numbers('input_bytes', rows);
  const outputSizes = numbers('output_bytes', rows);
  for (let row = 0; row < rows; row += 1) {
    const { version, toolkit, attempt, cacheHit, inputBytes, outputBytes } = events[row] as ExecutionEvent;
    versions.set(row, version);
    toolkits.set(row, toolkit);
    attempts.set(row, attempt);
    cacheHits.set(row, cacheHit === undefined ? undefined : Number(cacheHit));
    inputSizes.set(row, inputBytes);
    outputSizes.set(row, outputBytes);
  }
  return [versions, toolkits, attempts, cacheHits, inputSizes, outputSizes].map((filling) => filling.column());
};

/** The table and columns that events are written to. */
interface Layout<E = never> {
  readonly table: TableName;
  readonly columns: readonly Encode<E>[];
}

// Executions with the same groups of fields share a layout, so that common ones do not carry the columns of rare ones.
const says = { failure: 1, consumption: 2, detail: 4, attributes: 8 };
const executionLayouts: readonly Layout<ExecutionEvent>[] = Array.from({ length: 16 }, (_, extent) => ({
  table: 'execution_events',
  columns: [
    common,
    plainExecution,
    ...(extent & says.failure ? failure : []),
    ...(extent & says.consumption ? [consumption] : []),
    ...(extent & says.detail ? [detail] : []),
    ...(extent & says.attributes ? [attributes] : []),
  ],
}));

function extentOf(event: ExecutionEvent): number {
  const { error, model, provider, usage, cost, version, toolkit, attempt, cacheHit, inputBytes, outputBytes } = event;
  const consumed = model ?? provider ?? usage ?? cost;
  const detailed = version ?? toolkit ?? attempt ?? cacheHit ?? inputBytes ?? outputBytes;
  return (
    (error === undefined ? 0 : says.failure) |
    (consumed === undefined ? 0 : says.consumption) |
    (detailed === undefined ? 0 : says.detail) |
    (event.attributes === undefined ? 0 : says.attributes)
  );
}

type EventOf<T> = Extract<AnalyticsEvent, { readonly type: T }>;

const layouts: { readonly [T in Exclude<EventType, 'execution'>]: Layout<EventOf<T>> } = {
  rating: {
    table: 'rating_events',
    columns: [
      common,
      attributes,
      subject(({ skillId }) => ({ kind: 'skill', name: skillId })),
      number('rating', ({ rating }) => rating),
      uuid('execution_id', ({ executionId }) => executionId),
      plain('comment', ({ comment }) => comment),
    ],
  },
  health: {
    table: 'health_events',
    columns: [
      common,
      attributes,
      subject(({ skillId }) => ({ kind: 'skill', name: skillId })),
      number('score', ({ score }) => score),
      flag('deprecated', ({ deprecated }) => deprecated),
    ],
  },
  toolkit: {
    table: 'toolkit_events',
    columns: [
      common,
      attributes,
      ...failure,
      text('toolkit', ({ toolkit }) => toolkit),
      text('operation', ({ operation }) => operation),
      number('duration_ms', ({ durationMs }) => durationMs),
      flag('success', ({ success }) => success),
    ],
  },
  metrics: {
    table: 'metrics_events',
    columns: [common, attributes, number('step', ({ step }) => step), json('metrics', ({ values }) => values)],
  },
  run: {
    table: 'run_events',
    columns: [
      common,
      attributes,
      plain('state', ({ state }) => state),
      plain('name', ({ name }) => name),
      plain('project', ({ project }) => project),
      json('config', ({ config }) => config),
      json('tags', ({ tags }) => tags),
      json('summary', ({ summary }) => summary),
    ],
  },
  artifact: {
    table: 'artifact_events',
    columns: [
      common,
      attributes,
      plain('name', ({ name }) => name),
      plain('kind', ({ kind }) => kind),
      plain('path', ({ path }) => path),
      plain('bytes', ({ bytes }) => bytes),
    ],
  },
};

function layoutOf(event: AnalyticsEvent): Layout {
  const layout = event.type === 'execution' ? executionLayouts[extentOf(event)] : layouts[event.type];
  if (layout === undefined) {
    throw new AnalyticsError('EVENTS_REJECTED', `events of type ${event.type} are unknown to this version`);
  }
  return layout;
}

/** Encodes the slices of one batch, in order; a name is sent with the first slice that contains it. */
export interface Encoder {
  /** Encodes the events from index `start` up to but not including `end`. */
  slice(events: readonly AnalyticsEvent[], start: number, end: number): Slice;
}

export function createEncoder(): Encoder {
  const names = numbering();
  return {
    slice: (events, start, end) => ({ rows: encodeRows(events, start, end, names), ...names.takeNew() }),
  };
}

interface Group {
  readonly layout: Layout;
  readonly events: AnalyticsEvent[];
  /** The indexes of the events in the slice. */
  readonly places: number[];
}

function encodeRows(events: readonly AnalyticsEvent[], start: number, end: number, names: Names): Rows[] {
  const groups: Group[] = [];
  let latest: Group | undefined;
  for (let at = start; at < end; at += 1) {
    const event = events[at] as AnalyticsEvent;
    const layout = layoutOf(event);
    if (latest === undefined || latest.layout !== layout) {
      latest = groups.find((group) => group.layout === layout);
      if (latest === undefined) {
        latest = { layout, events: [], places: [] };
        groups.push(latest);
      }
    }
    latest.events.push(event);
    latest.places.push(at - start);
  }
  return groups.map(({ layout: { table, columns }, events, places }) => ({
    table,
    places: new Uint32Array(places),
    // A layout only gets events of its own type.
    columns: columns.flatMap((encode) => encode(events as never[], names)).filter((column) => column !== undefined),
  }));
}
