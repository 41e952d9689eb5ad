import { describe, expect, test } from 'vitest';
import { minimal, refusalOf } from './support/normalize.ts';

type Row = readonly [field: string, value: unknown, message: string];

const bigBytes = new Uint8Array(8 * 1024 * 1024 + 1);
const noText: readonly (readonly [unknown, string])[] = [
  [5, '5'],
  [true, 'true'],
  [Number.NaN, 'NaN'],
  [{}, 'an object'],
  [[], 'an array'],
  [1n, 'a bigint'],
  [Symbol('s'), 'a symbol'],
  [() => 1, 'a function'],
];
const noNumber: readonly (readonly [unknown, string])[] = [
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, 'Infinity'],
  [Number.NEGATIVE_INFINITY, '-Infinity'],
  ['5', '"5"'],
  ['', '""'],
  [1n, 'a bigint'],
  [true, 'true'],
  [{}, 'an object'],
  [new Date(0), 'a Date'],
];

function required(field: string): Row[] {
  return [
    ...noText.map(([value, shown]): Row => [field, value, `${field} must be a string, got ${shown}`]),
    [field, undefined, `${field} must be a non-blank string, got undefined`],
    [field, null, `${field} must be a non-blank string, got null`],
    [field, '', `${field} must be a non-blank string, got ""`],
    [field, ' \u2003 ', `${field} must be a non-blank string, got " \u2003 "`],
  ];
}

function optional(field: string): Row[] {
  return noText.map(([value, shown]) => [field, value, `${field} must be a string, got ${shown}`]);
}

function uuid(field: string): Row[] {
  const texts = ['x', '0190b0c4-7a1e-7000-8000-00000000000g', ' 0190b0c4-7a1e-7000-8000-000000000001', '0'.repeat(32)];
  return [
    ...noText.map(([value, shown]): Row => [field, value, `${field} must be a UUID, got ${shown}`]),
    ...texts.map((text): Row => [field, text, `${field} must be a UUID, got ${JSON.stringify(text)}`]),
  ];
}

function numbers(field: string, what: string, outside: readonly number[]): Row[] {
  return [
    ...noNumber.map(([value, shown]): Row => [field, value, `${field} must be ${what}, got ${shown}`]),
    ...outside.map((value): Row => [field, value, `${field} must be ${what}, got ${value}`]),
  ];
}

function choices(field: string, allowed: string): Row[] {
  return [
    [field, 'other', `${field} must be one of ${allowed}, got "other"`],
    [field, undefined, `${field} must be one of ${allowed}, got undefined`],
    [field, 3, `${field} must be one of ${allowed}, got 3`],
    [field, [allowed.split(', ')[0]], `${field} must be one of ${allowed}, got an array`],
    [field, 'toString', `${field} must be one of ${allowed}, got "toString"`],
  ];
}

function flag(field: string, missing: boolean): Row[] {
  const rows: Row[] = [0, 1, 'true', {}].map((value) => [
    field,
    value,
    `${field} must be true or false, got ${typeof value === 'object' ? 'an object' : JSON.stringify(value)}`,
  ]);
  return missing ? [...rows, [field, undefined, `${field} must be true or false, got undefined`]] : rows;
}

function objects(field: string, allowed = 'an object'): Row[] {
  return [
    [field, 5, `${field} must be ${allowed}, got 5`],
    [field, 'text', `${field} must be ${allowed}, got "text"`],
    [field, [1], `${field} must be ${allowed}, got an array`],
    [field, () => 1, `${field} must be ${allowed}, got a function`],
  ];
}

const commonRows = [
  ...uuid('id'),
  ...[1e9, 1_767_225_600.5, 9_999_999_999].map(
    (seconds) =>
      ['at', seconds, `at must be in milliseconds, got ${Math.trunc(seconds)}, which looks like seconds`] as const,
  ),
  ...numbers('at', 'a number from 0 to 4102444799999', [-1, -0.5, 4_102_444_800_000]),
  ...optional('userId'),
  ...optional('orgId'),
  ...objects('attributes'),
];
const errorRows: Row[] = [['error', { type: 'E', message: 5 }, 'error.message must be a string, got 5']];
const tokens = ['inputTokens', 'cacheReadTokens', 'cacheWriteTokens', 'outputTokens', 'reasoningTokens'];

