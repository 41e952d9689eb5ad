import { join } from 'node:path';
import type {
  AnalyticsEvent,
  AnalyticsReader,
  ExecutionEvent,
  JsonValue,
  RunDetails,
  WindowOptions,
} from '@toolweaver/analytics-core';
import { execution, metrics, run } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { executions, now } from './support/arbitrary.ts';
import { histories, runIds } from './support/arbitrary-runs.ts';
import { testFolder } from './support/folder.ts';
import { hostileTexts } from './support/hostile.ts';
import { createStore, storeOfTest } from './support/in-process.ts';
import { open } from './support/open.ts';
import { executionsOf } from './support/oracle.ts';
import { difference } from './support/oracle-estimates.ts';
import { runDetails, settingsOf, versionStats } from './support/oracle-runs.ts';
import { expectSame } from './support/same.ts';

const numRuns = process.env['RELIABILITY'] === 'full' ? 50 : 12;
vi.setConfig({ testTimeout: 120_000 });

/** Estimates to a part in a million of what they and their intervals span, all else as `expectSame` does. */
function expectSameEstimates(actual: unknown, expected: unknown, where = 'answer'): void {
  if (!isObject(actual) || !isObject(expected)) {
    expectSame(actual, expected, where);
    return;
  }
  expect(Object.keys(actual).sort(), where).toEqual(Object.keys(expected).sort());
  if (!('low' in expected)) {
    for (const key of Object.keys(expected)) {
      expectSameEstimates(actual[key], expected[key], `${where}.${key}`);
    }
    return;
  }
  const { value, low, high } = expected as Record<string, number | null>;
  const tolerance = 1e-6 * (Math.abs(value ?? 0) + Math.abs((high ?? 0) - (low ?? 0))) + 1e-12;
  for (const [end, bound] of Object.entries({ value, low, high })) {
    const found = actual[end];
    const isSame =
      typeof bound === 'number' && typeof found === 'number'
        ? Math.abs(found - bound) <= tolerance
        : found === (bound ?? null);
    expect(isSame, `${where}.${end} is ${found}, should be ${bound}`).toBe(true);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

async function withStore(events: readonly AnalyticsEvent[], check: (reader: AnalyticsReader) => Promise<void>) {
  const store = await createStore();
  try {
    store.write(events);
    await check(store.reader);
  } finally {
    store.close();
  }
}

describe('compareRuns()', () => {
  test('agrees with a count by hand', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (events) => {
        const known = runIds.flatMap((runId) => runDetails(events, runId) ?? []);
        fc.pre(known.length > 1);
        const asked = known.slice(0, 4).map(({ runId }) => runId);
        await withStore(events, async (reader) => {
          const { runs, config, metrics: last, differences, ...others } = await reader.compareRuns(asked);
          expect(others).toEqual({});
          expectSame(runs, known.slice(0, 4));
          expectSame(config, differentSettings(known.slice(0, 4)));
          expectSame(last, lastMetrics(known.slice(0, 4)));
          const own = asked.map((runId) => executionsOf(events).filter((event) => event.runId === runId));
          const [first = [], ...more] = own;
          expectSameEstimates(
            differences,
            more.map((other) => difference(first, other)),
          );
        });
      }),
      { numRuns },
    );
  });

  test('finds the difference of many executions, sampled ones by their weight', async () => {
    const many = fc.uniqueArray(executions, { minLength: 10, maxLength: 80, selector: ({ id }) => id });
    await fc.assert(
      fc.asyncProperty(many, many, async (one, all) => {
        const other = all.filter(({ id }) => one.every((event) => event.id !== id));
        const events: ExecutionEvent[] = [
          ...one.map((event) => ({ ...event, runId: 'one' })),
          ...other.map((event) => ({ ...event, runId: 'other' })),
        ];
        await withStore(events, async (reader) => {
          const { differences } = await reader.compareRuns(['one', 'other']);
          expectSameEstimates(differences, [difference(one, other)]);
        });
      }),
      { numRuns },
    );
  });

  test('names settings by their paths, where all do not have the same', async () => {
    const { reader, write } = await storeOfTest();
    write([
      run({
        runId: 'a',
        config: {
          model: { name: 'large', size: 1 },
          same: { x: [1, { a: 1, b: 2 }] },
          list: [1, 2],
          odd: { a: [], b: [{ c: 1 }] },
        },
      }),
      run({
        runId: 'b',
        config: {
          model: { name: 'small' },
          same: { x: [1, { b: 2, a: 1 }] },
          list: [2, 1],
          odd: { a: {}, b: [[['c', 1]]] },
        },
      }),
      run({ runId: 'c', config: { model: 'none', 'model.name': 'dotted', '': { '[0]': {} } } }),
    ]);
    const { config } = await reader.compareRuns(['a', 'b', 'c']);
    expect(config).toEqual({
      list: [[1, 2], [2, 1], null],
      model: [null, null, 'none'],
      'model.name': ['large', 'small', null],
      'model.size': [1, null, null],
      'odd.a': [[], {}, null],
      'odd.b': [[{ c: 1 }], [[['c', 1]]], null],
      'same.x': [[1, { a: 1, b: 2 }], [1, { b: 2, a: 1 }], null],
      '[""]["[0]"]': [null, null, {}],
      '["model.name"]': [null, null, 'dotted'],
    });
    expect((await reader.compareRuns(['a', 'a'])).config).toEqual({});
  });

  test('through threads has records that inherit nothing', async () => {
    const backend = await open({ path: join(testFolder(), 'analytics.db') });
    await backend.write([
      run({ runId: 'a', config: JSON.parse('{"__proto__": 1}') }),
      metrics({ runId: 'a', values: JSON.parse('{"__proto__": 0.5}') }),
      run({ runId: '__proto__', config: { constructor: { name: 'x' } } }),
      metrics({ runId: '__proto__', values: { constructor: 1 } }),
    ]);
    const { config, metrics: last, runs, differences } = await backend.reader.compareRuns(['a', '__proto__']);
    expect(Object.getPrototypeOf(config)).toBeNull();
    expect(Object.entries(config)).toEqual([
      ['__proto__', [1, null]],
      ['constructor.name', [null, 'x']],
    ]);
    expect(Object.getPrototypeOf(last)).toBeNull();
    expect(Object.entries(last)).toEqual([
      ['__proto__', [0.5, null]],
      ['constructor', [null, 1]],
    ]);
    expect(runs.map(({ runId }) => runId)).toEqual(['a', '__proto__']);
    const unknown = { value: null, low: null, high: null };
    expect(differences).toEqual([{ successRate: unknown, averageLatencyMs: unknown, averageCostUsd: unknown }]);
  });

  test('names every run that is unknown', async () => {
    const { reader, write } = await storeOfTest();
    write([run({ runId: 'a' }), execution({ name: 'x' })]);
    await expect(reader.compareRuns(['x', 'a', ...hostileTexts, 'x'])).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      problems: [
        { field: 'runIds[0]', message: 'must be a run that was recorded, got "x"' },
        ...hostileTexts.map((_, at) => ({ field: `runIds[${at + 2}]` })),
        { field: `runIds[${hostileTexts.length + 2}]` },
      ],
    });
  });
});

