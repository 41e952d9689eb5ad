import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type Analytics, createAnalytics } from '@toolweaver/analytics';
import { exportEvents } from '@toolweaver/analytics-sqlite';
import fc from 'fast-check';
import { expect } from 'vitest';
import { liveBytes } from '../../../../test/support/memory.ts';
import type { Random } from '../../../../test/support/random.ts';
import { times, trial } from '../../../../test/support/trial.ts';
import { calls, value } from '../../../core/test/support/calls.ts';
import { patiently } from '../../../sqlite/test/support/deliver.ts';
import { query } from '../../../sqlite/test/support/rows.ts';
import { type Calls, callsEverywhere, type Everywhere, everywhere, offlineRuns } from '../support/everywhere.ts';
import { total } from '../support/figures.ts';

/** They ask the far sides, or open a run: what takes a thousand times as long is done a hundred times less often. */
const costly: readonly string[] = ['flush', 'push', 'healthCheck', 'reader', 'startRun', 'trackRun'];

const shared = [Object, Array, Function, Promise, String, Map, Error].map(({ prototype }) => prototype as object);
const shapes = (): unknown[] =>
  shared.map((prototype) =>
    Reflect.ownKeys(prototype).map((key) => [key, Reflect.getOwnPropertyDescriptor(prototype, key)?.value]),
  );

/** Everything that was accepted is accounted for, and every far side holds as many executions as the others. */
async function expectEqual(analytics: Analytics, place: Everywhere): Promise<number> {
  expect(await analytics.flush(patiently)).toMatchObject({ ok: true });
  const counted = Object.entries(await callsEverywhere(place)).map(([name, found]) => [name, total(found)]);
  const [[, executions] = []] = counted;
  expect(counted).toEqual(['sqlite', 'prometheus', 'otlp', 'wandb'].map((name) => [name, executions]));
  return executions as number;
}

/** Every far side holds exactly these calls. */
async function expectEverywhere(analytics: Analytics, place: Everywhere, expected: Calls): Promise<void> {
  expect(await analytics.flush(patiently)).toMatchObject({ ok: true });
  expect(await callsEverywhere(place)).toEqual({
    sqlite: expected,
    prometheus: expected,
    otlp: expected,
    wandb: expected,
  });
}

trial('R35', 'any value of JavaScript in any argument: nothing throws, and every count is right', async (report) => {
  const { random, add, watch } = report;
  const place = await everywhere();
  const analytics = watch(
    createAnalytics({
      backends: place.backends,
      onError() {
        throw new Error('from onError');
      },
    }),
  );
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  const before = shapes();
  let expected = 0;
  for (const [name, call] of Object.entries(calls)) {
    const pending: Promise<unknown>[] = [];
    const values = times(100_000, 200) / (costly.includes(name) ? 100 : 1);
    let left = values / 2;
    await fc.assert(
      fc.asyncProperty(value, value, async (one, two) => {
        expected += call(analytics, one() as never, two() as never, pending);
        left -= 1;
        if (left % 50 === 0) {
          await Promise.all(pending.splice(0));
        }
        if (left % 5_000 === 0) {
          // Some queues would be full, as nothing here lets the program turn to them.
          await analytics.flush();
        }
      }),
      { seed: random.seed() | 0, numRuns: left, endOnFailure: true },
    );
    await Promise.all(pending);
    const { backends } = analytics.stats();
    expect(Object.values(backends).map(({ accepted }) => accepted)).toEqual(Array(4).fill(expected));
    add('methods');
    add('values', values);
  }
  await setImmediate();
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
  expect(shapes()).toEqual(before);
  add('events', expected);
  add('executions', await expectEqual(analytics, place));
  const { sqlite } = analytics.stats().backends;
  add('invalid', sqlite?.dropped.invalid);
  expect(sqlite).toMatchObject({
    queued: 0,
    delivered: expected - (sqlite?.dropped.invalid ?? 0) - lostElsewhere(sqlite),
  });
});

const lostElsewhere = (stats: { readonly dropped: Readonly<Record<string, number>> } | undefined): number =>
  Object.entries(stats?.dropped ?? {}).reduce((sum, [reason, count]) => sum + (reason === 'invalid' ? 0 : count), 0);

