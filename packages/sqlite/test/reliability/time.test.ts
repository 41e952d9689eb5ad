import { join } from 'node:path';
import { createAnalytics } from '@toolweaver/analytics-core';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { execution, ledgerHolds } from '@toolweaver/analytics-testkit';
import { afterEach, expect, vi } from 'vitest';
import { jumpingClock, lastAt, possible, recordInJumps } from '../../../../test/support/jumping-clock.ts';
import { inLanes, times, trial } from '../../../../test/support/trial.ts';
import { run } from '../support/child.ts';
import { patiently } from '../support/deliver.ts';
import { testFolder } from '../support/folder.ts';
import { open } from '../support/open.ts';
import { expectRollupsHold } from '../support/rollups.ts';
import { query, value } from '../support/rows.ts';

const answerInZone = new URL('../fixtures/answer-in-zone.ts', import.meta.url);
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

afterEach(() => {
  vi.useRealTimers();
});

/** Deletes what is too old, and nothing that is young, whatever the clock says meanwhile. */
async function expectYoungKept(): Promise<void> {
  for (const [name, jump] of Object.entries(possible)) {
    vi.useFakeTimers({ toFake: ['Date', 'performance', 'setInterval', 'clearInterval'] });
    const path = join(testFolder(), 'analytics.db');
    const backend = await open({ path, retentionDays: 30 });
    await backend.write([
      ...Array.from({ length: 10 }, () => execution({ name: 'young' })),
      execution({ name: 'old', at: Date.now() - 40 * dayMs }),
    ]);
    vi.setSystemTime(jump(Date.now()));
    await vi.advanceTimersByTimeAsync(3 * hourMs);
    // Answered after what was asked before it.
    await backend.check?.(new AbortController().signal);
    vi.useRealTimers();
    expect(value(path, "SELECT count(*) FROM executions WHERE name = 'young'"), name).toBe(10);
  }
}

trial(
  'R23',
  'a wall clock that jumps: every event is there or counted, durations are right, what is young is kept',
  async ({ random, add }) => {
    const path = join(testFolder(), 'analytics.db');
    const clock = jumpingClock(random);
    const jump = (): void => {
      clock.jump();
      add('jumps');
    };
    const analytics = createAnalytics({ backends: [await sqlite({ path })], clock });
    const { timed, untimed, longestMs } = await recordInJumps(clock, analytics, {
      count: times(2_000, 300),
      jump,
      alsoRecord: () => analytics.recordSkillExecution({ skillId: clock.state, success: true }),
    });
    expect(await analytics.flush(patiently)).toMatchObject({ ok: true });
    expect(analytics.stats().backends['sqlite']).toMatchObject({
      accepted: timed + untimed,
      delivered: timed,
      dropped: { callback_error: untimed },
    });
    expect(value(path, 'SELECT count(*) FROM executions')).toBe(timed);
    expect(value(path, 'SELECT count(DISTINCT id) FROM executions')).toBe(timed);
    const odd = 'SELECT count(*) FROM executions WHERE at NOT BETWEEN 0 AND ? OR latency_ms NOT BETWEEN 0 AND ?';
    expect(value(path, odd, lastAt, longestMs)).toBe(0);
    expectRollupsHold(path);
    await analytics.close();
    ledgerHolds(analytics.stats());
    await expectYoungKept();
    add('rows', timed);
    add('withoutTime', untimed);
    add('jumpsWithRetention', Object.keys(possible).length);
  },
);

/** Offsets that are no whole hours, changes of half an hour, a day that was left out, and both ends of the world. */
const zones = [
  'UTC',
  'America/New_York',
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'Pacific/Kiritimati',
  'Etc/GMT+12',
  'America/St_Johns',
  'Africa/Casablanca',
  'Asia/Kolkata',
  'Pacific/Chatham',
];

