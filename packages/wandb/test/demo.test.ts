import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { apiKey, fakeService } from './support/fake-service.ts';
import { testFolder } from './support/folder.ts';
import { sync, testWithPython } from './support/python.ts';

const demo = resolve(import.meta.dirname, '../../../apps/demo/src/main.ts');

interface Counts {
  readonly executions: number;
  readonly failures: number;
  readonly byTool: Readonly<
    Record<string, { readonly executions: number; readonly failures: number; readonly kind: string }>
  >;
  readonly run: { readonly id: string };
  readonly elsewhere: readonly string[];
}

testWithPython('the demo, into SQLite and an offline run: what is uploaded later has the same counts', async () => {
  const folder = testFolder();
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--conditions=@toolweaver/source', demo, '--json'], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: folder, ANALYTICS_BACKEND: 'sqlite,wandb', WANDB_MODE: 'offline' },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const { executions, failures, byTool, run, elsewhere }: Counts = JSON.parse(stdout);
  // One run, and nothing beside it.
  expect(readdirSync(join(folder, 'wandb')).filter((name) => name.startsWith('offline-run-'))).toHaveLength(1);
  expect(elsewhere).toHaveLength(1);

  const fake = await fakeService();
  onTestFinished(fake.close);
  const synced = await sync(elsewhere[0] ?? '', folder, fake.url, apiKey);
  expect(synced.status, synced.output).toBe(0);
  const { history, summary = '', displayName, project, exitCode } = fake.run(run.id);
  expect({ displayName, project, exitCode }).toEqual({ displayName: 'receipts', project: 'demo', exitCode: 0 });
  const rows = history.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(rows).toHaveLength(executions);
  for (const [name, { executions: calls, failures: failed }] of Object.entries(byTool)) {
    const key = `${name}/status`;
    const statuses = rows.flatMap((row) => (key in row ? [row[key]] : []));
    expect([statuses.length, statuses.filter((value) => value === 'failure').length], name).toEqual([calls, failed]);
  }
  expect(JSON.parse(summary)).toMatchObject({
    'summary/total_operations': executions,
    'summary/failures': failures,
    'summary/state': 'finished',
  });
  expect(fake.violations).toEqual([]);
});
