import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execution, run } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';
import { query } from './support/rows.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the SQL runs, and finds what it says', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const usage = { inputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 2, reasoningTokens: 0 };
  const [root, child] = ['0193f7a0-0000-7000-8000-000000000001', '0193f7a0-0000-7000-8000-000000000002'];
  await backend.write([
    execution({ id: root, runId: 'run-1', name: 'parse' }),
    execution({ id: child, parentId: root, runId: 'run-1', name: 'parse', success: false }),
    execution({ parentId: child, runId: 'run-1', kind: 'tool', name: 'read', latencyMs: 5 }),
    execution({ name: 'old', at: Date.now() - 8 * 86_400_000 }),
    execution({ kind: 'llm', name: 'answer', model: 'large-2', usage, cost: { nanoUsd: 5e8, source: 'provider' } }),
    execution({ kind: 'llm', name: 'answer', model: 'large-2', usage, weight: 2 }),
  ]);
  for (const [runId, model, success] of [
    ['one', 'small', true],
    ['two', 'small', false],
    ['three', 'large', true],
  ] as const) {
    await backend.write([
      run({ runId, state: 'started', project: 'receipts', config: { model } }),
      run({ runId, state: 'finished' }),
      execution({
        runId,
        name: 'old',
        at: Date.now() - 9 * 86_400_000,
        success,
        cost: { nanoUsd: 1e9, source: 'provider' },
      }),
    ]);
  }
  const [skills, models, project, timeSpent, inside, ...others] = [...readme.matchAll(/```sql\n(.*?)```/gs)].map(
    ([, sql = '']) => query(path, sql),
  );
  expect(skills).toEqual([{ skill_id: 'parse', executions: 2, success_percent: 50 }]);
  expect(models).toEqual([{ day: expect.any(String), model: 'large-2', tokens: 9, usd: 0.5 }]);
  expect(project).toEqual([
    { model: 'large', runs: 1, success_percent: 100, usd: 1 },
    { model: 'small', runs: 2, success_percent: 50, usd: 2 },
  ]);
  expect(timeSpent).toEqual([
    { kind: 'skill', name: 'parse', calls: 2, ms: 200 },
    { kind: 'tool', name: 'read', calls: 1, ms: 5 },
  ]);
  expect(inside).toEqual([
    { depth: 0, kind: 'skill', name: 'parse', latency_ms: 100, success: 1 },
    { depth: 1, kind: 'skill', name: 'parse', latency_ms: 100, success: 0 },
    { depth: 2, kind: 'tool', name: 'read', latency_ms: 5, success: 1 },
  ]);
  expect(others).toEqual([]);
});

test('every view is in the table, and every one in the table is there', async () => {
  const path = join(testFolder(), 'analytics.db');
  await open({ path });
  const views = query(path, "SELECT name FROM sqlite_schema WHERE type = 'view'").map(({ name }) => name);
  const [, section = ''] = readme.split('| view | a row for each |');
  const [table = ''] = section.split('\n\n');
  const named = [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell = '']) => cell.match(/(?<=`)\w+(?=`)/g) ?? []);
  expect(named.toSorted()).toEqual(views.toSorted());
});
