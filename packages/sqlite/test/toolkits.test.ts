import { join } from 'node:path';
import {
  type AnalyticsEvent,
  type AnalyticsReader,
  createAnalytics,
  type ToolInvocationFilter,
  type ToolkitEvent,
  type ToolkitFilter,
  type ToolkitTraceFilter,
} from '@toolweaver/analytics-core';
import { execution, run, toolkit } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { at, executions, now } from './support/arbitrary.ts';
import { testFolder } from './support/folder.ts';
import { hostileTexts } from './support/hostile.ts';
import { createStore, storeOfTest } from './support/in-process.ts';
import { open } from './support/open.ts';
import { toolInvocations, toolkitMetrics, toolkitTraces } from './support/oracle-toolkits.ts';
import { expectSame } from './support/same.ts';

const numRuns = process.env['RELIABILITY'] === 'full' ? 200 : 25;

const toolkitEvents: fc.Arbitrary<ToolkitEvent> = fc
  .record({
    id: fc.noBias(fc.uuid()),
    at,
    runId: fc.constantFrom(undefined, 'r1', 'r2'),
    weight: fc.constantFrom(undefined, undefined, 2.25, 4),
    toolkit: fc.constantFrom('web', 'Web', 'parse', '__proto__', '🧶'),
    operation: fc.constantFrom('create', 'cache_hit', 'cache_miss', 'cleanup'),
    durationMs: fc.constantFrom(0, 0.5, 1200),
    success: fc.boolean(),
    error: fc.constantFrom(undefined, { type: 'IoError' }, { type: 'E', message: 'late' }),
    attributes: fc.constantFrom(undefined, {}, { error_type: 'own', a: [1] }, JSON.parse('{"__proto__": {"b": 1}}')),
  })
  .map((fields) => known({ type: 'toolkit', ...fields }));

const histories = fc
  .tuple(
    fc.array(fc.tuple(executions, fc.boolean(), fc.constantFrom(undefined, 0, 7, 2 ** 40)), { maxLength: 50 }),
    fc.array(toolkitEvents, { maxLength: 30 }),
  )
  .map(([calls, events]): AnalyticsEvent[] => {
    const tools = calls.map(([event, isTool, bytes]) =>
      known<AnalyticsEvent>({
        ...event,
        ...(isTool && { kind: 'tool' }),
        inputBytes: bytes,
        outputBytes: bytes,
        attributes: bytes === 7 ? { q: 'é' } : undefined,
      }),
    );
    // Shrinking makes ids alike, of which only the first would be written.
    return [...new Map([...tools, ...events].map((event) => [event.id, event])).values()];
  });

function known<E>(fields: object): E {
  return Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined)) as E;
}

const day = 86_400_000;
const scopes: ToolkitFilter[] = [
  {},
  { runId: 'r1' },
  { from: now - day },
  { runId: 'r2', to: now - day + 1 },
  { from: now - 7 * day, to: now - day },
  { from: now, to: now },
  { runId: 'nobody' },
];

async function forAny(
  check: (reader: AnalyticsReader, events: readonly AnalyticsEvent[]) => Promise<void>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(histories, async (events) => {
      const store = await createStore();
      try {
        store.write(events);
        await check(store.reader, events);
      } finally {
        store.close();
      }
    }),
    { numRuns },
  );
}

describe('agrees with a count by hand', () => {
  test('getToolkitMetrics()', async () => {
    await forAny(async (reader, events) => {
      for (const scope of scopes) {
        expectSame(await reader.getToolkitMetrics(scope), toolkitMetrics(events, scope));
      }
    });
  });

  test('listToolkitTraces()', async () => {
    const filters: ToolkitTraceFilter[] = [
      ...scopes,
      { operation: 'cache_hit' },
      { toolkit: '__proto__' },
      { toolkit: 'web', operation: 'create', runId: 'r1' },
      { limit: 3 },
    ];
    await forAny(async (reader, events) => {
      for (const filter of filters) {
        const traces = toolkitTraces(events, filter);
        const expected = { execution_id: filter.runId ?? null, count: traces.length, traces };
        expect(await reader.listToolkitTraces(filter)).toEqual(expected);
      }
    });
  });

  test('listToolInvocations()', async () => {
    const filters: ToolInvocationFilter[] = [
      ...scopes,
      { toolkit: 'web' },
      { toolName: 'parse', success: false },
      { toolkit: 'parse', toolName: '__proto__', runId: 'r2', success: true },
      { limit: 3 },
    ];
    await forAny(async (reader, events) => {
      for (const filter of filters) {
        const traces = toolInvocations(events, filter);
        const expected = { execution_id: filter.runId ?? null, count: traces.length, traces };
        expect(await reader.listToolInvocations(filter)).toEqual(expected);
      }
    });
  });
});

