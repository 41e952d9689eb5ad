import { describe, expect, test, vi } from 'vitest';
import { toEvent } from '../src/events/normalize.ts';
import { defaults, eventOf, known, madeId, minimal, nowMs, types } from './support/normalize.ts';

const uuid = '0190b0c4-7a1e-7000-8000-000000000001';
const other = '0190b0c4-7a1e-7000-8000-000000000002';

const common = {
  id: uuid,
  at: 1_700_000_000_000,
  runId: 'run-7',
  userId: 'ada',
  orgId: 'acme',
  attributes: { nested: { list: [1, 'two', null, true] } },
};

const complete: Record<string, Record<string, unknown>> = {
  execution: {
    type: 'execution',
    ...common,
    kind: 'llm',
    name: 'summarise',
    success: false,
    latencyMs: 12.5,
    error: { type: 'TimeoutError', message: 'line 1\nline 2' },
    version: '1.2.3',
    toolkit: 'text',
    parentId: other,
    attempt: 2,
    cacheHit: false,
    inputBytes: 0,
    outputBytes: 4096,
    model: 'm-1',
    provider: 'acme-ai',
    usage: { inputTokens: 1, cacheReadTokens: 2, cacheWriteTokens: 3, outputTokens: 4, reasoningTokens: 5 },
    cost: { nanoUsd: 1_500_000, source: 'computed' },
  },
  rating: { type: 'rating', ...common, skillId: 'pdf', rating: 5, executionId: other, comment: 'works\nwell' },
  health: { type: 'health', ...common, skillId: 'pdf', score: 99.5, deprecated: false },
  toolkit: {
    type: 'toolkit',
    ...common,
    toolkit: 'files',
    operation: 'cache_miss',
    durationMs: 0,
    success: false,
    error: { type: 'ENOENT', message: 'no such file' },
  },
  metrics: { type: 'metrics', ...common, values: { loss: -0.25, 'val/accuracy': 1e-9 }, step: 0 },
  run: {
    type: 'run',
    ...common,
    state: 'finished',
    name: 'nightly',
    project: 'receipts',
    config: { seed: 1 },
    tags: ['a', 'b'],
    summary: { best: 0.9 },
  },
  artifact: { type: 'artifact', ...common, name: 'report', kind: 'dataset', path: '/data/out.csv' },
};

describe.each(types)('%s', (type) => {
  test('with all of its fields keeps them all', () => {
    const expected = complete[type] as Record<string, unknown>;
    const input = type === 'execution' ? { ...expected, cost: { usd: 0.0015, source: 'computed' } } : expected;
    expect(known(eventOf(input))).toEqual(expected);
  });

  test('with only the fields it needs gets an id and the time, and nothing else', () => {
    expect(known(eventOf(minimal[type]))).toEqual({ ...minimal[type], id: madeId, at: nowMs });
  });

  test.each([null, undefined, ''])('takes %j for optional text that is not known', (nothing) => {
    const { runId: _, ...optional } = { runId: 1, userId: nothing, orgId: nothing, id: nothing };
    expect(known(eventOf({ ...minimal[type], ...optional }))).toEqual({ ...minimal[type], id: madeId, at: nowMs });
  });

  test.each([null, undefined])('takes %j for any optional field that is not known', (nothing) => {
    const given = Object.fromEntries(
      [...Object.keys(complete[type] as object), 'bytes'].map((field) => [field, nothing]),
    );
    expect(known(eventOf({ ...given, ...minimal[type] }))).toEqual({ ...minimal[type], id: madeId, at: nowMs });
  });

  test('takes what it does not say from the context, and what it says not', () => {
    const context = { userId: 'ctx-user', orgId: 'ctx-org', runId: 'ctx-run' };
    const runId = type === 'run' ? 'run-1' : 'ctx-run';
    expect(eventOf(minimal[type], context)).toMatchObject({ userId: 'ctx-user', orgId: 'ctx-org', runId });
    expect(eventOf({ ...minimal[type], userId: 'own', orgId: 'own', runId: 'own' }, context)).toMatchObject({
      userId: 'own',
      orgId: 'own',
      runId: 'own',
    });
  });

  test('is a plain object', () => {
    for (const input of [complete[type], minimal[type]]) {
      expect(Object.getPrototypeOf(eventOf({ ...input, cost: undefined }))).toBe(Object.prototype);
    }
  });

  test('does not change when the input does', () => {
    const input = structuredClone({ ...complete[type], cost: { usd: 0.0015, source: 'computed' } });
    const event = eventOf(input);
    const before = JSON.stringify(event);
    spoil(input);
    expect(JSON.stringify(event)).toBe(before);
  });

  test('has each of its fields read once', () => {
    const reads = new Map<PropertyKey, number>();
    const watched = new Proxy(minimal[type] as object, {
      get(target, field, receiver) {
        reads.set(field, (reads.get(field) ?? 0) + 1);
        return Reflect.get(target, field, receiver);
      },
    });
    eventOf(watched);
    expect(Object.fromEntries([...reads].filter(([, count]) => count !== 1))).toEqual({});
  });

  test('ignores fields that it does not know, and a weight that only sampling may set', () => {
    expect(known(eventOf({ ...minimal[type], weight: 5, colour: 'red' }))).toEqual(known(eventOf(minimal[type])));
  });
});

