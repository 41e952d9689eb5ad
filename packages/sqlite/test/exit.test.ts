import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run, start } from './support/child.ts';
import { testFolder } from './support/folder.ts';
import { query, value } from './support/rows.ts';

const recordAndExit = new URL('./fixtures/record-and-exit.ts', import.meta.url);
const holdLock = new URL('./fixtures/hold-lock.ts', import.meta.url);
const count = 40_000;

describe('nothing that was recorded is lost, and nothing is there twice, when the program', () => {
  test.each([
    ['ends by itself', 'end', { code: 0 }],
    ['calls process.exit()', 'process.exit', { code: 7 }],
    ['throws', 'throw', { code: 1, stderr: expect.stringContaining('uncaught') }],
    ['leaves a rejection unhandled', 'reject', { code: 1, stderr: expect.stringContaining('unhandled') }],
    ['closes its client', 'close', { code: 0 }],
  ])('%s', async (_what, way, expected) => {
    const path = join(testFolder(), 'analytics.db');
    expect(await run(recordAndExit, [path, String(count), way])).toMatchObject({
      stdout: '',
      stderr: '',
      ...expected,
    });
    expect(
      query(path, "SELECT count(*) AS rows, count(DISTINCT attributes ->> 'number') AS numbers FROM executions"),
    ).toEqual([{ rows: count, numbers: count }]);
    expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
  });
});

test('the last delivery waits for the lock of another process', async () => {
  const path = join(testFolder(), 'analytics.db');
  const other = start(recordAndExit, [path, '10', 'close']);
  await other.ended;
  const lock = start(holdLock, [path, '1000']);
  await lock.says('locked');
  expect(await run(recordAndExit, [path, '10', 'process.exit'])).toMatchObject({ code: 7, stderr: '' });
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(20);
});