/** What computers hold for a number, or what people write for one. */
const oddNumbers: readonly unknown[] = [
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, -5, 5e-324, 1.7976931348623157e308],
  ...[2 ** 53, -(2 ** 53), 0.1 + 0.2, '7', '', null, true, 10n, [], {}, new Date(0), new Number(7)],
];

trial('R36', 'odd numbers are refused, or are the same on every far side', async ({ add, watch }) => {
  const place = await everywhere();
  const analytics = watch(createAnalytics({ backends: place.backends }));
  for (const number of oddNumbers) {
    const odd = number as number;
    analytics.recordToolInvocation({ toolName: 'tool', success: true, latencyMs: odd });
    analytics.recordToolInvocation({ toolName: 'tool', success: true, inputBytes: odd, attempt: odd });
    analytics.recordToolInvocation({ toolName: 'tool', success: true, cost: { usd: odd } });
    analytics.recordLlmCall({ model: 'model', success: true, usage: { inputTokens: odd, outputTokens: 1 } });
    analytics.recordSkillRating({ skillId: 'skill', rating: odd });
    analytics.updateHealthScore({ skillId: 'skill', score: odd });
    analytics.recordToolkitEvent({ toolkit: 'toolkit', operation: 'create', durationMs: odd, success: true });
    analytics.logMetrics({ odd });
    analytics.recordSkillExecution({ skillId: 'skill', success: true, at: odd });
    add('numbers');
  }
  add('executions', await expectEqual(analytics, place));
  const { accepted = 0, delivered = 0, dropped } = analytics.stats().backends['sqlite'] ?? {};
  expect(accepted).toBe(9 * oddNumbers.length);
  expect(dropped?.invalid).toBe(accepted - delivered);
  add('refused', accepted - delivered);
  expect(await place.prometheus.scrape()).not.toMatch(/ (NaN|-?\+?Inf)$/m);
  const [sum] = query(place.database, 'SELECT total(latency_ms), total(cost_nano_usd) FROM executions');
  expect(Object.values(sum ?? {}).every((one) => Number.isFinite(one) && (one as number) >= 0)).toBe(true);
});

trial(
  'R37',
  'ids of a megabyte: 256 characters of each are kept, and no memory with them',
  async ({ add, most, watch }) => {
    const place = await everywhere();
    const analytics = watch(createAnalytics({ backends: place.backends }));
    const count = times(10_000, 60);
    // With the first one everything comes that is there once.
    analytics.recordSkillExecution({ skillId: 'first', userId: 'first', orgId: 'first', success: true });
    expect(await analytics.flush(patiently)).toMatchObject({ ok: true });
    const before = liveBytes();
    for (let number = 0; number < count; number += 1) {
      // As a request brings it: no rope of pieces.
      const id = Buffer.alloc(1_000_000, `${number} `).toString('latin1');
      analytics.recordSkillExecution({ skillId: id, userId: id, orgId: id, success: true });
      add('megabytes', 3);
      if (number % 500 === 499) {
        expect(await analytics.flush(patiently)).toMatchObject({ ok: true });
      }
    }
    most('heldBytesForEach', Math.round(Math.max(0, liveBytes() - before) / count));
    add('executions', await expectEqual(analytics, place));
    // A few have what all together hold to themselves: compiled code, caches.
    expect(liveBytes() - before).toBeLessThan(count * 4096 + times(0, 4) * 2 ** 20);
    for (const column of ['name', 'user_id', 'org_id']) {
      const [row] = query(
        place.database,
        `SELECT max(length(${column})) AS longest, count(DISTINCT ${column}) AS ids FROM executions`,
      );
      // Each begins with a number of its own.
      expect({ column, ...row }).toEqual({ column, longest: 256, ids: count + 1 });
    }
  },
);