function differentSettings(runs: readonly RunDetails[]): Record<string, (JsonValue | null)[]> {
  const all = runs.map(({ config }) => settingsOf(config));
  const entries = [...new Set(all.flatMap((known) => [...known.keys()]))].map(
    (path) => [path, all.map((known) => known.get(path) ?? null)] as const,
  );
  const isSame = (one: JsonValue | null, other: JsonValue | null): boolean => {
    try {
      expect(one).toEqual(other);
      return true;
    } catch {
      return false;
    }
  };
  return Object.fromEntries(entries.filter(([, values]) => values.some((value) => !isSame(value, values[0] ?? null))));
}

function lastMetrics(runs: readonly RunDetails[]): Record<string, (number | null)[]> {
  const names = new Set(runs.flatMap(({ metrics: last }) => Object.keys(last)));
  return Object.fromEntries(
    Array.from(names, (name) => [
      name,
      runs.map(({ metrics: last }) => (Object.hasOwn(last, name) ? (last[name] as number) : null)),
    ]),
  );
}

describe('compareVersions()', () => {
  test('agrees with a count by hand', async () => {
    vi.useFakeTimers({ now, toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const day = 86_400_000;
    const skills = fc
      .uniqueArray(fc.tuple(executions, fc.constantFrom('1', '1', '2', '2', '1.0', undefined)), {
        maxLength: 60,
        selector: ([{ id }]) => id,
      })
      .map((all) =>
        all.map(([{ version: _, ...event }, version]): ExecutionEvent => {
          const kind = event.kind === 'tool' ? 'tool' : 'skill';
          return {
            ...event,
            kind,
            name: event.name === 'é' ? 'é' : 'parse',
            ...(version !== undefined && { version }),
          };
        }),
      );
    const windows: [WindowOptions, number, number][] = [
      [{}, -Infinity, Infinity],
      [{ days: 2 }, now + 1 - 2 * day, now + 1],
      [{ from: now - 7 * day, to: now - day }, now - 7 * day, now - day],
      [{ to: 0 }, -Infinity, 0],
    ];
    await fc.assert(
      fc.asyncProperty(skills, async (events) => {
        await withStore(events, async (reader) => {
          for (const [options, from, to] of windows) {
            for (const versions of [
              ['1', '2'],
              ['2', 'nobody'],
            ] as const) {
              const [one, other] = versions.map((version) => versionStats(events, 'parse', version, from, to));
              expectSameEstimates(await reader.compareVersions('parse', versions, options), {
                kind: 'skill',
                name: 'parse',
                versions: [one?.stats, other?.stats],
                difference: difference(one?.own ?? [], other?.own ?? []),
              });
            }
          }
        });
      }),
      { numRuns },
    );
  });

  test('says with what it has what it can', async () => {
    const { reader, write } = await storeOfTest();
    const unknown = { value: null, low: null, high: null };
    write([execution({ name: 'parse', version: '1', latencyMs: 10 })]);
    const [one, none] = (await reader.compareVersions('parse', ['1', '2'])).versions;
    expect(one).toMatchObject({
      executions: 1,
      successRate: 1,
      averageLatencyMs: { value: 10, low: null, high: null },
    });
    expect(one.successRateEstimate.low).toBeCloseTo(0.2065, 4);
    expect(none).toEqual({
      version: '2',
      executions: 0,
      successes: 0,
      failures: 0,
      successRate: null,
      successRateEstimate: unknown,
      latencyMs: { average: null, min: null, max: null, p50: null, p95: null, p99: null },
      averageLatencyMs: unknown,
      averageCostUsd: unknown,
    });
  });

  test('takes sampling for what it is: ten thinned out to one are one that counts ten times', async () => {
    const { reader, write } = await storeOfTest();
    const some = (version: string, weight?: number): ExecutionEvent[] =>
      Array.from({ length: 20 }, (_, at) =>
        execution({
          name: 'parse',
          version,
          success: at % 4 > 0,
          latencyMs: 100 + at * (version.startsWith('1') ? 1 : 2),
          ...(weight !== undefined && { weight }),
        }),
      );
    write([...some('1'), ...some('2'), ...some('1s', 10), ...some('2s', 10)]);
    const plain = await reader.compareVersions('parse', ['1', '2']);
    const sampled = await reader.compareVersions('parse', ['1s', '2s']);
    expect(sampled.versions.map((side) => side.executions)).toEqual([200, 200]);
    expectSameEstimates(sampled.difference, plain.difference);
    expect(plain.difference.averageLatencyMs.value).toBeCloseTo(9.5, 9);
  });

  test('finds any text as a version', async () => {
    const { reader, write } = await storeOfTest();
    write(hostileTexts.map((text) => execution({ name: text, version: text })));
    for (const text of hostileTexts) {
      const { name, versions } = await reader.compareVersions(text, [text, `?${text}`]);
      expect([name, ...versions.map((side) => side.executions)]).toEqual([text, 1, 0]);
    }
  });
});

describe('wrong options are refused, all at once', () => {
  const wrong: [string, (reader: AnalyticsReader) => Promise<unknown>, string[]][] = [
    ['compareRuns', (it) => it.compareRuns(['a']), ['runIds']],
    ['compareRuns', (it) => it.compareRuns('a,b' as never), ['runIds']],
    ['compareRuns', (it) => it.compareRuns(new Array(101).fill('a')), ['runIds']],
    [
      'compareRuns',
      (it) => it.compareRuns(['a', '', 5 as never, undefined as never]),
      ['runIds[1]', 'runIds[2]', 'runIds[3]'],
    ],
    [
      'compareVersions',
      (it) => it.compareVersions('', ['1', ''], { days: 1, to: 1, kind: 'skills' as never, orgId: '' }),
      ['versions[1]', 'name', 'kind', 'orgId', 'days'],
    ],
    ['compareVersions', (it) => it.compareVersions('parse', ['1'] as never, { from: 2, to: 1 }), ['versions', 'from']],
  ];
  test.each(wrong)('%s', async (_method, ask, fields) => {
    const { reader } = await storeOfTest();
    const error = await ask(reader).then(
      () => undefined,
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ name: 'AnalyticsError', code: 'INVALID_CONFIG' });
    expect(error.problems.map(({ field }: { field: string }) => field).sort()).toEqual(fields.toSorted());
  });
});