/** Overwrites everything in reach. */
function spoil(value: unknown): void {
  if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      spoil(item);
      Reflect.set(value, key, 'spoilt');
    }
  }
}

test('numbers that are not known are left out, and cost no others', () => {
  const values = { loss: 0.5, accuracy: undefined, recall: null };
  expect(eventOf({ ...minimal.metrics, values })).toMatchObject({ values: { loss: 0.5 } });
  expect(() => eventOf({ ...minimal.metrics, values: { accuracy: undefined } })).toThrow(
    'values must hold 1 to 1000 numbers, got 0',
  );
});

describe.each(['execution', 'toolkit'] as const)('what was caught, of an event of type %s', (type) => {
  test.each([
    [new TypeError('bad'), { type: 'TypeError', message: 'bad' }],
    ['no answer', { type: 'NonError', message: 'no answer' }],
    [404, { type: 'NonError', message: '404' }],
    [
      { type: 'quota', message: 'none left' },
      { type: 'quota', message: 'none left' },
    ],
    [
      { type: 404, message: 'not found' },
      { type: 'NonError', message: 'not found' },
    ],
    ['', undefined],
  ])('%j', (error, expected) => {
    expect(eventOf({ ...minimal[type], error })).toMatchObject({ error: expected });
  });
});

describe('every kind of execution', () => {
  test.each(['skill', 'tool', 'llm', 'agent', 'search', 'operation'])('%s', (kind) => {
    expect(eventOf({ ...minimal.execution, kind })).toMatchObject({ kind });
  });
});

describe('numbers', () => {
  test.each([
    ['latencyMs', 0],
    ['latencyMs', Number.MIN_VALUE],
    ['latencyMs', Number.MAX_VALUE],
    ['attempt', 1],
    ['attempt', Number.MAX_SAFE_INTEGER],
    ['inputBytes', 0],
    ['outputBytes', Number.MAX_SAFE_INTEGER],
  ])('%s %d is kept', (field, value) => {
    expect(eventOf({ ...minimal.execution, [field]: value })).toMatchObject({ [field]: value });
  });

  test.each([
    ['execution', 'latencyMs'],
    ['execution', 'inputBytes'],
    ['execution', 'outputBytes'],
    ['execution', 'at'],
    ['health', 'score'],
    ['toolkit', 'durationMs'],
    ['metrics', 'step'],
  ] as const)('-0 becomes 0 in %s.%s', (type, field) => {
    expect(Object.is(known(eventOf({ ...minimal[type], [field]: -0 }))[field], 0)).toBe(true);
  });

  test('-0 becomes 0 in metrics, tokens and money', () => {
    const { values } = known(eventOf({ ...minimal.metrics, values: { zero: -0 } })) as { values: { zero: number } };
    const { usage, cost } = known(eventOf({ ...minimal.execution, usage: { inputTokens: -0 }, cost: { usd: -0 } })) as {
      usage: { inputTokens: number };
      cost: { nanoUsd: number };
    };
    expect([values.zero, usage.inputTokens, cost.nanoUsd].every((value) => Object.is(value, 0))).toBe(true);
  });

  test.each([
    [0, 0],
    [1234.9, 1234],
    [999_999_999, 999_999_999],
    [1e10, 1e10],
    [4_102_444_799_999, 4_102_444_799_999],
  ])('at %d is %d', (at, expected) => {
    expect(eventOf({ ...minimal.health, at })).toMatchObject({ at: expected });
  });
});