/** What not every far side can hold, and what is recorded of it. */
const cleaned: readonly (readonly [text: string, kept: string])[] = [
  ['\0', '\ufffd'],
  ['a\0b', 'a\ufffdb'],
  ['\ud800', '\ufffd'],
  ['a\udfff b', 'a\ufffd b'],
  ['\udc00\ud800', '\ufffd\ufffd'],
  ['a\nb', 'a\ufffdb'],
  ['a\r\nb', 'a\ufffd\ufffdb'],
  ['a\tb', 'a\ufffdb'],
  ['\u0085', '\ufffd'],
  ['\u001b[31m', '\ufffd[31m'],
  ['\u007f', '\ufffd'],
  ['\u009f', '\ufffd'],
  ['} 1\n# HELP x', '} 1\ufffd# HELP x'],
  // Of what is too long, the beginning; never half a character.
  [`e${'\u0301'.repeat(10_000)}`, `e${'\u0301'.repeat(255)}`],
  [`a${'🧶'.repeat(200)}`, `a${'🧶'.repeat(127)}`],
];
/** Text that somebody somewhere takes for something else, and that is recorded as it is; each gets a number, so that all differ. */
const torture: readonly string[] = [
  ...['\u202e\u2066right to left\u2069', '\u200d\u200c', '\ufeff', '\u2028', '\u2029'],
  ...['👩‍👩‍👧‍👦', '🧶', `e${'\u0301'.repeat(200)}`, 'é', 'e\u0301', 'ﬁ', 'İ', 'ß', '日本', '\u{10ffff}', '\uffff'],
  ...['"', "'", '`', '\\', '\\n', '\\"', '{a="b"}', ',', ';', '%', '%41', '%zz', '/', 'a/status', '..'],
  ...['[', ']', '{', '{"a":1}', '$1', '&amp;', '<b>', '#', '=', '+', '|', '*', '?', ':', '@', '~', '.', ' '],
];
const blocks = [0x20, 0x80, 0x300, 0x590, 0x900, 0x2000, 0x3040, 0xd7f0, 0xf8f0, 0xfff0, 0x1f3f0, 0xe0000, 0x10fff0];

/** As `cleaned` has it, of text that is not too long. */
function withoutControls(text: string): string {
  const isControl = (code: number): boolean => code < 0x20 || (code >= 0x7f && code < 0xa0);
  return Array.from(text.toWellFormed(), (one) => (isControl(one.codePointAt(0) ?? 0) ? '\ufffd' : one)).join('');
}

function randomName(random: Random): string {
  return Array.from({ length: 1 + random.below(40) }, () =>
    String.fromCodePoint(random.pick(blocks) + random.below(16)),
  ).join('');
}

trial('R38', 'text of any kind comes back from every far side as it was recorded', async ({ random, add, watch }) => {
  const place = await everywhere();
  const analytics = watch(createAnalytics({ backends: place.backends }));
  const chance = Array.from({ length: times(1_800, 200) }, () => randomName(random));
  const names: readonly (readonly [text: string, kept: string])[] = [
    ...cleaned,
    ...torture.map((text) => [text, text] as const),
    ...chance.map((text) => [text, withoutControls(text)] as const),
  ];
  const expected: Record<string, number> = {};
  for (const [number, [text, kept]] of names.entries()) {
    const name = `${text}${number}`;
    const isSkill = number % 2 === 0;
    const success = number % 3 > 0;
    if (isSkill) {
      analytics.recordSkillExecution({ skillId: name, success, orgId: name, userId: name });
    } else {
      analytics.recordToolInvocation({
        toolName: name,
        success,
        toolkit: name,
        error: success ? undefined : { type: name },
      });
    }
    const isCut = text.length > 256;
    const recorded = isCut ? kept : `${kept}${number}`;
    expected[JSON.stringify([isSkill ? 'skill' : 'tool', recorded, success ? 'success' : 'failure'])] = 1;
    add('names');
  }
  await expectEverywhere(analytics, place, expected);

  const target = (format: string): string => join(place.folder, `events.${format}`);
  for (const format of ['jsonl', 'csv'] as const) {
    const exported = await exportEvents({ path: place.database, target: target(format), format });
    expect(exported.events).toBe(names.length);
  }
  const lines = readFileSync(target('jsonl'), 'utf8').split('\n');
  const found = lines.slice(0, -1).map((line) => {
    const { kind, name, success } = JSON.parse(line);
    return JSON.stringify([kind, name, success ? 'success' : 'failure']);
  });
  expect(found.toSorted()).toEqual(Object.keys(expected).toSorted());
  expect(lines.at(-1)).toBe('');
  // One for the names of the columns; no cell has a line break in it.
  const rows = readFileSync(target('csv'), 'utf8').split(/\r\n|[\n\r\v\f\u0085]/);
  expect(rows).toHaveLength(1 + names.length + 1);
  expect(rows.at(-1)).toBe('');
  add('linesExported', lines.length + rows.length - 2);
});