trial('R24', 'time zones and changes of the clocks do not change an answer', async ({ add }) => {
  const used = zones.slice(0, times(zones.length, 4));
  const folder = testFolder();
  const answers: string[] = [];
  await inLanes(2, used.length, async (number) => {
    const path = join(folder, `${number}.db`);
    const env = { ...process.env, TZ: zones[number] };
    const other = zones[(number + 1) % zones.length] as string;
    const { stdout, stderr, code } = await run(answerInZone, [path, other], { env });
    expect({ stderr, code }, zones[number]).toEqual({ stderr: '', code: 0 });
    answers[number] = stdout;
    const { rows }: { rows: { at: number; timestamp: string }[] } = JSON.parse(stdout);
    expect(rows.map(({ timestamp }) => timestamp)).toEqual(rows.map(({ at }) => utc(at)));
    add('zones');
    add('rows', rows.length);
  });
  expect(answers[0]).toContain('"executions":48');
  expect(answers.map((answer, number) => (answer === answers[0] ? 'same' : zones[number]))).toEqual(
    used.map(() => 'same'),
  );
});

/** As the views write it. */
const utc = (at: number): string => new Date(at).toISOString().replace('T', ' ').replace('Z', '');

/** Where calendars and counters end or begin anew. */
const edges = [
  0,
  1,
  999,
  1000,
  hourMs - 1,
  hourMs,
  24 * hourMs - 1,
  24 * hourMs,
  1e9 - 1,
  1e10,
  ...[2 ** 31, 2 ** 31 + 1].flatMap((seconds) => [seconds * 1000 - 1, seconds * 1000]),
  2 ** 41 - 1,
  2 ** 41,
  ...[2000, 2001, 2038, 2100].map((year) => Date.UTC(year) - 1),
  ...[2000, 2024, 2096].map((year) => Date.UTC(year, 1, 29, 23, 59, 59, 999)),
  lastAt,
];
/** Of 2001 to 2286, in seconds. */
const looksLikeSeconds = (at: number): boolean => at >= 1e9 && at < 1e10;
const refusedTimes = [
  1e9,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  1e10 - 1,
  -1,
  -0.5,
  lastAt + 1,
  2 ** 42,
  2 ** 53,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];

trial(
  'R25',
  'times from 1970 to 2099 come back to the millisecond, others are refused, as are those in seconds',
  async ({ random, add }) => {
    const path = join(testFolder(), 'analytics.db');
    const analytics = createAnalytics({ backends: [await sqlite({ path })] });
    const any = Array.from({ length: times(20_000, 2_000) }, () => random.below(lastAt + 1));
    const chosen = [...edges, ...any].filter((at) => !looksLikeSeconds(at));
    for (const [number, at] of chosen.entries()) {
      analytics.recordSkillExecution({ skillId: 'timed', success: true, at, latencyMs: 1, attributes: { number } });
    }
    for (const at of refusedTimes) {
      analytics.recordSkillExecution({ skillId: 'timed', success: true, at });
    }
    expect(await analytics.flush(patiently)).toMatchObject({ ok: true });
    expect(analytics.stats().backends['sqlite']).toMatchObject({
      delivered: chosen.length,
      dropped: { invalid: refusedTimes.length },
    });
    const rows = query(path, "SELECT attributes ->> 'number' AS number, at, timestamp FROM executions ORDER BY 1");
    expect(rows).toEqual(chosen.map((at, number) => ({ number, at, timestamp: utc(at) })));
    expectRollupsHold(path);

    const { reader } = analytics;
    const sorted = chosen.toSorted((one, other) => one - other);
    const oldest = await reader.getTrend({ bucket: 'day', from: 0, to: 24 * hourMs });
    expect(oldest.map(({ executions }) => executions)).toEqual([sorted.filter((at) => at < 24 * hourMs).length]);
    const lastDay = Date.UTC(2099, 11, 31);
    const newest = await reader.getTrend({ bucket: 'day', from: lastDay, to: lastAt + 1 });
    expect(newest.map(({ executions }) => executions)).toEqual([sorted.filter((at) => at >= lastDay).length]);
    const { executions } = await reader.listExecutions({ limit: 1000 });
    expect(executions.map(({ at }) => at)).toEqual(sorted.slice(-1000).reverse());
    for (let left = 50; left > 0; left -= 1) {
      const [from, to] = [random.pick(chosen), random.pick(chosen)].sort((one, other) => one - other) as [
        number,
        number,
      ];
      const { executions: counted } = await reader.summary({ from, to: to + 1 });
      expect(counted, `${from} to ${to}`).toBe(sorted.filter((at) => at >= from && at <= to).length);
      add('windows');
    }
    await analytics.close();
    ledgerHolds(analytics.stats());
    add('rows', chosen.length);
    add('refused', refusedTimes.length);
  },
);