// The response that the document on toolkits shows, word for word.
const documented = {
  execution_id: 'exec_123',
  toolkit_lifecycle: {
    total_created: 5,
    cache_hit_rate: 0.75,
  },
  tool_invocations: {
    total_calls: 50,
    successful_calls: 48,
    failed_calls: 2,
    success_rate: 0.96,
    avg_duration_ms: 125.5,
    total_duration_ms: 6275.0,
  },
  by_toolkit: {
    SerperToolkit: {
      calls: 20,
      successful: 20,
      failed: 0,
      avg_duration_ms: 150.0,
    },
  },
  by_tool: {
    'SerperToolkit.search_web': {
      calls: 15,
      successful: 15,
      avg_duration_ms: 145.0,
    },
  },
};

describe('the documented example', () => {
  async function example(): Promise<AnalyticsReader> {
    const backend = await open({ path: join(testFolder(), 'analytics.db') });
    const analytics = createAnalytics({ backends: [backend] });
    const calls = (toolkitName: string, toolName: string, count: number, totalMs: number, failures = 0): void => {
      for (let at = 0; at < count; at += 1) {
        const error = at < failures ? { type: at % 2 === 0 ? 'TimeoutError' : 'ValueError' } : undefined;
        analytics.recordToolInvocation({
          toolkit: toolkitName,
          toolName,
          success: at >= failures,
          // In halves, which add up to the total without a rounding.
          latencyMs: totalMs / count + (at % 2 === 0 ? -0.5 : 0.5) * Number(at < count - (count % 2)),
          error,
          inputBytes: 10,
          outputBytes: 1000,
        });
      }
    };
    await analytics.startRun({ id: 'exec_123' }).within(() => {
      for (const name of ['SerperToolkit', 'FileToolkit', 'CalculatorToolkit', 'E2BToolkit', 'McpToolkit']) {
        analytics.recordToolkitEvent({ toolkit: name, operation: 'create', durationMs: 12, success: true });
      }
      for (const operation of ['cache_hit', 'cache_miss', 'cache_hit', 'cache_hit', 'cleanup'] as const) {
        analytics.recordToolkitEvent({ toolkit: 'SerperToolkit', operation, durationMs: 0, success: true });
      }
      calls('SerperToolkit', 'search_web', 15, 15 * 145);
      calls('SerperToolkit', 'search_news', 5, 20 * 150 - 15 * 145);
      calls('FileToolkit', 'read_file', 20, 1275, 2);
      calls('CalculatorToolkit', 'add', 10, 2000);
    });
    // What belongs to another run, or is no tool, is none of it.
    analytics.recordToolInvocation({ toolName: 'search_web', toolkit: 'SerperToolkit', success: true, latencyMs: 1 });
    analytics.recordSkillExecution({ skillId: 'search_web', success: true, runId: 'exec_123', latencyMs: 1 });
    analytics.recordToolkitEvent({ toolkit: 'SerperToolkit', operation: 'create', durationMs: 1, success: true });
    const { ok } = await analytics.flush();
    expect(ok).toBe(true);
    return backend.reader;
  }

  test('comes back with the numbers that the document shows', async () => {
    const reader = await example();
    const found = JSON.parse(JSON.stringify(await reader.getToolkitMetrics({ runId: 'exec_123' })));
    expect(found).toMatchObject(documented);
    // Nothing is beside it at the top, and of tools and toolkits the same is said of all.
    expect(Object.keys(found)).toEqual(Object.keys(documented));
    expect(found.toolkit_lifecycle).toEqual(documented.toolkit_lifecycle);
    expect(found.tool_invocations).toEqual(documented.tool_invocations);
    expect(Object.keys(found.by_toolkit)).toEqual(['CalculatorToolkit', 'FileToolkit', 'SerperToolkit']);
    expect(found.by_toolkit.FileToolkit).toEqual({
      calls: 20,
      successful: 18,
      failed: 2,
      avg_duration_ms: 63.75,
      total_duration_ms: 1275,
    });
    expect(found.by_tool['SerperToolkit.search_news']).toEqual({
      toolkit: 'SerperToolkit',
      tool: 'search_news',
      calls: 5,
      successful: 5,
      failed: 0,
      avg_duration_ms: 165,
      total_duration_ms: 825,
    });
  });

  test('answers the recipes: success by toolkit, slowest calls, failures by type, cache', async () => {
    const reader = await example();
    const runId = 'exec_123';
    const { by_toolkit, tool_invocations } = await reader.getToolkitMetrics({ runId });
    expect(tool_invocations.success_rate).toBe(0.96);
    expect(Object.entries(by_toolkit).map(([name, { successful, calls }]) => [name, successful / calls])).toEqual([
      ['CalculatorToolkit', 1],
      ['FileToolkit', 0.9],
      ['SerperToolkit', 1],
    ]);

    const invocations = (await reader.listToolInvocations({ runId })).traces;
    expect(invocations).toHaveLength(50);
    const slowest = invocations
      .toSorted((one, other) => (other.duration_ms ?? 0) - (one.duration_ms ?? 0))
      .slice(0, 10);
    expect(new Set(slowest.map((trace) => `${trace.toolkit_class}.${trace.tool_name}`))).toEqual(
      new Set(['CalculatorToolkit.add']),
    );
    // The same without reading all of them.
    const direct = await reader.listExecutions({ runId, kind: 'tool', orderBy: 'latencyMs', limit: 10 });
    expect(direct.executions.map(({ latencyMs }) => latencyMs)).toEqual(slowest.map(({ duration_ms }) => duration_ms));

    const failed = (await reader.listToolInvocations({ runId, limit: 1000 })).traces.filter(({ success }) => !success);
    const types = Map.groupBy(failed, ({ metadata }) => String(metadata['error_type'] ?? 'Unknown'));
    expect(Array.from(types, ([type, some]) => [type, some.length]).sort()).toEqual([
      ['TimeoutError', 1],
      ['ValueError', 1],
    ]);
    expect((await reader.listToolInvocations({ runId, success: false })).traces).toEqual(failed);

    const { traces } = await reader.listToolkitTraces({ runId });
    const hits = traces.filter(({ operation }) => operation === 'cache_hit').length;
    const misses = traces.filter(({ operation }) => operation === 'cache_miss').length;
    expect(hits / (hits + misses)).toBe(0.75);
    expect((await reader.listToolkitTraces({ runId, operation: 'create' })).count).toBe(5);
    expect((await reader.listToolkitTraces({ runId, toolkit: 'SerperToolkit' })).count).toBe(6);
    expect((await reader.listToolkitTraces({ runId, limit: 2 })).traces).toEqual(traces.slice(0, 2));
    expect((await reader.listToolInvocations({ runId, toolkit: 'SerperToolkit', toolName: 'search_web' })).count).toBe(
      15,
    );
  });
});

