import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished } from 'vitest';
import { testWith } from './support/peers.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from './support/victoria-metrics.ts';

const main: string = join(import.meta.dirname, '..', '..', '..', 'apps', 'demo', 'src', 'main.ts');

/** Runs the demo into the server, and into a database where that is among the backends. */
function demo(backends: string, { endpoint }: VictoriaMetrics) {
  const cwd = mkdtempSync(join(tmpdir(), 'demo-otlp-'));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  const child = spawn(process.execPath, ['--conditions=@toolweaver/source', main], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, ANALYTICS_BACKEND: backends, OTLP_ENDPOINT: endpoint },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise<{ status: number | null; stdout: string; stderr: string; db: string }>((resolve) => {
    child.on('close', (status) => resolve({ status, stdout, stderr, db: join(cwd, 'receipts-demo.db') }));
  });
}

/** By tool, and by skill. */
async function counted(server: VictoriaMetrics, metric: string): Promise<Record<string, number>> {
  const tools = await server.query(`sum by (tool_name) (toolweaver_tool_${metric}_total)`, 'tool_name');
  const skills = await server.query(`sum by (skill_id) (toolweaver_skill_${metric}_total)`, 'skill_id');
  return { ...tools, ...skills };
}

testWith(
  'victoriaMetrics',
  'the counts of the demo are there, equal to what SQLite counted in the same run',
  async () => {
    const server = await startVictoriaMetrics();
    const { status, stderr, db } = await demo('sqlite,otlp', server);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const database = new DatabaseSync(db, { readOnly: true });
    const rows = database
      .prepare('SELECT name, kind, COUNT(*) AS executions, SUM(success) AS successes FROM executions GROUP BY name')
      .all() as { name: string; kind: string; executions: number; successes: number }[];
    database.close();
    const stored = Object.fromEntries(rows.map(({ name, executions }) => [name, executions]));
    expect(Object.keys(stored)).toHaveLength(4);
    await expect.poll(() => counted(server, 'executions'), { timeout: 30_000 }).toEqual(stored);
    const tools = rows.filter(({ kind }) => kind === 'tool');
    await expect
      .poll(
        () => server.query('sum by (tool_name) (toolweaver_tool_executions_total{status="success"})', 'tool_name'),
        { timeout: 30_000 },
      )
      .toEqual(Object.fromEntries(tools.map(({ name, successes }) => [name, successes])));
  },
);

testWith('victoriaMetrics', 'with nothing else the demo says where to look', async () => {
  const server = await startVictoriaMetrics();
  const { status, stdout, stderr } = await demo('otlp', server);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain(`Metrics pushed to: ${server.endpoint}/v1/metrics`);
  await expect
    .poll(() => counted(server, 'executions'), { timeout: 30_000 })
    .toEqual({ categorize: 23, parse_items: 24, process_receipt: 24, receipt_ocr: 24 });
});
