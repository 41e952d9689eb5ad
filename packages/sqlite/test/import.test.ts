import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  AnalyticsError,
  type AnalyticsEvent,
  type Backend,
  createAnalytics,
  type ErrorCode,
  type ExecutionInput,
  isAnalyticsError,
  memory,
} from '@toolweaver/analytics-core';
import { type ImportOptions, type ImportSource, importEvents, type Rejection } from '@toolweaver/analytics-sqlite';
import { execution, metrics } from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';
import { jsonlSplitter } from '../src/transfer/jsonl.ts';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';
import { query } from './support/rows.ts';

const at = 1_700_000_000_000;
const call = { type: 'execution', kind: 'llm', name: 'answer', success: true, at } as const;
const jsonl = (...rows: unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

test('a line that never ends is not kept, however small its pieces; the next one is', () => {
  const { push, end } = jsonlSplitter(8);
  expect([
    ...push('"1234'),
    ...push('5'),
    ...push('6'),
    ...push('789"\n"12'),
    ...push('34'),
    ...push('56"'),
    ...end(),
  ]).toEqual([
    { line: 1, length: 0, problem: 'is longer than 8 characters' },
    { line: 2, length: 8, value: '"123456"' },
  ]);
});

async function refusal(
  source: ImportSource,
  options?: ImportOptions,
  target: Backend = memory(),
): Promise<{ code: ErrorCode; fields: string[]; message: string; cause: unknown }> {
  const error = await importEvents(target, source, options).then(
    () => {
      throw new Error('it was imported');
    },
    (thrown) => thrown,
  );
  if (!isAnalyticsError(error)) {
    throw error;
  }
  const { code, message, problems, cause } = error;
  return { code, fields: problems.map(({ field }) => field), message, cause };
}

/** A memory that fails to write the batches it is told to. */
function failing(errorOf: (events: readonly AnalyticsEvent[], call: number) => AnalyticsError | undefined): Backend & {
  readonly events: readonly AnalyticsEvent[];
  readonly calls: number;
} {
  const inner = memory();
  let calls = 0;
  return {
    ...inner,
    get events() {
      return inner.events;
    },
    get calls() {
      return calls;
    },
    async write(events) {
      calls += 1;
      const error = errorOf(events, calls);
      if (error !== undefined) {
        throw error;
      }
      await inner.write(events);
    },
  };
}

test('two imports into one database at once do not meet', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const reports = await Promise.all(
    ['a', 'b'].map((runId) =>
      importEvents(
        backend,
        Array.from({ length: 4_000 }, (_, step) => metrics({ runId, step, values: { [runId]: step } })),
      ),
    ),
  );
  expect(reports.map(({ imported }) => imported)).toEqual([4_000, 4_000]);
  const stored =
    'SELECT run_id, name, count(*) AS rows, sum(value) AS sum FROM metrics GROUP BY run_id, name ORDER BY 1';
  const sum = (4_000 * 3_999) / 2;
  expect(query(path, stored)).toEqual(['a', 'b'].map((name) => ({ run_id: name, name, rows: 4_000, sum })));
});