test('traces have the fields that the documented interface lists', async () => {
  const { reader, write } = await storeOfTest();
  const id = '01940000-0000-7000-8000-0000000000ff';
  const moment = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
  write([
    toolkit({ id, at: moment, runId: 'r', success: false, error: { type: 'IoError', message: 'busy' } }),
    execution({
      id,
      at: moment,
      runId: 'r',
      kind: 'tool',
      name: 'read',
      toolkit: 'files',
      inputBytes: 3,
      outputBytes: 4,
    }),
  ]);
  expect(await reader.listToolkitTraces({ runId: 'r' })).toEqual({
    execution_id: 'r',
    count: 1,
    traces: [
      {
        trace_id: id,
        execution_id: 'r',
        timestamp: '2026-01-02T03:04:05.006Z',
        operation: 'create',
        toolkit_class: 'files',
        duration_ms: 5,
        success: false,
        error: 'busy',
        metadata: { error_type: 'IoError' },
      },
    ],
  });
  expect(await reader.listToolInvocations()).toEqual({
    execution_id: null,
    count: 1,
    traces: [
      {
        trace_id: id,
        execution_id: 'r',
        toolkit_class: 'files',
        tool_name: 'read',
        invoked_at: '2026-01-02T03:04:04.906Z',
        duration_ms: 100,
        input_size_bytes: 3,
        output_size_bytes: 4,
        success: true,
        error: null,
        metadata: {},
      },
    ],
  });
});

