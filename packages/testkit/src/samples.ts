import type {
  AnalyticsEvent,
  ArtifactEvent,
  CostSource,
  ExecutionEvent,
  HealthEvent,
  MetricsEvent,
  RatingEvent,
  RunEvent,
  ToolkitEvent,
} from '@toolweaver/analytics-core';
import { artifact, execution, frozenCopy, health, metrics, rating, run, toolkit } from './events.ts';

/** Names that core lets through (no control characters, at most 256 UTF-16 units) and that careless code mixes up. */
export const hostileNames: readonly string[] = [
  `it's "quoted" \`thrice\``,
  `'; DROP TABLE executions; --`,
  '{a="b"}',
  'a="b",c="d"} 1 # HELP x',
  'back\\slash \\n \\" end\\',
  '$name %s {{name}} <b>&amp;</b>',
  '../../etc/passwd',
  'a,b;c\u2028d',
  'skill 🧶 é ß 漢字',
  '\u202eright to left\u202c שלום',
  '👩‍👩‍👧‍👦'.repeat(5),
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'null',
  'undefined',
  'NaN',
  '0',
  '-1e3',
  'name',
  'Name',
  ' name',
  'name ',
  'na me',
  'na_me',
  'na.me',
  'na-me',
  'caf\u00e9',
  'cafe\u0301',
  'x'.repeat(255),
  'x'.repeat(256),
  `${'x'.repeat(255)}y`,
];

/** Free text may contain line breaks. */
const hostileText = `line one\nline two\r\n\ttab "quote" '; DROP TABLE x; -- {"json": [1]} \\ 🧶 \u202eשלום\u202c`;

const usage = {
  inputTokens: 1200,
  cacheReadTokens: 300,
  cacheWriteTokens: 40,
  outputTokens: 210,
  reasoningTokens: 7,
};

type OptionalKey<E> = { [F in keyof E]-?: undefined extends E[F] ? F : never }[keyof E];
/** Has every optional field but a weight: what `satisfies` this no longer compiles once core has another one. */
type Full<E, Except extends keyof E = never> = Partial<E> & {
  readonly [F in Exclude<OptionalKey<E>, 'weight' | Except>]: Required<Exclude<E[F], undefined>>;
};

/** Events of each type (three executions, two artifacts), which have every optional field except a weight. */
export function fullEvents(): AnalyticsEvent[] {
  const nanoUsd: Readonly<Record<CostSource, number>> = { computed: 12_345_678, override: 0, provider: 7 };
  const common = {
    runId: 'run-7',
    userId: 'user-1',
    orgId: 'org-1',
    attributes: { text: 'a', number: 1.5, flag: false, nothing: null, list: [1, 'two', { three: 3 }], empty: {} },
  };
  const called = execution({
    ...common,
    kind: 'llm',
    name: 'sonnet',
    latencyMs: 812.25,
    version: '1.4.0',
    toolkit: 'files',
    attempt: 2,
    cacheHit: true,
    inputBytes: 2048,
    outputBytes: 0,
    model: 'sonnet',
    provider: 'anthropic',
    usage,
    cost: { nanoUsd: nanoUsd.computed, source: 'computed' },
  } satisfies Full<ExecutionEvent, 'error' | 'parentId'>);
  const failed = execution({
    ...common,
    kind: 'tool',
    name: 'read_file',
    success: false,
    latencyMs: 0,
    error: { type: 'TimeoutError', message: 'no answer' },
    parentId: called.id,
    attempt: 1,
    cacheHit: false,
    cost: { nanoUsd: nanoUsd.override, source: 'override' },
  });
  return [
    called,
    failed,
    execution({ cost: { nanoUsd: nanoUsd.provider, source: 'provider' } }),
    rating({ ...common, executionId: called.id, comment: 'good' } satisfies Full<RatingEvent>),
    health({ ...common, score: 87.5, deprecated: true } satisfies Full<HealthEvent>),
    toolkit({
      ...common,
      operation: 'cleanup',
      durationMs: 1.5,
      success: false,
      error: { type: 'IoError', message: 'busy' },
    } satisfies Full<ToolkitEvent>),
    metrics({ ...common, values: { loss: 0.0625, accuracy: -1e-9, steps: 3 }, step: 3 } satisfies Full<MetricsEvent>),
    run({
      ...common,
      state: 'started',
      name: 'receipts',
      project: 'extraction',
      config: { batch: 8, nested: { deep: ['x', null] } },
      tags: ['nightly', 'nightly', 'eu'],
      summary: { best: 0.5 },
    } satisfies Full<RunEvent>),
    artifact(common),
    artifact({
      ...common,
      name: 'blob',
      kind: 'dataset',
      bytes: new Uint8Array([0, 255, 10, 13, 128]),
    } satisfies Full<ArtifactEvent, 'path'>),
  ];
}

/** One event of each type, with only the required fields. */
export function bareEvents(): AnalyticsEvent[] {
  return [
    execution({ name: 'bare', latencyMs: undefined }),
    rating({ skillId: 'bare', rating: 1 }),
    health({ skillId: 'bare', score: 0 }),
    toolkit({ toolkit: 'bare', operation: 'cache_miss', durationMs: 0 }),
    metrics({ values: { bare: 0 } }),
    run({ runId: 'bare' }),
    artifact({ name: 'bare', kind: 'bare', path: 'bare' }),
  ];
}

/** Events of all types in which every string is hostile. */
export function hostileEvents(): AnalyticsEvent[] {
  const attributes = JSON.parse(`{"__proto__": {"a": 1}, "constructor": 1, "": "", "toString": null}`) as Record<
    string,
    string
  >;
  const values: Record<string, number> = Object.create(null);
  for (const [at, name] of hostileNames.entries()) {
    values[name] = at;
  }
  return hostileNames.flatMap((name, at) => {
    const common = {
      runId: name,
      userId: name,
      orgId: name,
      attributes: { ...attributes, [name]: hostileText, text: name },
    };
    const error = { type: name, message: hostileText };
    return [
      execution({
        ...common,
        kind: 'tool',
        name,
        success: false,
        error,
        version: name,
        toolkit: name,
        model: name,
        provider: name,
      }),
      rating({ ...common, skillId: name, comment: hostileText }),
      health({ ...common, skillId: name }),
      toolkit({ ...common, toolkit: name, success: false, error }),
      metrics({ ...common, values: at === 0 ? values : { [name]: at } }),
      run({ ...common, name, project: name, tags: [name, name], config: { [name]: name }, summary: { [name]: name } }),
      artifact({ ...common, name, kind: name, path: hostileText }),
    ];
  });
}

/** `count` executions of seven skills, a third of them failures. */
export function manyExecutions(count: number): ExecutionEvent[] {
  return Array.from({ length: count }, (_, at) =>
    execution({ name: `skill-${at % 7}`, success: at % 3 !== 0, latencyMs: at % 50 }),
  );
}

/**
 * Returns the event without fields that mean nothing: those that are undefined, and a weight of 1. Drops prototypes and the
 * class of bytes, so that events from any store can be compared.
 */
export function essence(event: AnalyticsEvent): unknown {
  return plain(event.weight === 1 ? { ...event, weight: undefined } : event);
}

function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) {
    return { bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex') };
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const copy: Record<string, unknown> = Object.create(null);
  for (const [key, field] of Object.entries(value)) {
    if (field !== undefined) {
      copy[key] = plain(field);
    }
  }
  return copy;
}

/** Returns a frozen copy of the events' `essence` that shares nothing with the original. */
export function snapshot(events: readonly AnalyticsEvent[]): unknown {
  return frozenCopy(events.map(essence));
}
