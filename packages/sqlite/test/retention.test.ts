import { join } from 'node:path';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { artifact, execution, health, metrics, rating, run, toolkit } from '@toolweaver/analytics-testkit';
import { afterEach, expect, test, vi } from 'vitest';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';
import { query, value } from './support/rows.ts';

const day = 86_400_000;
const tables = ['execution', 'rating', 'health', 'toolkit', 'metrics', 'run', 'artifact'].map(
  (type) => `${type}_events`,
);

afterEach(() => {
  vi.useRealTimers();
});

const counts = (path: string): unknown[] => tables.map((table) => value(path, `SELECT count(*) FROM ${table}`));

test('deletes what is older than the days given, when opened, in all tables', async () => {
  const path = join(testFolder(), 'analytics.db');
  const first = await open({ path });
  const ages = [400 * day, 31 * day, 30 * day + 60_000, 30 * day - 60_000, 0];
  await first.write(
    ages.flatMap((age) => {
      const at = Date.now() - age;
      const common = { at };
      return [
        execution(common),
        rating(common),
        health(common),
        toolkit(common),
        metrics(common),
        run({ ...common, runId: `run-${age}` }),
        artifact(common),
      ];
    }),
  );
  expect(counts(path)).toEqual(tables.map(() => 5));
  await open({ path, retentionDays: 30 });
  await vi.waitFor(() => expect(counts(path)).toEqual(tables.map(() => 2)));
});

test('deletes in parts, between which events are written', async () => {
  const path = join(testFolder(), 'analytics.db');
  const first = await open({ path });
  await first.write(Array.from({ length: 16_384 }, (_, at) => execution({ at })));
  await first.write(Array.from({ length: 16_384 }, (_, at) => execution({ at })));
  const count = (): unknown => value(path, 'SELECT count(*) FROM executions');
  const backend = await open({ path, retentionDays: 1 });
  await backend.write([execution()]);
  expect(count()).toBeGreaterThan(1);
  await backend.write([execution()]);
  await vi.waitFor(() => expect(count()).toBe(2), { timeout: 10_000 });
});

test('does not hold up close()', async () => {
  const path = join(testFolder(), 'analytics.db');
  const first = await open({ path });
  await first.write(Array.from({ length: 16_384 }, (_, at) => execution({ at })));
  await first.write(Array.from({ length: 16_384 }, (_, at) => execution({ at })));
  const backend = await sqlite({ path, retentionDays: 1 });
  await backend.close?.();
  expect(value(path, 'SELECT count(*) FROM executions')).toBeGreaterThan(0);
});

test('goes on every hour', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setInterval', 'clearInterval'] });
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path, retentionDays: 1 });
  await backend.write([execution({ name: 'old' })]);
  await vi.advanceTimersByTimeAsync(day - 3_600_000);
  await backend.write([execution({ name: 'new' })]);
  await vi.advanceTimersByTimeAsync(3_600_000 * 2);
  await backend.check?.(AbortSignal.timeout(5000));
  expect(query(path, 'SELECT name FROM executions')).toEqual([{ name: 'new' }]);
});

test('is not taken in by a clock that was set forward', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setInterval', 'clearInterval'] });
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path, retentionDays: 1 });
  await backend.write([execution()]);
  vi.setSystemTime(Date.now() + 1000 * day);
  await vi.advanceTimersByTimeAsync(3_600_000);
  await backend.check?.(AbortSignal.timeout(5000));
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(1);
});

test('keeps the start of a run that is still reported on', async () => {
  const path = join(testFolder(), 'analytics.db');
  const first = await open({ path });
  await first.write([
    run({ runId: 'long', name: 'long', at: Date.now() - 40 * day }),
    run({ runId: 'long', state: 'finished', at: Date.now() - day }),
    run({ runId: 'short', at: Date.now() - 40 * day }),
    run({ runId: 'short', state: 'failed', at: Date.now() - 39 * day }),
  ]);
  const backend = await open({ path, retentionDays: 30 });
  await backend.check?.(AbortSignal.timeout(5000));
  expect(query(path, 'SELECT run_id, name, state FROM runs')).toEqual([
    { run_id: 'long', name: 'long', state: 'finished' },
  ]);
});

test.each([[undefined], [0]])('keeps everything for %s days', async (retentionDays) => {
  const path = join(testFolder(), 'analytics.db');
  const first = await open({ path });
  await first.write([execution({ at: 0 })]);
  const backend = await open({ path, retentionDays });
  await backend.check?.(AbortSignal.timeout(5000));
  expect(backend.settings['retentionDays']).toBeNull();
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(1);
});
