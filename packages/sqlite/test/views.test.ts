import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { artifact, execution, health, metrics, rating, run, toolkit } from '@toolweaver/analytics-testkit';
import { beforeAll, describe, expect, test } from 'vitest';
import { testWith } from '../../../test/support/peer.ts';
import { newFolder, testFolder } from './support/folder.ts';
import { open } from './support/open.ts';
import { query } from './support/rows.ts';

const cli = 'sqlite3';
const hasCli = spawnSync(cli, ['-version']).status === 0;
const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

testWith(hasCli, 'the sqlite3 command')('the sqlite3 command reads them', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  await backend.write([
    execution({ name: 'parse_json', orgId: "o'1", at }),
    execution({ name: 'parse_json', success: false, at }),
    execution({ name: 'summarise', at }),
  ]);
  const ask = (sql: string): string => {
    const { stdout, stderr } = spawnSync(cli, ['-readonly', path, sql], { encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout.trim();
  };
  expect(ask('SELECT COUNT(*) FROM executions')).toBe('3');
  expect(
    ask(
      `SELECT skill_id, SUM(execution_count) AS total FROM skill_usage GROUP BY skill_id ORDER BY total DESC LIMIT 10`,
    ),
  ).toBe('parse_json|2\nsummarise|1');
  expect(ask(`SELECT name, success FROM executions WHERE org_id = 'o''1'`)).toBe('parse_json|1');
});

describe('show', () => {
  const folder = newFolder();
  const path = join(folder.path, 'analytics.db');
  const id = '01940000-0000-7000-8000-0000000000ff';
  const parentId = '01940000-0000-7000-8000-000000000001';
  const who = { userId: 'user-1', orgId: 'org-1', runId: 'run-1', attributes: { a: [1] } };
  const shown = { user_id: 'user-1', org_id: 'org-1', run_id: 'run-1', attributes: '{"a":[1]}', weight: 1 };
  const timestamp = '2026-01-02 03:04:05.006';

  beforeAll(async () => {
    const backend = await sqlite({ path });
    await backend.write([
      execution({
        ...who,
        id,
        at,
        kind: 'llm',
        name: 'answer',
        latencyMs: 12.5,
        parentId,
        version: '1.2',
        toolkit: 'chat',
        attempt: 2,
        cacheHit: false,
        inputBytes: 10,
        outputBytes: 20,
        model: 'large-2',
        provider: 'acme',
        usage: { inputTokens: 1, cacheReadTokens: 2, cacheWriteTokens: 4, outputTokens: 8, reasoningTokens: 16 },
        cost: { nanoUsd: 1_500_000_000, source: 'computed' },
      }),
      execution({ ...who, at, kind: 'tool', name: 'read', toolkit: 'files', inputBytes: 3, outputBytes: 4 }),
      execution({ at, kind: 'tool', name: 'read', success: false, latencyMs: undefined, error: { type: 'IoError' } }),
      execution({ at, name: 'parse', success: false, weight: 2.5, latencyMs: 8, userId: 'user-2' }),
      execution({ at: at + 1000, name: 'parse', latencyMs: 4 }),
      rating({ ...who, id, at, skillId: 'parse', rating: 5, comment: 'fine', executionId: parentId }),
      rating({ at: at + 2000, skillId: 'parse', rating: 2 }),
      health({ ...who, id, at: at + 5, skillId: 'parse', score: 40.5 }),
      health({ at, skillId: 'parse', score: 90 }),
      toolkit({ ...who, id, at, operation: 'cache_hit', durationMs: 1.5 }),
      toolkit({ at, success: false, error: { type: 'IoError', message: 'busy' } }),
      metrics({ ...who, id, at, step: 3, values: { loss: 0.25, 'it"s': -2 } }),
      artifact({ ...who, id, at, name: 'blob', kind: 'data', bytes: new Uint8Array([1, 0, 255]) }),
    ]);
    await backend.close?.();
    return folder.dispose;
  });

  test('executions', () => {
    const [row, ...others] = query(path, "SELECT * FROM executions ORDER BY name = 'answer' DESC, name, latency_ms");
    expect(row).toEqual({
      ...shown,
      id,
      at,
      timestamp,
      kind: 'llm',
      name: 'answer',
      success: 1,
      latency_ms: 12.5,
      error_type: null,
      error_message: null,
      version: '1.2',
      toolkit: 'chat',
      parent_id: parentId,
      attempt: 2,
      cache_hit: 0,
      input_bytes: 10,
      output_bytes: 20,
      model: 'large-2',
      provider: 'acme',
      input_tokens: 1,
      cache_read_tokens: 2,
      cache_write_tokens: 4,
      output_tokens: 8,
      reasoning_tokens: 16,
      total_tokens: 31,
      cost_nano_usd: 1_500_000_000,
      cost_usd: 1.5,
      cost_source: 'computed',
    });
    // What is unknown is NULL: it is neither 0 nor a text.
    expect(others.find(({ weight }) => weight === 2.5)).toMatchObject({
      name: 'parse',
      parent_id: null,
      total_tokens: null,
      cost_usd: null,
      cache_hit: null,
      run_id: null,
    });
    expect(others).toHaveLength(4);
  });

  test('skill_usage', () => {
    expect(query(path, 'SELECT * FROM skill_usage ORDER BY timestamp')).toEqual([
      {
        skill_id: 'parse',
        user_id: 'user-2',
        org_id: null,
        execution_count: 2.5,
        success_count: 0,
        failure_count: 2.5,
        avg_latency_ms: 8,
        min_latency_ms: 8,
        max_latency_ms: 8,
        timestamp,
      },
      {
        skill_id: 'parse',
        user_id: null,
        org_id: null,
        execution_count: 1,
        success_count: 1,
        failure_count: 0,
        avg_latency_ms: 4,
        min_latency_ms: 4,
        max_latency_ms: 4,
        timestamp: '2026-01-02 03:04:06.006',
      },
    ]);
    // Their times compare with SQLite's own, also on the day of the boundary.
    const since = (time: string): unknown =>
      query(path, "SELECT count(*) AS count FROM skill_usage WHERE timestamp >= datetime(?, '-1 day')", time);
    expect(since('2026-01-03 03:04:05')).toEqual([{ count: 2 }]);
    expect(since('2026-01-03 03:04:06')).toEqual([{ count: 1 }]);
  });

  test('skill_metrics', () => {
    expect(query(path, 'SELECT * FROM skill_metrics')).toEqual([
      {
        skill_id: 'parse',
        rating_avg: 3.5,
        rating_count: 2,
        rating_1_count: 0,
        rating_2_count: 1,
        rating_3_count: 0,
        rating_4_count: 0,
        rating_5_count: 1,
        last_used: '2026-01-02 03:04:06.006',
        last_rated: '2026-01-02 03:04:07.006',
        health_score: 40.5,
      },
    ]);
  });

  test('ratings and health_scores', () => {
    expect(query(path, 'SELECT * FROM ratings WHERE rating = 5')).toEqual([
      { ...shown, id, at, timestamp, skill_id: 'parse', rating: 5, comment: 'fine', execution_id: parentId },
    ]);
    expect(query(path, 'SELECT * FROM health_scores WHERE id = ?', id)).toEqual([
      {
        ...shown,
        id,
        at: at + 5,
        timestamp: '2026-01-02 03:04:05.011',
        skill_id: 'parse',
        score: 40.5,
        deprecated: null,
      },
    ]);
  });

  test('toolkit_traces and tool_invocation_traces', () => {
    expect(query(path, 'SELECT * FROM toolkit_traces ORDER BY success DESC')).toEqual([
      {
        trace_id: id,
        execution_id: 'run-1',
        timestamp,
        operation: 'cache_hit',
        toolkit_class: 'files',
        duration_ms: 1.5,
        success: 1,
        error: null,
        metadata: '{"a":[1]}',
      },
      {
        trace_id: expect.any(String),
        execution_id: null,
        timestamp,
        operation: 'create',
        toolkit_class: 'files',
        duration_ms: 5,
        success: 0,
        error: 'busy',
        metadata: '{"error_type":"IoError"}',
      },
    ]);
    expect(query(path, 'SELECT * FROM tool_invocation_traces ORDER BY success DESC')).toEqual([
      {
        trace_id: expect.any(String),
        execution_id: 'run-1',
        toolkit_class: 'files',
        tool_name: 'read',
        invoked_at: '2026-01-02 03:04:04.906',
        duration_ms: 100,
        input_size_bytes: 3,
        output_size_bytes: 4,
        success: 1,
        error: null,
        metadata: '{"a":[1]}',
      },
      {
        trace_id: expect.any(String),
        execution_id: null,
        toolkit_class: null,
        tool_name: 'read',
        invoked_at: timestamp,
        duration_ms: null,
        input_size_bytes: null,
        output_size_bytes: null,
        success: 0,
        error: 'IoError',
        metadata: '{"error_type":"IoError"}',
      },
    ]);
  });

  test('metrics and artifacts', () => {
    expect(query(path, 'SELECT * FROM metrics ORDER BY value')).toEqual([
      { ...shown, id, at, timestamp, step: 3, name: 'it"s', value: -2 },
      { ...shown, id, at, timestamp, step: 3, name: 'loss', value: 0.25 },
    ]);
    expect(query(path, 'SELECT * FROM artifacts')).toEqual([
      { ...shown, id, at, timestamp, name: 'blob', kind: 'data', path: null, bytes: Buffer.from([1, 0, 255]) },
    ]);
  });
});

describe('runs shows one row a run, in whatever order its events arrive', () => {
  const started = run({ runId: 'r', at, name: 'first', project: 'p', config: { lr: 0.1 }, tags: ['a'] });
  const finished = run({ runId: 'r', state: 'finished', at: at + 5000, name: 'renamed', summary: { best: 1 } });
  const whole = {
    run_id: 'r',
    state: 'finished',
    name: 'renamed',
    project: 'p',
    started_at: at,
    finished_at: at + 5000,
    timestamp: '2026-01-02 03:04:05.006',
    config: '{"lr":0.1}',
    tags: '["a"]',
    summary: '{"best":1}',
  };
  const ended = run({ runId: 'r', state: 'failed', at });

  test.each([
    ['start, end', [started, finished], whole],
    ['end, start', [finished, started], whole],
    ['end before its start, twice', [finished, started, finished], whole],
    [
      'both in one millisecond',
      [ended, started],
      { ...whole, state: 'failed', name: 'first', finished_at: at, summary: null },
    ],
    ['a start alone', [started], { ...whole, state: 'started', name: 'first', finished_at: null, summary: null }],
    [
      'a start after an end: it goes on',
      [finished, run({ runId: 'r', at: at + 9000, project: 'p', config: { lr: 0.1 }, tags: ['a'] })],
      { ...whole, state: 'started', started_at: at + 9000, finished_at: null, timestamp: '2026-01-02 03:04:10.006' },
    ],
  ])('%s', async (_order, events, expected) => {
    const path = join(testFolder(), 'analytics.db');
    const backend = await open({ path });
    for (const event of events) {
      await backend.write([event]);
    }
    await backend.write([run({ runId: 'another' })]);
    expect(query(path, "SELECT * FROM runs WHERE run_id = 'r'")).toEqual([expected]);
    expect(query(path, 'SELECT count(*) AS count FROM runs')).toEqual([{ count: 2 }]);
  });
});

test.each([
  ["executions WHERE run_id = 'r'", 'execution_events_run'],
  ["tool_invocation_traces WHERE execution_id = 'r'", 'execution_events_run'],
  ["toolkit_traces WHERE execution_id = 'r'", 'toolkit_events_run'],
  ["metrics WHERE run_id = 'r'", 'metrics_events_run'],
  ["executions WHERE kind = 'tool' AND name = 'search'", 'execution_events_subject'],
])('%s finds its rows by an index', async (what, index) => {
  const path = join(testFolder(), 'analytics.db');
  await open({ path });
  const plan = query(path, `EXPLAIN QUERY PLAN SELECT * FROM ${what}`);
  expect(JSON.stringify(plan)).toContain(`USING INDEX ${index}`);
});
