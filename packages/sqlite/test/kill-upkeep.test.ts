import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { expect, test } from 'vitest';
import { start } from './support/child.ts';
import { testFolder } from './support/folder.ts';
import { query, value } from './support/rows.ts';

const maintainUntilKilled = new URL('./fixtures/maintain-until-killed.ts', import.meta.url);
const kills = process.env['RELIABILITY'] === 'full' ? 50 : 3;
const day = 86_400_000;

test(
  `kill -9 amid deleting, erasing and compacting, ${kills} times: the file is sound, and nothing is counted twice or not at all`,
  async () => {
    const path = join(testFolder(), 'analytics.db');
    let stored = 0;
    for (let round = 0; round < kills; round += 1) {
      const child = start(maintainUntilKilled, [path, String(stored)]);
      await child.says('\n');
      await setTimeout(Math.random() * 150);
      child.process.kill('SIGKILL');
      const { stdout } = await child.ended;
      // A line that was cut off acknowledges nothing.
      const acknowledged = Number(stdout.split('\n').at(-2));
      expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
      const backend = await sqlite({ path });
      // Roll-ups outlive rows: they tell what there ever was.
      await backend.reader.listExecutions();
      const counts = query(path, 'SELECT sum(executions) AS executions FROM rollups WHERE org = 0 GROUP BY width');
      stored = counts[0]?.['executions'] as number;
      expect(counts).toEqual(Array(3).fill({ executions: stored }));
      expect(stored).toBeGreaterThanOrEqual(acknowledged);
      expect(stored % 300).toBe(0);
      await backend.store.prune({ retentionDays: 30 });
      expect(value(path, 'SELECT count(*) FROM executions WHERE at < ?', Date.now() - 30 * day - 60_000)).toBe(0);
      await backend.close?.();
    }
  },
  kills * 60_000,
);