describe('money', () => {
  test.each([
    [0, 0],
    [0.1, 100_000_000],
    [0.000_000_001, 1],
    [0.000_000_000_4, 0],
    [0.000_000_000_6, 1],
    [1.005, 1_005_000_000],
    [1_000_000, 1_000_000_000_000_000],
  ])('%d US dollars are %d nano-dollars', (usd, nanoUsd) => {
    expect(eventOf({ ...minimal.execution, cost: { usd } })).toMatchObject({ cost: { nanoUsd, source: 'provider' } });
  });

  test('the largest sum is still exact', () => {
    const { cost } = eventOf({ ...minimal.execution, cost: { usd: Number.MAX_SAFE_INTEGER / 1e9 } }) as {
      cost: { nanoUsd: number };
    };
    expect(Number.isSafeInteger(cost.nanoUsd)).toBe(true);
  });

  test.each(['provider', 'override', 'computed'])('comes from %s', (source) => {
    expect(eventOf({ ...minimal.execution, cost: { usd: 1, source } })).toMatchObject({ cost: { source } });
  });
});

describe('usage', () => {
  test('counts 0 for what is left out', () => {
    const none = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
    expect(eventOf({ ...minimal.execution, usage: { outputTokens: 7, reasoningTokens: null } })).toMatchObject({
      usage: { ...none, outputTokens: 7 },
    });
  });

  // What SDKs give of an answer without counts.
  test.each([{}, { inputTokens: undefined, outputTokens: undefined }, { outputTokens: null, totalTokens: undefined }])(
    'is unknown without a number, and so is its price: %j',
    (usage) => {
      const price = vi.fn(() => ({ nanoUsd: 1, source: 'computed' as const }));
      const event = toEvent({ ...minimal.execution, model: 'm', usage } as never, { ...defaults(), price });
      expect(event).toMatchObject({ usage: undefined, cost: undefined });
      expect(price).not.toHaveBeenCalled();
    },
  );
});

describe('ids', () => {
  test.each(['id', 'parentId'])('%s is a UUID of any version, kept in lower case', (field) => {
    expect(eventOf({ ...minimal.execution, [field]: 'C0FFEE00-0000-4000-8000-00000000000A' })).toMatchObject({
      [field]: 'c0ffee00-0000-4000-8000-00000000000a',
    });
  });

  test('the parent comes from the context unless it is given', () => {
    expect(eventOf(minimal.execution, { parentId: uuid })).toMatchObject({ parentId: uuid });
    expect(eventOf({ ...minimal.execution, parentId: other }, { parentId: uuid })).toMatchObject({ parentId: other });
  });
});

describe('artifacts', () => {
  test('have their bytes copied, from a Buffer too', () => {
    const bytes = Buffer.from([1, 2, 3]);
    const event = eventOf({ type: 'artifact', name: 'a', kind: 'k', bytes }) as { bytes: Uint8Array; path?: string };
    bytes.fill(9);
    expect(event.bytes).toEqual(new Uint8Array([1, 2, 3]));
    expect(Object.getPrototypeOf(event.bytes)).toBe(Uint8Array.prototype);
    expect(event.path).toBeUndefined();
  });

  test.each([0, 8 * 1024 * 1024])('may have %d bytes', (length) => {
    const event = eventOf({ type: 'artifact', name: 'a', kind: 'k', bytes: new Uint8Array(length), path: '' });
    expect(event).toMatchObject({ bytes: { byteLength: length } });
  });
});

describe('run', () => {
  test('has an empty list of tags, or 100 of them', () => {
    const tags = Array.from({ length: 100 }, (_, at) => `tag ${at}`);
    expect(eventOf({ ...minimal.run, tags: [] })).toMatchObject({ tags: [] });
    expect(eventOf({ ...minimal.run, tags })).toMatchObject({ tags });
  });
});

test('error messages can be left out, their types stay', () => {
  const input = { ...minimal.execution, error: { type: 'E', message: 'secret' } };
  expect(toEvent(input as never, defaults(undefined, false))).toMatchObject({ error: { type: 'E' } });
  expect(JSON.stringify(toEvent(input as never, defaults(undefined, false)))).not.toContain('secret');
});
