import { join } from 'node:path';
import { execution, health, rating, toolkit } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { maintenance, toolInvocationTraces, toolkitTraces, topSkills } from './support/documented-sql.ts';
import { testFolder } from './support/folder.ts';
import { open, openClient } from './support/open.ts';
import { query, value } from './support/rows.ts';

const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const timestamp = '2026-01-02 03:04:05.006';

/** An empty database with the tables that a document makes. */
function documented(ddl: string): Database.Database {
  const db = new Database(':memory:');
  onTestFinished(() => void db.close());
  // They refer to tables that the document does not show.
  db.pragma('foreign_keys = off');
  db.exec(ddl);
  return db;
}

test('the documented query of the most used skills runs as it is', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  // Twelve skills, the last one used most; and a tool, which is none of them.
  await backend.write([
    ...Array.from({ length: 12 }, (_, skill) =>
      Array.from({ length: skill + 1 }, (_, call) => execution({ name: `skill-${skill}`, success: call > 0 })),
    ).flat(),
    ...Array.from({ length: 50 }, () => execution({ kind: 'tool', name: 'tool' })),
    execution({ name: 'skill-3', weight: 20 }),
  ]);
  const found = query(path, topSkills);
  expect(found).toHaveLength(10);
  expect(found.slice(0, 3)).toEqual([
    { skill_id: 'skill-3', total: 24 },
    { skill_id: 'skill-11', total: 12 },
    { skill_id: 'skill-10', total: 11 },
  ]);
  const board = await backend.reader.getLeaderboard({ metric: 'executions', limit: 10 });
  expect(board.map(({ name, executions }) => ({ skill_id: name, total: executions }))).toEqual(found);
});

test('skill_usage and skill_metrics have a row for what is recorded by the documented calls', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const common = { at, userId: 'user_123', orgId: 'org_456' };
  await backend.write([
    execution({ ...common, name: 'parse_json', latencyMs: 145.5 }),
    rating({ at: at + 1000, skillId: 'parse_json', rating: 5 }),
    rating({ at, skillId: 'parse_json', rating: 4 }),
    health({ at, skillId: 'parse_json', score: 95.5 }),
  ]);
  expect(query(path, 'SELECT * FROM skill_usage')).toEqual([
    {
      skill_id: 'parse_json',
      user_id: 'user_123',
      org_id: 'org_456',
      execution_count: 1,
      success_count: 1,
      failure_count: 0,
      avg_latency_ms: 145.5,
      min_latency_ms: 145.5,
      max_latency_ms: 145.5,
      timestamp,
    },
  ]);
  expect(query(path, 'SELECT * FROM skill_metrics')).toEqual([
    {
      skill_id: 'parse_json',
      rating_avg: 4.5,
      rating_count: 2,
      rating_1_count: 0,
      rating_2_count: 0,
      rating_3_count: 0,
      rating_4_count: 1,
      rating_5_count: 1,
      last_used: timestamp,
      last_rated: '2026-01-02 03:04:06.006',
      health_score: 95.5,
    },
  ]);
});