describe('rows', () => {
  test('of a list or an iterable are events', async () => {
    const target = memory();
    const given = [execution(), execution(), execution()];
    async function* later(): AsyncGenerator<AnalyticsEvent> {
      yield* given;
    }
    const nothing = { skipped: 0, rejected: 0, rejections: [], bytes: 0 };
    expect(await importEvents(target, given)).toEqual({ read: 3, imported: 3, ...nothing });
    expect(target.events).toEqual(given);
    expect(await importEvents(target, later())).toEqual({ read: 3, imported: 3, ...nothing });
    expect(await importEvents(target, Readable.from(given))).toEqual({ read: 3, imported: 3, ...nothing });
    expect(target.events).toEqual(given);
  });

  test('of text are lines, whatever it comes in', async () => {
    const text = `\ufeff${jsonl(call)}\r\n  \n${jsonl({ ...call, name: 'é' }).trimEnd()}`;
    const bytes = Buffer.from(text);
    const sources: ImportSource[] = [
      [text],
      [...text],
      Array.from(bytes, (byte) => Uint8Array.of(byte)),
      Readable.from([bytes], { objectMode: false }),
      new Blob([bytes]).stream(),
    ];
    for (const source of sources) {
      const target = memory();
      expect(await importEvents(target, source, { format: 'jsonl' })).toMatchObject({
        read: 2,
        imported: 2,
        bytes: bytes.length,
      });
      expect(target.events.map((event) => event.type === 'execution' && event.name)).toEqual(['answer', 'é']);
    }
  });

  test('that are wrong are left out, and reported with line, field and reason', async () => {
    const target = memory();
    const told: Rejection[] = [];
    const text = [
      jsonl(call),
      '{"type": "execution",\n',
      '\n',
      jsonl({ ...call, latencyMs: -1 }),
      jsonl({ ...call, at: undefined }),
      '[1]\nnull\n7\n',
      jsonl({ ...call, id: 'x' }),
      jsonl({ ...call, name: 'last' }),
    ];
    const report = await importEvents(target, text, { format: 'jsonl', onReject: (rejection) => told.push(rejection) });
    expect(report).toMatchObject({ read: 9, imported: 2, skipped: 0, rejected: 7 });
    expect(report.rejections).toEqual([
      { line: 2, field: 'row', reason: expect.stringContaining('is no JSON') },
      { line: 4, field: 'latencyMs', reason: 'must be a finite number >= 0, got -1' },
      { line: 5, field: 'at', reason: 'must be given' },
      { line: 6, field: 'event', reason: 'must be an object, got an array' },
      { line: 7, field: 'event', reason: 'must be an object, got null' },
      { line: 8, field: 'event', reason: 'must be an object, got 7' },
      { line: 9, field: 'id', reason: 'must be a UUID, got "x"' },
    ]);
    expect(told).toEqual(report.rejections);
    expect(target.events).toHaveLength(2);
  });

  test('with a field that no such event has are left out: what it says would be lost', async () => {
    const target = memory();
    const text = jsonl({ ...call, latency_ms: 12 }, { ...call, usage: { inputTokens: 1, input_tokens: 2 } }, call);
    const { imported, rejections } = await importEvents(target, [text], { format: 'jsonl' });
    expect(imported).toBe(1);
    expect(rejections).toEqual([
      { line: 1, field: 'latency_ms', reason: expect.stringContaining('is not a field of such an event') },
      { line: 2, field: 'usage.input_tokens', reason: expect.stringContaining('is not a field of such an event') },
    ]);
  });

  test('that are wrong are all counted, and the first hundred kept', async () => {
    const told: Rejection[] = [];
    const rows = Array.from({ length: 250 }, () => ({}));
    const report = await importEvents(memory(), rows, { onReject: (rejection) => told.push(rejection) });
    expect(report).toMatchObject({ read: 250, imported: 0, rejected: 250 });
    expect(report.rejections).toEqual(told.slice(0, 100));
    expect(told).toHaveLength(250);
  });

  test('that are wrong end a strict import', async () => {
    const target = memory();
    const rows = [...Array.from({ length: 1500 }, () => execution()), { ...call, attempt: 0 }, execution()];
    expect(await refusal(rows, { strict: true }, target)).toMatchObject({
      code: 'INVALID_EVENT',
      fields: ['attempt'],
      message:
        'line 1501: attempt must be a whole number >= 1, got 0; 1000 events were imported; import the same source again to go on: a database adds none of them twice',
    });
    expect(target.events).toHaveLength(1000);
  });
});