const inherited = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf'],
  ...['__defineGetter__', '__lookupSetter__', 'then', 'toJSON', 'length', 'name', 'get', 'set', 'size'],
] as const;

trial(
  'R39',
  'names that objects inherit are names like others, and nobody’s prototype changes',
  async ({ add, watch }) => {
    const place = await everywhere();
    const analytics = watch(createAnalytics({ backends: place.backends }));
    const before = shapes();
    const expected: Record<string, number> = {};
    for (const name of inherited) {
      const own = Object.fromEntries([[name, name]]);
      const attributes: Record<string, unknown> = JSON.parse(`{"${name}": {"polluted": "${name}"}}`);
      for (let count = 3; count > 0; count -= 1) {
        analytics.recordToolInvocation({
          toolName: name,
          toolkit: name,
          orgId: name,
          success: true,
          attributes,
        } as never);
      }
      analytics.recordLlmCall({
        model: name,
        provider: name,
        success: true,
        usage: { inputTokens: 1, outputTokens: 1 },
      });
      analytics.recordSkillRating({ skillId: name, rating: 4 });
      analytics.updateHealthScore({ skillId: name, score: 50 });
      analytics.logMetrics(Object.fromEntries([[name, 1]]));
      const run = analytics.startRun({ id: name, name, config: own });
      run.logParam(name, name);
      run.finish();
      expected[JSON.stringify(['tool', name, 'success'])] = 3;
      expected[JSON.stringify(['llm', name, 'success'])] = 1;
      add('names');
    }
    await expectEverywhere(analytics, place, expected);
    for (const name of inherited) {
      expect(await analytics.reader.getRun(name)).toMatchObject({
        runId: name,
        config: Object.fromEntries([[name, name]]),
      });
      expect(await analytics.reader.getSkillMetrics(name)).toMatchObject({ ratings: 1, healthScore: 50 });
    }
    expect(offlineRuns(place.folder)).toHaveLength(inherited.length + 1);
    expect(shapes()).toEqual(before);
    expect('polluted' in {}).toBe(false);
  },
);

trial('R40', 'a million names: as many series as the limit says, and memory that does not grow', async (report) => {
  const { add, most, watch } = report;
  const names = times(1_000_000, 20_000);
  // The rows of W&B would be a million lines for the test to read.
  const { backends, ...place } = await everywhere();
  const used = backends.filter(({ name }) => name !== 'wandb');
  await backends.find(({ name }) => name === 'wandb')?.close?.();
  const analytics = watch(createAnalytics({ backends: used }));
  const batch = 10_000;
  async function record(from: number): Promise<void> {
    for (let number = from; number < from + batch; number += 1) {
      analytics.recordSkillExecution({
        skillId: `skill-${number}`,
        success: true,
        latencyMs: 1,
        userId: `user-${number}`,
      });
    }
    const started = performance.now();
    expect(await analytics.flush(patiently)).toMatchObject({ ok: true });
    most('longestFlushMs', Math.round(performance.now() - started));
  }
  // With the first ones everything comes that is there once, and every series that there will be.
  await record(0);
  const before = liveBytes();
  for (let from = batch; from < names; from += batch) {
    await record(from);
  }
  const growth = (liveBytes() - before) / 2 ** 20;
  most('heapMBGrowth', Math.round(growth));
  expect(growth).toBeLessThan(50);
  const scrapesMs: number[] = [];
  let text = '';
  for (let left = 5; left > 0; left -= 1) {
    const started = performance.now();
    text = await place.prometheus.scrape();
    scrapesMs.push(performance.now() - started);
  }
  // What it takes while the machine does nothing else.
  const scrapeMs = Math.min(...scrapesMs);
  most('scrapeMs', Math.round(scrapeMs));
  expect(scrapeMs).toBeLessThan(times(100, 1_000));
  const series = [...text.matchAll(/^toolweaver_skill_executions_total\{(.*)\} (\d+)$/gm)];
  expect(series).toHaveLength(2_001);
  const overflow = series.find(([, labels]) => labels?.includes('overflow'));
  expect(Number(overflow?.[2])).toBe(names - 2_000);
  const { sqlite, prometheus, otlp } = await callsEverywhere({ ...place, backends: used });
  const totals = [sqlite, prometheus, otlp].map((found: Calls) => total(found));
  expect(totals).toEqual([names, names, names]);
  add('names', names);
  add('series', series.length);
});