describe('names', () => {
  test('of any kind are only ever themselves', async () => {
    const { reader, write, db } = await storeOfTest();
    const tables = db.prepare('SELECT name, sql FROM sqlite_schema').all();
    write(
      hostileTexts.flatMap((text) => [
        run({ runId: text }),
        execution({ runId: text, kind: 'tool', name: text, toolkit: text }),
        toolkit({ runId: text, toolkit: text }),
      ]),
    );
    for (const text of hostileTexts) {
      const { by_toolkit, by_tool, toolkit_lifecycle } = await reader.getToolkitMetrics({ runId: text });
      expect(Object.keys(by_toolkit)).toEqual([text]);
      expect(by_tool[`${text}.${text}`]).toMatchObject({ toolkit: text, tool: text, calls: 1 });
      expect(toolkit_lifecycle.total_created).toBe(1);
      expect((await reader.listToolkitTraces({ toolkit: text })).traces).toMatchObject([{ toolkit_class: text }]);
      const asked = { toolkit: text, toolName: text };
      expect((await reader.listToolInvocations(asked)).traces).toMatchObject([{ tool_name: text }]);
      expect((await reader.listToolInvocations({ ...asked, runId: `?${text}` })).count).toBe(0);
    }
    expect(Object.keys((await reader.getToolkitMetrics()).by_tool)).toHaveLength(hostileTexts.length);
    expect(db.prepare('SELECT name, sql FROM sqlite_schema').all()).toEqual(tables);
  });

  test('that would share a key with their dots have keys of their own', async () => {
    const { reader, write } = await storeOfTest();
    const call = (toolkitName: string | undefined, name: string) =>
      execution({ kind: 'tool', name, ...(toolkitName !== undefined && { toolkit: toolkitName }) });
    write([call('a', 'b.c'), call('a.b', 'c'), call('a.b', 'c'), call(undefined, 'a.b.c'), call(undefined, 'c')]);
    const { by_tool, by_toolkit } = await reader.getToolkitMetrics();
    const found = Object.entries(by_tool).map(([key, { toolkit: name, tool, calls }]) => [key, name, tool, calls]);
    expect(found).toEqual([
      ['a.b.c', null, 'a.b.c', 1],
      ['c', null, 'c', 1],
      ['["a","a.b.c"]', 'a', 'b.c', 1],
      ['["a.b","a.b.c"]', 'a.b', 'c', 2],
    ]);
    expect(Object.entries(by_toolkit).map(([name, { calls }]) => [name, calls])).toEqual([
      ['', 2],
      ['a', 1],
      ['a.b', 2],
    ]);
  });

  test('are keys of records that inherit nothing', async () => {
    const backend = await open({ path: join(testFolder(), 'analytics.db') });
    await backend.write([
      execution({ kind: 'tool', name: '__proto__' }),
      execution({ kind: 'tool', name: 'constructor', toolkit: '__proto__' }),
    ]);
    const { by_tool, by_toolkit } = await backend.reader.getToolkitMetrics();
    expect([by_tool, by_toolkit].map(Object.getPrototypeOf)).toEqual([null, null]);
    expect(Object.keys(by_tool)).toEqual(['__proto__', '__proto__.constructor']);
    expect(Object.entries(by_toolkit)).toMatchObject([
      ['', { calls: 1 }],
      ['__proto__', { calls: 1 }],
    ]);
  });
});

describe('wrong options are refused, all at once', () => {
  const wrong: [string, (reader: AnalyticsReader) => Promise<unknown>, string[]][] = [
    ['getToolkitMetrics', (it) => it.getToolkitMetrics({ runId: '', from: 2, to: 1 }), ['runId', 'from']],
    [
      'listToolkitTraces',
      (it) =>
        it.listToolkitTraces({
          runId: 5 as never,
          operation: 'destroy' as never,
          toolkit: '',
          to: Number.NaN,
          limit: 1001,
        }),
      ['runId', 'operation', 'toolkit', 'to', 'limit'],
    ],
    [
      'listToolInvocations',
      (it) => it.listToolInvocations({ toolkit: null as never, toolName: '', success: 1 as never, limit: 0.5 }),
      ['toolkit', 'toolName', 'success', 'limit'],
    ],
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