describe('CSV', () => {
  const csv = (text: string, options: ImportOptions = {}): ReturnType<typeof importEvents> =>
    importEvents(memory(), [text], { format: 'csv', ...options });

  test('of any form is mapped', async () => {
    const target = memory();
    const seen: unknown[] = [];
    const text = 'When,"What, exactly",__proto__\r\n1000,"a\nb",x\r\n2000,skip,\r\n3000,boom,\r\n4000,c';
    const map = (row: Readonly<Record<string, string>>, line: number): ExecutionInput | undefined => {
      seen.push([line, Object.entries(row)]);
      if (row['What, exactly'] === 'boom') {
        throw new Error('of the caller');
      }
      return row['What, exactly'] === 'skip'
        ? undefined
        : { type: 'execution', kind: 'tool', name: row['What, exactly'] ?? '', success: true, at: Number(row['When']) };
    };
    expect(await importEvents(target, [text], { format: 'csv', map })).toMatchObject({
      read: 4,
      imported: 1,
      skipped: 1,
      rejected: 2,
      rejections: [
        { line: 5, field: 'row', reason: 'of the caller' },
        { line: 6, field: 'row', reason: 'has 2 cells, the header 3' },
      ],
    });
    expect(seen[0]).toEqual([
      2,
      [
        ['When', '1000'],
        ['What, exactly', 'a\nb'],
        ['__proto__', 'x'],
      ],
    ]);
    expect(target.events).toMatchObject([{ name: 'a\ufffdb', at: 1000 }]);
  });

  test('by a map that throws is left out, with what it threw, whatever that is', async () => {
    const thrown = [new RangeError('no such column'), 'no such column', Object.create(null)];
    const map = (): never => {
      throw thrown.shift();
    };
    const rejected = await importEvents(memory(), ['a\n1\n2\n3\n'], { format: 'csv', map });
    expect(rejected.rejections.map(({ reason }) => reason)).toEqual([
      'no such column',
      'no such column',
      'object was thrown',
    ]);
  });

  test('by a map that is async is refused, and hurts nobody', async () => {
    const map = (async () => {
      throw new Error('of the caller');
    }) as never;
    expect(await importEvents(memory(), ['a\n1\n'], { format: 'csv', map })).toMatchObject({
      imported: 0,
      rejections: [{ line: 2, field: 'row', reason: 'map must not be async' }],
    });
  });

  test('with our header needs no map, nor all of our columns', async () => {
    const target = memory();
    const text = `timestamp,kind,name,success,latency_ms,cache_hit,input_tokens,cost_usd,attributes,weight
2023-11-16 18:15:46.680,llm,'=x,1,1.5e2,0,7,0.25,"{""a"":[1]}",1
2023-11-16T20:15:47+02:00,tool,'quoted',FALSE,,,,,,2.5
`;
    expect(await importEvents(target, [text], { format: 'csv' })).toMatchObject({ imported: 2, rejected: 0 });
    const [id, other] = target.events.map((event) => event.id);
    expect(target.events.map((event) => JSON.parse(JSON.stringify(event)))).toEqual([
      {
        type: 'execution',
        id,
        at: Date.UTC(2023, 10, 16, 18, 15, 46, 680),
        kind: 'llm',
        name: '=x',
        success: true,
        latencyMs: 150,
        cacheHit: false,
        usage: { inputTokens: 7, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 },
        cost: { nanoUsd: 250_000_000, source: 'provider' },
        attributes: { a: [1] },
      },
      {
        type: 'execution',
        id: other,
        at: Date.UTC(2023, 10, 16, 18, 15, 47),
        kind: 'tool',
        name: "'quoted'",
        success: false,
        weight: 2.5,
      },
    ]);
  });

  test('a failure may have a message and no type', async () => {
    const target = memory();
    await importEvents(target, ['at,kind,name,success,error_message\n1,tool,x,0,no answer\n'], { format: 'csv' });
    expect(target.events).toMatchObject([{ error: { type: 'NonError', message: 'no answer' } }]);
  });

  test.each([
    ['at', '2023-99-16 18:15:46', { timestamp: 'x' }],
    ['timestamp', '2024-02-30 00:00:00', {}],
    ['timestamp', '16/11/2023', {}],
    ['timestamp', '2023-11-16T18:15:46+2', {}],
    ['success', 'yes', {}],
    ['latencyMs', '12 ms', {}],
    ['weight', '-1', {}],
    ['attributes', '{', {}],
    ['attributes', '[1]', {}],
    ['cost.nanoUsd', '0.5', {}],
    ['usage.inputTokens', '1e400', {}],
  ])('a wrong cell is refused by its field: %s %j', async (field, cell, more) => {
    const columns: Record<string, string> = {
      at: 'at',
      timestamp: 'timestamp',
      success: 'success',
      latencyMs: 'latency_ms',
      weight: 'weight',
      attributes: 'attributes',
      'cost.nanoUsd': 'cost_nano_usd',
      'usage.inputTokens': 'input_tokens',
    };
    const row = {
      at: field === 'timestamp' ? '' : '1',
      kind: 'tool',
      name: 'x',
      success: '1',
      [columns[field] as string]: cell,
      ...more,
    };
    const { rejections } = await csv(`${Object.keys(row).join(',')}\n${Object.values(row).join(',')}\n`);
    expect(rejections).toEqual([{ line: 2, field, reason: expect.any(String) }]);
  });

  test.each([
    ['', 'it is empty: CSV starts with a header'],
    ['at,kind,at\n', 'its header names "at" twice'],
    ['"at,kind\n', 'its header has a quote that is never closed'],
    ['at;kind;name;success\n', 'its header is set apart by ";": cells of CSV are set apart by commas'],
    ['at\tkind\n', 'its header is set apart by "\\t": cells'],
    ['a;b,at,kind,name,success\n', 'its header has unknown columns (a;b): say what its rows mean with map'],
    [
      'TIMESTAMP,kind,success\n1,2,3\n',
      'has unknown columns (TIMESTAMP) and lacks the columns name, at: say what its rows mean with map',
    ],
  ])('that starts with %j cannot be imported', async (text, reason) => {
    expect(await refusal([text], { format: 'csv' })).toMatchObject({
      code: 'INVALID_CONFIG',
      fields: ['source'],
      message: expect.stringContaining(reason),
    });
  });
});