const rows: Record<keyof typeof minimal, Row[]> = {
  execution: [
    ...commonRows,
    ...optional('runId'),
    ...choices('kind', 'skill, tool, llm, agent, search, operation'),
    ...required('name'),
    ...flag('success', true),
    ...numbers('latencyMs', 'a finite number >= 0', [-1, -Number.MIN_VALUE]),
    ...errorRows,
    ...optional('version'),
    ...optional('toolkit'),
    ...uuid('parentId'),
    ...numbers('attempt', 'a whole number >= 1', [0, 1.5, -1, 2 ** 53]),
    ...flag('cacheHit', false),
    ...numbers('inputBytes', 'a whole number >= 0', [-1, 0.5, 2 ** 53]),
    ...numbers('outputBytes', 'a whole number >= 0', [-1, 0.5]),
    ...optional('model'),
    ...optional('provider'),
    ...objects('usage'),
    ...tokens.map((name): Row => ['usage', { [name]: -1 }, `usage.${name} must be a whole number >= 0, got -1`]),
    ...tokens.map((name): Row => ['usage', { [name]: 1.5 }, `usage.${name} must be a whole number >= 0, got 1.5`]),
    ...objects('cost', 'an object such as { usd: 0.01 }'),
    ['cost', {}, 'cost.usd must be a number from 0 to 9007199.25474099, got undefined'],
    ['cost', { usd: -0.01 }, 'cost.usd must be a number from 0 to 9007199.25474099, got -0.01'],
    ['cost', { usd: 1e7 }, 'cost.usd must be a number from 0 to 9007199.25474099, got 10000000'],
    ['cost', { usd: '1' }, 'cost.usd must be a number from 0 to 9007199.25474099, got "1"'],
    ['cost', { usd: 1, source: 'me' }, 'cost.source must be one of provider, override, computed, got "me"'],
  ],
  rating: [
    ...commonRows,
    ...optional('runId'),
    ...required('skillId'),
    ...numbers('rating', 'a whole number from 1 to 5', [0, 6, 4.5, -1]),
    ...uuid('executionId'),
    ...optional('comment'),
  ],
  health: [
    ...commonRows,
    ...optional('runId'),
    ...required('skillId'),
    ...numbers('score', 'a number from 0 to 100', [-0.1, 100.1]),
    ...flag('deprecated', false),
  ],
  toolkit: [
    ...commonRows,
    ...optional('runId'),
    ...required('toolkit'),
    ...choices('operation', 'create, cache_hit, cache_miss, cleanup'),
    ...numbers('durationMs', 'a finite number >= 0', [-1]),
    ...flag('success', true),
    ...errorRows,
  ],
  metrics: [
    ...commonRows,
    ...optional('runId'),
    ...objects('values'),
    ['values', undefined, 'values must be an object, got undefined'],
    ['values', {}, 'values must hold 1 to 1000 numbers, got 0'],
    ['values', Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [at, at])), 'got 1001'],
    ['values', { loss: Number.NaN }, 'values."loss" must be a finite number, got NaN'],
    ['values', { loss: Number.NEGATIVE_INFINITY }, 'values."loss" must be a finite number, got -Infinity'],
    ['values', { ok: 1, loss: '1' }, 'values."loss" must be a finite number, got "1"'],
    ['values', { [`${'x'.repeat(256)}1`]: 1, [`${'x'.repeat(256)}2`]: 2 }, 'names that differ in their first 256'],
    ['values', { '': 1 }, 'a name must be a non-blank string, got ""'],
    ...numbers('step', 'a whole number >= 0', [-1, 0.5]),
  ],
  run: [
    ...commonRows,
    ...required('runId'),
    ...choices('state', 'started, finished, failed'),
    ...optional('name'),
    ...optional('project'),
    ...objects('config'),
    ...objects('summary'),
    ['tags', 'a', 'tags must be an array of strings, got "a"'],
    ['tags', {}, 'tags must be an array of strings, got an object'],
    ['tags', ['a', ''], 'tags[1] must be a non-blank string, got ""'],
    ['tags', [1], 'tags[0] must be a string, got 1'],
    // biome-ignore lint/suspicious/noSparseArray: that is what is tried
    ['tags', ['a', , 'c'], 'tags[1] must be a non-blank string, got undefined'],
    ['tags', Array.from({ length: 101 }, () => 't'), 'tags must hold at most 100 strings, got 101'],
  ],
  artifact: [
    ...commonRows,
    ...optional('runId'),
    ...required('name'),
    ...required('kind'),
    ...optional('path'),
    ['path', undefined, 'path or bytes must be given, and not both'],
    ['path', '', 'path or bytes must be given, and not both'],
    ['bytes', new Uint8Array(1), 'path or bytes must be given, and not both'],
  ],
};