describe('the documented tables', () => {
  const runId = 'exec_123';
  const error = { type: 'TimeoutError', message: 'no answer' };
  const id = '01940000-0000-7000-8000-0000000000ff';

  async function recorded(): Promise<string> {
    const path = join(testFolder(), 'analytics.db');
    const backend = await open({ path });
    const sizes = { inputBytes: 10, outputBytes: 2000 };
    const call = { ...sizes, runId, kind: 'tool', name: 'search_web', toolkit: 'SerperToolkit', at } as const;
    await backend.write([
      toolkit({ id, runId, at, toolkit: 'SerperToolkit', durationMs: 12.5, attributes: { cached: true } }),
      toolkit({ runId, at: at + 1, toolkit: 'SerperToolkit', success: false, error, operation: 'cleanup' }),
      execution({ ...call, id, latencyMs: 150, attributes: { q: 'weather' } }),
      execution({ ...call, success: false, error: { type: 'TimeoutError' }, latencyMs: 5000, attributes: { q: 'é' } }),
    ]);
    return path;
  }

  test.each([
    ['toolkit_traces', toolkitTraces],
    ['tool_invocation_traces', toolInvocationTraces],
  ])('%s is a view with its columns, whose rows the table takes', async (name, ddl) => {
    const path = await recorded();
    const db = documented(ddl);
    const columnsOf = `SELECT name FROM pragma_table_info('${name}') ORDER BY cid`;
    const columns = db.prepare(columnsOf).pluck().all() as string[];
    expect(columns.length).toBeGreaterThan(8);
    expect(query(path, columnsOf).map((column) => column['name'])).toEqual(columns);
    const rows = query(path, `SELECT ${columns.join(', ')} FROM ${name} ORDER BY success DESC`);
    const insert = db.prepare(
      `INSERT INTO ${name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
    );
    for (const row of rows) {
      insert.run(Object.values(row));
    }
    expect(db.prepare(`SELECT * FROM ${name} ORDER BY success DESC`).all()).toEqual(rows);
    expect(rows).toHaveLength(2);
  });

  test('say what happened', async () => {
    const path = await recorded();
    expect(query(path, 'SELECT * FROM toolkit_traces WHERE success')).toEqual([
      {
        trace_id: id,
        execution_id: runId,
        timestamp,
        operation: 'create',
        toolkit_class: 'SerperToolkit',
        duration_ms: 12.5,
        success: 1,
        error: null,
        metadata: '{"cached":true}',
      },
    ]);
    expect(query(path, 'SELECT * FROM tool_invocation_traces WHERE NOT success')).toEqual([
      {
        trace_id: expect.any(String),
        execution_id: runId,
        toolkit_class: 'SerperToolkit',
        tool_name: 'search_web',
        invoked_at: '2026-01-02 03:04:00.006',
        duration_ms: 5000,
        input_size_bytes: 10,
        output_size_bytes: 2000,
        success: 0,
        error: 'TimeoutError',
        metadata: '{"q":"é","error_type":"TimeoutError"}',
      },
    ]);
    const failures = `
      SELECT metadata ->> 'error_type' AS type, count(*) AS failures FROM tool_invocation_traces
      WHERE NOT success GROUP BY type`;
    expect(query(path, failures)).toEqual([{ type: 'TimeoutError', failures: 1 }]);
    expect(value(path, "SELECT metadata ->> 'error_type' FROM toolkit_traces WHERE NOT success")).toBe('TimeoutError');
  });
});

describe('the documented maintenance', () => {
  test('of PostgreSQL has its own ways here', async () => {
    const path = join(testFolder(), 'analytics.db');
    const backend = await open({ path });
    const day = 86_400_000;
    const ages = [60, 31, 29, 0];
    await backend.write(
      ages.flatMap((age) => [
        execution({ runId: `run-${age}`, at: Date.now() - age * day, kind: 'tool', name: 'search' }),
        toolkit({ runId: `run-${age}`, at: Date.now() - age * day }),
      ]),
    );
    // Its statements are none that SQLite could run by mistake.
    for (const statement of maintenance.split(';').filter((text) => text.trim() !== '')) {
      const db = new Database(path);
      expect(() => db.exec(statement)).toThrow();
      db.close();
    }
    const { rows, usedBytes } = await backend.store.statistics();
    expect(rows).toMatchObject({ executions: 4, toolkitEvents: 4 });
    expect(usedBytes).toBeGreaterThan(4096);

    await backend.store.prune({ retentionDays: 30 });
    const left = (view: string): unknown[] =>
      query(path, `SELECT execution_id FROM ${view} ORDER BY execution_id`).map((row) => row['execution_id']);
    expect(left('tool_invocation_traces')).toEqual(['run-0', 'run-29']);
    expect(left('toolkit_traces')).toEqual(['run-0', 'run-29']);
  });
});

describe('the documented questions about runs', () => {
  test('find runs by their metrics, the best one, costs by a setting, and what to be alarmed of', async () => {
    const analytics = await openClient({ path: join(testFolder(), 'analytics.db') });
    const runs = [
      { cost: 0.5, seconds: 40, failed: 0, depth: 1 },
      { cost: 7, seconds: 400, failed: 3, depth: 2 },
      { cost: 0.25, seconds: 90, failed: 1, depth: 2 },
      { cost: 0.75, seconds: 10, failed: 2, depth: 1 },
    ];
    const start = Date.now() - 1_000_000;
    for (const [number, { cost, seconds, failed, depth }] of runs.entries()) {
      const id = `exec_${number}`;
      const common = { runId: id, at: start + seconds * 1000 };
      analytics.record({
        type: 'run',
        runId: id,
        at: start,
        state: 'started',
        project: 'ROMA-DSPy',
        config: { max_depth: depth },
      });
      analytics.record({ type: 'metrics', ...common, values: { total_cost: cost, execution_duration: seconds } });
      for (let task = 0; task < 5; task += 1) {
        analytics.record({
          type: 'execution',
          ...common,
          kind: 'agent',
          name: task < 2 ? 'planner' : 'executor',
          success: task >= failed,
          latencyMs: 100 * (task + 1),
          cost: { usd: cost / 5 },
          usage: { inputTokens: 10, outputTokens: 2 },
        });
      }
      analytics.record({ type: 'run', ...common, state: failed > 2 ? 'failed' : 'finished' });
    }
    const { reader } = analytics;
    const project = 'ROMA-DSPy';

    const cheap = await reader.listRuns({
      project,
      where: [{ metric: 'total_cost', op: '<', value: 1 }],
      orderBy: { metric: 'execution_duration' },
      order: 'asc',
    });
    expect(cheap.runs.map(({ runId }) => runId)).toEqual(['exec_3', 'exec_0', 'exec_2']);
    const best = await reader.listRuns({ project, orderBy: { metric: 'total_cost' }, order: 'asc', limit: 1 });
    expect(best.runs.map(({ runId, metrics }) => [runId, metrics['total_cost']])).toEqual([['exec_2', 0.25]]);

    const all = (await reader.listRuns({ project })).runs;
    expect(all.reduce((sum, { totalCostUsd }) => sum + (totalCostUsd ?? 0), 0)).toBeCloseTo(8.5, 9);
    const details = await Promise.all(all.map(({ runId }) => reader.getRun(runId)));
    const byDepth = Map.groupBy(details, (run) => run?.config['max_depth']);
    expect(
      byDepth
        .get(1)
        ?.map((run) => run?.totalCostUsd)
        .sort(),
    ).toEqual([0.5, 0.75]);

    const alarming = (await reader.listRuns({ project, orderBy: 'totalCostUsd' })).runs.filter(
      ({ totalCostUsd, durationMs, successRate }) =>
        (totalCostUsd ?? 0) > 5 || (durationMs ?? 0) > 300_000 || 1 - (successRate ?? 1) > 0.2,
    );
    expect(alarming.map(({ runId }) => runId)).toEqual(['exec_1', 'exec_3']);

    // The documented metrics of each module: calls, tokens, cost, average latency.
    expect((await reader.getRun('exec_1'))?.operations).toMatchObject([
      {
        kind: 'agent',
        name: 'executor',
        executions: 3,
        failures: 1,
        totalTokens: 36,
        totalCostUsd: 4.2,
        averageLatencyMs: 400,
      },
      {
        kind: 'agent',
        name: 'planner',
        executions: 2,
        failures: 2,
        totalTokens: 24,
        totalCostUsd: 2.8,
        averageLatencyMs: 150,
      },
    ]);
    expect(await reader.getRun('exec_1')).toMatchObject({
      state: 'failed',
      executions: 5,
      successes: 2,
      failures: 3,
      totalCostUsd: 7,
      totalTokens: 60,
      durationMs: 400_000,
      maxDepth: 1,
    });
  });
});