describe('ids', () => {
  async function ids(source: ImportSource, options?: ImportOptions): Promise<string[]> {
    const target = memory();
    const { imported } = await importEvents(target, source, options);
    expect(target.events).toHaveLength(imported);
    return target.events.map(({ id }) => id);
  }

  const rows = [call, call, { ...call, at: at + 1 }, { ...call, attributes: { a: 1, b: [2] } }, call];

  test('that are missing are made of what the rows say: the same ones every time, in whatever form', async () => {
    const made = await ids(rows);
    expect(new Set(made).size).toBe(5);
    for (const id of made) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
    const turned = rows.map((row) => Object.fromEntries(Object.entries(row).reverse()));
    expect(await ids([jsonl(...turned)], { format: 'jsonl' })).toEqual(made);
    const csv = `at,kind,name,success,attributes\n${rows
      .map((row) => `${row.at},llm,answer,1,${'attributes' in row ? '"{""b"":[2],""a"":1}"' : ''}\n`)
      .join('')}`;
    expect(await ids([csv], { format: 'csv' })).toEqual(made);
  });

  test('that are missing are the same ones in another order', async () => {
    expect((await ids(rows.toReversed())).toSorted()).toEqual((await ids(rows)).toSorted());
  });

  test('stay the ones of this version', async () => {
    expect(await ids([call, call])).toEqual([
      '493acee0-1767-8396-93d2-814babc05444',
      '9cbae808-9f15-8c65-ae56-5a6ca3525c47',
    ]);
  });

  test('that are given are kept', async () => {
    const given = '0190B0C4-7A1E-7000-8000-000000000001';
    expect(
      await ids([
        { ...call, id: given },
        { ...call, id: null },
      ]),
    ).toEqual([given.toLowerCase(), (await ids([call]))[0]]);
  });
});