describe.each(Object.entries(rows))('%s', (type, list) => {
  test.each(list.map(([field, value, message], at) => ({ at, field, value, message })))(
    '$at: $message',
    ({ field, value, message }) => {
      const error = refusalOf({ ...minimal[type as keyof typeof minimal], [field]: value });
      expect(error.code).toBe('INVALID_EVENT');
      expect(error.message).toContain(message);
      expect(error.problems).toHaveLength(1);
      expect(error.message).toBe(`${error.problems[0]?.field} ${error.problems[0]?.message}`);
    },
  );
});

describe('an artifact', () => {
  const artifact = { type: 'artifact', name: 'a', kind: 'k' };
  test.each([
    ['text', '"text"'],
    [[1], 'an array'],
    [new ArrayBuffer(1), 'an object'],
    [new Uint16Array(1), 'an object'],
    [Object.create(Uint8Array.prototype), 'an object'],
    [new Proxy(new Uint8Array(1), {}), 'an object'],
  ])('cannot have %o for bytes', (bytes, shown) => {
    expect(refusalOf({ ...artifact, bytes }).message).toBe(`bytes must be a Uint8Array, got ${shown}`);
  });

  test('of more than 8 MiB is too large, and says what to do', () => {
    const error = refusalOf({ ...artifact, bytes: bigBytes });
    expect(error.code).toBe('TOO_LARGE');
    expect(error.problems).toEqual([
      { field: 'bytes', message: 'must be at most 8388608 bytes, got 8388609: pass a path' },
    ]);
  });
});

test('usage in the words of a model, which would else count as none', () => {
  const { message } = refusalOf({
    ...minimal.execution,
    usage: { prompt_tokens: 5, completion_tokens: 1, detail: null },
  });
  expect(message).toMatch(
    /^usage must be inputTokens or the like \(see usageFrom\(\) of .*\), got "prompt_tokens, completion_tokens"$/,
  );
});

describe('what is no event at all', () => {
  test.each([
    [undefined, 'event must be an object, got undefined'],
    [null, 'event must be an object, got null'],
    ['execution', 'event must be an object, got "execution"'],
    [[minimal.execution], 'event must be an object, got an array'],
    [() => minimal.execution, 'event must be an object, got a function'],
    [{}, 'type must be one of execution, rating, health, toolkit, metrics, run, artifact, got undefined'],
    [{ type: 'Execution' }, 'artifact, got "Execution"'],
    [{ type: '__proto__' }, 'artifact, got "__proto__"'],
  ])('%o', (input, message) => {
    expect(refusalOf(input).message).toContain(message);
  });

  test('a long wrong value is not repeated at length', () => {
    expect(refusalOf({ type: 'x'.repeat(1e6) }).message.length).toBeLessThan(200);
  });
});