describe('the target', () => {
  test.each<[what: string, target: unknown, got: string]>([
    ['a promise', Promise.resolve(memory()), 'a promise: await it'],
    ['a client', createAnalytics({ backends: [memory()] }), 'a client: give it one of its backends'],
    ['a number', 5, 'number'],
  ])('has to be a backend, and is not %s', async (_what, target, got) => {
    expect(await refusal([execution()], {}, target as Backend)).toMatchObject({
      code: 'INVALID_CONFIG',
      fields: ['target'],
      message: expect.stringContaining(`target: must be a backend, got ${got}`),
    });
  });

  test('gets one batch after the other, each within its bounds, and no more is read ahead than a batch', async () => {
    const inner = memory();
    let read = 0;
    let written = 0;
    let isWriting = false;
    const sizes: number[] = [];
    const target: Backend = {
      ...inner,
      delivery: { maxEvents: 70, maxDelayMs: 1 },
      async write(events) {
        expect(isWriting).toBe(false);
        expect(read - written).toBe(events.length);
        isWriting = true;
        await new Promise(setImmediate);
        isWriting = false;
        written += events.length;
        sizes.push(events.length);
      },
    };
    function* rows(): Generator<unknown> {
      for (; read < 500; ) {
        read += 1;
        yield { ...call, at: read };
      }
    }
    expect(await importEvents(target, rows())).toMatchObject({ imported: 500 });
    expect(sizes).toEqual([70, 70, 70, 70, 70, 70, 70, 10]);
  });

  test('gets smaller batches of larger events', async () => {
    const sizes: number[] = [];
    const target: Backend = { ...memory(), write: (events) => void sizes.push(events.length) };
    const artifact = { type: 'artifact', name: 'a', kind: 'b', at, bytes: Buffer.alloc(1_500_000, 'x') };
    await importEvents(
      target,
      Array.from({ length: 7 }, () => artifact),
    );
    expect(sizes).toEqual([3, 3, 1]);
    const lines = Array.from({ length: 7 }, () => jsonl({ ...artifact, bytes: artifact.bytes.toString('base64') }));
    await importEvents(target, lines, { format: 'jsonl' });
    expect(sizes.slice(3)).toEqual([3, 3, 1]);
  });

  test('that counts at once gets single events', async () => {
    const sizes: number[] = [];
    const target: Backend = { ...memory(), delivery: 'immediate', write: (events) => void sizes.push(events.length) };
    await importEvents(target, [call, call, call]);
    expect(sizes).toEqual([1, 1, 1]);
  });

  test('is tried again while it is unavailable or full', async () => {
    const target = failing((_, attempt) =>
      attempt <= 3
        ? new AnalyticsError(attempt === 2 ? 'STORAGE_FULL' : 'BACKEND_UNAVAILABLE', 'not now', { retryAfterMs: 1 })
        : undefined,
    );
    expect(await importEvents(target, [call])).toMatchObject({ imported: 1, rejected: 0 });
    expect(target.calls).toBe(4);
  });

  test('is tried again when it asks to be, as far as patience reaches', async () => {
    const awayFor = (retryAfterMs: number, attempts: number): ReturnType<typeof failing> =>
      failing((_, attempt) =>
        attempt <= attempts ? new AnalyticsError('BACKEND_UNAVAILABLE', 'away', { retryAfterMs }) : undefined,
      );
    const started = performance.now();
    expect(await importEvents(awayFor(300, 1), [call])).toMatchObject({ imported: 1 });
    // Longer than anything it does of its own accord after the first failure.
    expect(performance.now() - started).toBeGreaterThan(250);
    expect(await refusal([call], { patienceMs: 20 }, awayFor(1e9, Number.POSITIVE_INFINITY))).toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: 'away; nothing was imported',
    });
  });

  test('that stays unavailable is given up, saying how far it got; another import goes on', async () => {
    let broken = true;
    const target = failing((_, attempt) =>
      broken && attempt > 2 ? new AnalyticsError('BACKEND_UNAVAILABLE', 'down', { backend: 'memory' }) : undefined,
    );
    const rows = Array.from({ length: 3500 }, (_, number) => ({ ...call, at: number }));
    expect(await refusal(rows, { patienceMs: 20 }, target)).toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message:
        'down; 2000 events were imported; import the same source again to go on: a database adds none of them twice',
    });
    expect(target.events).toHaveLength(2000);
    broken = false;
    expect(await importEvents(target, rows)).toMatchObject({ imported: 3500 });
    expect(target.events).toHaveLength(3500);
  });

  test.each<ErrorCode>(['EVENTS_REJECTED', 'TOO_LARGE'])(
    'that refuses single events (%s) gets all others',
    async (code) => {
      const isBad = (event: AnalyticsEvent): boolean => [13, 14, 700].includes(event.at);
      const target = failing((events) => (events.some(isBad) ? new AnalyticsError(code, 'refused') : undefined));
      const rows = Array.from({ length: 800 }, (_, number) => ({ ...call, at: number + 1 }));
      const report = await importEvents(target, rows);
      expect(report).toMatchObject({ read: 800, imported: 797, rejected: 3 });
      expect(report.rejections).toEqual([13, 14, 700].map((line) => ({ line, field: 'event', reason: 'refused' })));
      expect(target.events.map((event) => event.at)).toEqual(
        rows.map((row) => row.at).filter((time) => ![13, 14, 700].includes(time)),
      );
    },
  );

  test.each(['INTERNAL', 'CLOSED', 'TIMEOUT'] as const)(
    'that fails for good (%s) ends the import at once',
    async (code) => {
      const target = failing(() => new AnalyticsError(code, 'broken'));
      expect(await refusal([call], {}, target)).toMatchObject({ code, message: 'broken; nothing was imported' });
      expect(target.calls).toBe(1);
    },
  );

  test('that throws something else ends the import', async () => {
    const thrown = new Error('a defect');
    const target = failing(() => {
      throw thrown;
    });
    expect(await refusal([call], {}, target)).toMatchObject({ code: 'INTERNAL', cause: thrown });
  });
});

test('progress is told after each batch and at the end', async () => {
  const told: unknown[] = [];
  const rows = [...Array.from({ length: 1200 }, (_, number) => ({ ...call, at: number })), {}];
  const text = jsonl(...rows);
  await importEvents(memory(), [text.slice(0, 50_000), text.slice(50_000)], {
    format: 'jsonl',
    onProgress: (progress) => told.push(progress),
  });
  const common = { skipped: 0, bytes: text.length, totalBytes: undefined };
  expect(told).toEqual([
    { read: 1000, imported: 1000, rejected: 0, ...common },
    { read: 1201, imported: 1200, rejected: 1, ...common },
    { read: 1201, imported: 1200, rejected: 1, ...common },
  ]);
});

describe('the signal', () => {
  const reason = new Error('enough');

  test('ends an import before it starts', async () => {
    const target = failing(() => undefined);
    await expect(importEvents(target, [call], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(target.calls).toBe(0);
  });

  test('ends an import after the batch under way', async () => {
    const controller = new AbortController();
    const target = memory();
    const rows = Array.from({ length: 3500 }, (_, number) => ({ ...call, at: number }));
    const onProgress = ({ imported }: { imported: number }): void => {
      if (imported === 2000) {
        controller.abort(reason);
      }
    };
    await expect(importEvents(target, rows, { signal: controller.signal, onProgress })).rejects.toBe(reason);
    expect(target.events).toHaveLength(2000);
  });

  test('ends the wait for a source that says nothing, and for a target that is away', async () => {
    async function* silent(): AsyncGenerator<unknown> {
      yield call;
      await new Promise(() => {});
    }
    // Given while nobody waits for the source.
    const given = new AbortController();
    async function* thenSilent(): AsyncGenerator<unknown> {
      yield* Array.from({ length: 20_000 }, () => call);
      await new Promise(() => {});
    }
    const options = { signal: given.signal, onProgress: () => given.abort(reason) };
    await expect(importEvents(memory(), thenSilent(), options)).rejects.toBe(reason);
    for (const [source, target] of [
      [silent(), memory()],
      [[call], failing(() => new AnalyticsError('BACKEND_UNAVAILABLE', 'away', { retryAfterMs: 1e9 }))],
    ] as const) {
      const controller = new AbortController();
      // Patient for days: only the signal ends the wait.
      const imported = importEvents(target, source, { signal: controller.signal, patienceMs: 1e9 });
      setTimeout(() => controller.abort(reason), 20);
      await expect(imported).rejects.toBe(reason);
    }
  });
});

test('what the callbacks throw comes out, and so does what they reject with', async () => {
  const thrown = new Error('of the caller');
  const fail = (): never => {
    throw thrown;
  };
  const failLater = async (): Promise<void> => fail();
  for (const callback of [fail, failLater]) {
    await expect(importEvents(memory(), [{}], { onReject: callback })).rejects.toBe(thrown);
    await expect(importEvents(memory(), [call], { onProgress: callback })).rejects.toBe(thrown);
  }
});

test('a source that fails says so, and how far it got', async () => {
  const thrown = new Error('cut off');
  async function* broken(): AsyncGenerator<unknown> {
    yield* Array.from({ length: 1000 }, (_, number) => ({ ...call, at: number }));
    throw thrown;
  }
  expect(await refusal(broken())).toMatchObject({
    code: 'INVALID_CONFIG',
    fields: ['source'],
    message: expect.stringMatching(/^source cannot be read: cut off; 1000 events were imported/),
    cause: thrown,
  });
});

describe('wrong options are refused', () => {
  test.each<[unknown, unknown, unknown, string[]]>([
    [null, [], {}, ['target']],
    [Promise.resolve(memory()), [], {}, ['target']],
    [memory(), undefined, {}, ['source']],
    [memory(), 7, {}, ['source']],
    [memory(), '', {}, ['source', 'format']],
    [memory(), Buffer.from('x'), {}, ['source']],
    [memory(), 'events.txt', {}, ['format']],
    [memory(), Readable.from([Buffer.from('x')], { objectMode: false }), {}, ['format']],
    [memory(), 'events.jsonl', { map: () => undefined }, ['map']],
    [memory(), [], { map: () => undefined }, ['map']],
    [
      memory(),
      'x.csv',
      { format: 'xml', map: 1, strict: 'yes', patienceMs: -1, onReject: 1, onProgress: 1, signal: 1 },
      ['map', 'format', 'onReject', 'onProgress', 'signal', 'strict', 'patienceMs'],
    ],
  ])('all at once: %#', async (target, source, options, fields) => {
    const refused = await refusal(source as never, options as never, target as never);
    expect(refused).toMatchObject({ code: 'INVALID_CONFIG', fields });
  });

  test('also a file that is not there, or is a directory', async () => {
    for (const path of ['/nowhere/events.jsonl', '/tmp/.jsonl/../../tmp']) {
      expect(await refusal(path, { format: 'jsonl' })).toMatchObject({
        code: 'INVALID_CONFIG',
        fields: ['source'],
        message: expect.stringContaining('cannot be read: '),
      });
    }
  });
});
