import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Analytics, type Backend, createAnalytics, memory } from '@toolweaver/analytics-core';
import { exportEvents, type SqliteBackend, sqlite, sqliteFromEnv } from '@toolweaver/analytics-sqlite';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testFolder } from './support/folder.ts';

// One test for each row of the README's table of features; the last test compares the two.

const minute = 60_000;
const day = 24 * 60 * minute;
const now = Date.now();
const folder = mkdtempSync(join(tmpdir(), 'analytics-sqlite-'));
const path = join(folder, 'analytics.db');
let backend: SqliteBackend;
let analytics: Analytics;

beforeAll(async () => {
  backend = await sqlite({ path });
  analytics = createAnalytics({ backends: [backend] });
  record(analytics);
  await analytics.flush();
});
afterAll(async () => {
  await analytics.close();
  rmSync(folder, { recursive: true, force: true });
});

function record(client: Analytics): void {
  const ago = (days: number): number => now - days * day - minute;
  // Two organisations, three users, three skills over nine days.
  for (const [skillId, userId, orgId, days, success, latencyMs] of [
    ['parse', 'ada', 'acme', 0, true, 100],
    ['parse', 'ada', 'acme', 0, true, 200],
    ['parse', 'ben', 'acme', 3, false, 300],
    ['parse', 'cem', 'beta', 9, true, 400],
    ['sum', 'ada', 'acme', 0, true, 50],
    ['sum', 'ben', 'acme', 0, true, 70],
    ['sum', 'cem', 'beta', 0, true, 90],
    ['sum', 'cem', 'beta', 1, true, 10],
    ['draw', 'ben', 'acme', 1, true, 1000],
    ['draw', 'cem', 'beta', 0, false, 3000],
  ] as const) {
    const error = success ? undefined : { type: 'TimeoutError', message: 'late' };
    client.recordSkillExecution({ skillId, userId, orgId, at: ago(days), success, latencyMs, error });
  }
  for (const rating of [5, 4, 5, 3]) {
    client.recordSkillRating({ skillId: 'parse', rating, userId: 'ada', orgId: 'acme' });
  }
  client.updateHealthScore({ skillId: 'draw', score: 20, deprecated: true });
  const run = client.startRun({ name: 'nightly', project: 'reports', config: { depth: 2 }, tags: ['slow'] });
  run.within(() => {
    client.recordToolInvocation({
      toolName: 'search_web',
      toolkit: 'Web',
      success: true,
      latencyMs: 120,
      inputBytes: 10,
      outputBytes: 2000,
      cacheHit: true,
      cost: { usd: 0.002 },
    });
    client.recordToolInvocation({
      toolName: 'search_web',
      toolkit: 'Web',
      success: false,
      latencyMs: 5000,
      cacheHit: false,
      error: { type: 'TimeoutError', message: 'no answer' },
      attributes: { query: 'weather' },
    });
    client.recordLlmCall({
      model: 'large',
      provider: 'acme',
      success: true,
      latencyMs: 900,
      usage: { inputTokens: 100, outputTokens: 50 },
      cost: { usd: 0.03 },
    });
    client.recordToolkitEvent({ toolkit: 'Web', operation: 'create', durationMs: 12, success: true });
    client.recordToolkitEvent({ toolkit: 'Web', operation: 'cache_hit', durationMs: 0, success: true });
    client.recordToolkitEvent({ toolkit: 'Web', operation: 'cache_miss', durationMs: 1, success: true });
    client.logMetrics({ accuracy: 0.9 }, { step: 1 });
    client.logMetrics({ tool_definition_tokens: 300, user_tokens: 40 });
  });
  run.finish();
  client.record({
    type: 'execution',
    kind: 'search',
    name: 'tools',
    success: true,
    latencyMs: 3,
    cacheHit: false,
    attributes: { query: 'pdf', results: 4 },
  });
}

function rows<T = Record<string, unknown>>(query: string, file = path): T[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare(query).all() as T[];
  } finally {
    db.close();
  }
}

const tested: string[] = [];
function feature(name: string, check: () => void | Promise<void>): void {
  tested.push(name);
  test(name, check);
}

describe('recording', () => {
  feature('Record an execution', () => {
    expect(rows(`SELECT * FROM executions WHERE kind = 'skill' AND name = 'parse'`)).toHaveLength(4);
  });
  feature('Record a rating', () => {
    expect(rows(`SELECT rating, user_id, org_id FROM ratings ORDER BY at, rating LIMIT 1`)).toHaveLength(1);
  });
  feature('Ratings outside 1 to 5 are refused', async () => {
    const errors: string[] = [];
    const client = createAnalytics({ backends: [memory()], onError: ({ message }) => errors.push(message) });
    client.recordSkillRating({ skillId: 'parse', rating: 6 });
    await client.close();
    expect(errors[0]).toMatch(/rating .*1 to 5, got 6/);
  });
  feature('Set a health score', () => {
    expect(rows('SELECT skill_id, score FROM health_scores')).toEqual([{ skill_id: 'draw', score: 20 }]);
  });
  feature('User and organisation of every execution', () => {
    expect(rows('SELECT DISTINCT org_id FROM executions WHERE user_id IS NOT NULL ORDER BY 1')).toEqual([
      { org_id: 'acme' },
      { org_id: 'beta' },
    ]);
  });
  feature('Log of tool calls', () => {
    expect(
      rows(`SELECT name, success, latency_ms, error_message, run_id IS NOT NULL AS in_run
      FROM executions WHERE kind = 'tool' ORDER BY latency_ms`),
    ).toEqual([
      { name: 'search_web', success: 1, latency_ms: 120, error_message: null, in_run: 1 },
      { name: 'search_web', success: 0, latency_ms: 5000, error_message: 'no answer', in_run: 1 },
    ]);
  });
  feature('Log of searches', () => {
    expect(
      rows(`SELECT attributes ->> 'query' AS query, attributes ->> 'results' AS results, cache_hit
      FROM executions WHERE kind = 'search'`),
    ).toEqual([{ query: 'pdf', results: 4, cache_hit: 0 }]);
  });
  feature('Log of token usage', () => {
    expect(rows(`SELECT input_tokens, output_tokens, total_tokens FROM executions WHERE kind = 'llm'`)).toEqual([
      { input_tokens: 100, output_tokens: 50, total_tokens: 150 },
    ]);
  });
  feature('Instrumented wrapper of a call', async () => {
    const client = createAnalytics({ backends: [await sqlite({ path: join(testFolder(), 'a.db') })] });
    await expect(
      client.trackOperation({ kind: 'tool', name: 'fails' }, () => Promise.reject(new RangeError('too far'))),
    ).rejects.toThrow('too far');
    const { groups } = await client.reader.getErrors({ kind: 'tool' });
    await client.close();
    expect(groups.map(({ errorType, failures }) => [errorType, failures])).toEqual([['RangeError', 1]]);
  });
  feature('Tokens of a context by origin', async () => {
    const runId = await onlyRun();
    const points = await analytics.reader.getRunMetrics(runId, { name: 'tool_definition_tokens' });
    expect(points.map(({ value }) => value)).toEqual([300]);
  });
});

async function onlyRun(): Promise<string> {
  const { runs } = await analytics.reader.listRuns();
  expect(runs).toHaveLength(1);
  return runs[0]?.runId ?? '';
}

describe('the file', () => {
  feature('Zero set-up', async () => {
    const fresh = join(testFolder(), 'deep', 'down', 'analytics.db');
    const made = await sqlite({ path: fresh });
    await made.close?.();
    expect(
      rows("SELECT count(*) AS views FROM sqlite_schema WHERE type = 'view'", fresh)[0]?.['views'],
    ).toBeGreaterThan(5);
  });
  feature('Default path in the home directory', async () => {
    const home = testFolder();
    const script = `
      const { sqlite } = await import(${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)});
      const backend = await sqlite();
      console.log(backend.settings.path);
      await backend.close();`;
    const args = ['--conditions=@toolweaver/source', '--input-type=module', '--eval', script];
    const shown = execFileSync(process.execPath, args, {
      env: { ...process.env, HOME: home },
      encoding: 'utf8',
    }).trim();
    expect(shown).toBe(join(home, '.toolweaver', 'analytics.db'));
    expect(existsSync(shown)).toBe(true);
  });
  feature('Path and retention by environment', () => {
    const env = { ANALYTICS_DB_PATH: '~/own.db', ANALYTICS_DB_RETENTION_DAYS: '90' };
    expect(sqliteFromEnv(env)).toMatchObject({ path: '~/own.db', retentionDays: 90 });
  });
  feature('WAL, and waiting for locks', () => {
    expect(rows('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
    expect(backend.settings['busyTimeoutMs']).toBe(5000);
  });
  feature('SQL on the raw usage', () => {
    expect(
      rows(
        'SELECT skill_id, SUM(execution_count) AS total FROM skill_usage GROUP BY skill_id ORDER BY total DESC, skill_id',
      ),
    ).toEqual([
      { skill_id: 'parse', total: 4 },
      { skill_id: 'sum', total: 4 },
      { skill_id: 'draw', total: 2 },
    ]);
  });
  feature('Health check that probes', async () => {
    const { healthy } = await analytics.healthCheck();
    expect(healthy).toBe(true);
  });
  feature('Configuration summary', () => {
    expect(JSON.stringify(analytics.getConfigSummary())).toContain(path);
  });
  feature('Immediate delivery on demand', async () => {
    const file = join(testFolder(), 'a.db');
    const client = createAnalytics({ backends: [await sqlite({ path: file })] });
    client.recordSkillExecution({ skillId: 'parse', success: true });
    const { ok } = await client.flush();
    expect([ok, rows('SELECT * FROM executions', file).length]).toEqual([true, 1]);
    await client.close();
  });
  feature('Deleting what is old', async () => {
    const file = join(testFolder(), 'a.db');
    const own = await sqlite({ path: file });
    const client = createAnalytics({ backends: [own] });
    record(client);
    await client.flush();
    await own.store.prune({ retentionDays: 5 });
    expect(rows(`SELECT count(*) AS left FROM executions WHERE kind = 'skill'`, file)).toEqual([{ left: 9 }]);
    const usage = await client.reader.getSkillUsage('parse', { days: 30 });
    expect(usage.executions).toBe(4);
    await client.close();
  });
  feature('Keeping only the newest', async () => {
    const file = join(testFolder(), 'a.db');
    const own = await sqlite({ path: file });
    const events = Array.from({ length: 20_000 }, (_, at) => ({
      skillId: `skill-${at % 10}`,
      at: now - at,
      success: true,
    }));
    const client = createAnalytics({ backends: [own] });
    for (const event of events) {
      client.recordSkillExecution(event);
    }
    await client.flush();
    await own.store.prune({ maxBytes: 2 ** 20 });
    const [found] = rows<{ left: number; newest: number }>(
      'SELECT count(*) AS left, max(at) AS newest FROM executions',
      file,
    );
    expect(found?.left).toBeLessThan(20_000);
    expect(found?.newest).toBe(now);
    await client.close();
  });
  feature('Statistics of the file', async () => {
    const statistics = await backend.store.statistics();
    expect(JSON.stringify(statistics)).toContain('execution');
  });
  feature('Vacuum, integrity check, schema version', async () => {
    expect(await backend.store.checkIntegrity()).toMatchObject({ ok: true });
    await backend.store.compact();
    expect(rows('PRAGMA user_version')[0]?.['user_version']).toBeGreaterThan(0);
  });
  feature('Schema migrations', async () => {
    const file = join(testFolder(), 'a.db');
    await (await sqlite({ path: file })).close?.();
    const db = new Database(file);
    db.pragma('user_version = 999');
    db.close();
    await expect(sqlite({ path: file })).rejects.toThrow('newer version');
  });
  feature('Bounded memory', () => {
    const { queued } = analytics.stats().backends['sqlite'] ?? { queued: -1 };
    expect(queued).toBe(0);
  });
  feature('Export as JSON Lines and CSV', async () => {
    const target = join(testFolder(), 'out.csv');
    await exportEvents({ path, target });
    expect(readFileSync(target, 'utf8').split('\n')[0]).toContain('name');
    expect(statSync(target).size).toBeGreaterThan(100);
  });
  feature('Backends of your own', async () => {
    const seen: string[] = [];
    const own: Backend = {
      name: 'own',
      delivery: 'immediate',
      settings: {},
      write: ([event]) => void seen.push(event?.type ?? ''),
    };
    const client = createAnalytics({ backends: [own] });
    client.recordSkillExecution({ skillId: 'parse', success: true });
    await client.close();
    expect(seen).toEqual(['execution']);
  });
});

describe('skills', () => {
  feature('Usage of a skill', async () => {
    const usage = await analytics.reader.getSkillUsage('parse', { days: 30 });
    expect(usage).toMatchObject({ uniqueUsers: 3, executions: 4, successes: 3, failures: 1, successRate: 0.75 });
    expect(usage.latencyMs).toMatchObject({ average: 250, min: 100, max: 400 });
    expect(usage.lastUsedAt).toBe(now - minute);
  });
  feature('Windows of time, exact', async () => {
    const used = async (days: number): Promise<number> =>
      (await analytics.reader.getSkillUsage('parse', { days })).executions;
    expect([await used(1), await used(4), await used(10)]).toEqual([2, 3, 4]);
  });
  feature('Ratings of a skill, by stars', async () => {
    const metrics = await analytics.reader.getSkillMetrics('parse');
    expect(metrics).toMatchObject({ ratings: 4, averageRating: 4.25, ratingCounts: { 1: 0, 2: 0, 3: 1, 4: 1, 5: 2 } });
  });
  feature('Metrics of a skill', async () => {
    const metrics = await analytics.reader.getSkillMetrics('draw');
    expect(metrics).toMatchObject({ executions: 2, successRate: 0.5, healthScore: 20, deprecated: true });
  });
  feature('Computed health score', async () => {
    const health = await analytics.reader.getSkillHealth('parse');
    // 0.40 · 75 + 0.30 · 85 + 0.20 · 40 + 0.10 · 75
    expect(health?.computed?.score).toBeCloseTo(71, 9);
  });
  feature('Health of all skills', async () => {
    const all = await analytics.reader.listSkillHealth();
    expect(all.map(({ skillId }) => skillId).sort()).toEqual(['draw', 'parse', 'sum']);
    expect(all[0]?.skillId).toBe('draw');
  });
  for (const [name, metric, first] of [
    ['Leaderboard by executions', 'executions', 'parse'],
    ['Leaderboard by success rate', 'success', 'sum'],
    ['Leaderboard by rating', 'rating', 'parse'],
    ['Leaderboard by adoption', 'adoption', 'parse'],
    ['Leaderboard by latency', 'latency', 'sum'],
  ] as const) {
    feature(name, async () => {
      const [best] = await analytics.reader.getLeaderboard({ metric });
      expect(best?.name).toBe(first);
    });
  }
  feature('Leaderboard of a period', async () => {
    const board = await analytics.reader.getLeaderboard({ period: 'day' });
    expect(board.map(({ name, executions }) => [name, executions])).toEqual([
      ['sum', 3],
      ['parse', 2],
      ['draw', 1],
    ]);
  });
  feature('Leaderboard of an organisation', async () => {
    const board = await analytics.reader.getLeaderboard({ orgId: 'beta' });
    expect(board.map(({ name, executions }) => [name, executions])).toEqual([
      ['sum', 2],
      ['draw', 1],
      ['parse', 1],
    ]);
  });
  feature('Top skills', async () => {
    const board = await analytics.reader.getTopSkills({ days: 2, limit: 2 });
    expect(board.map(({ name }) => name)).toEqual(['sum', 'draw']);
  });
  feature('Usage by day', async () => {
    // Right after midnight what is nine days and a minute old is of the eleventh day.
    const points = await analytics.reader.getTrend({ kind: 'skill', name: 'parse', days: 11 });
    expect(points.length).toBeGreaterThanOrEqual(11);
    expect(points.reduce((sum, { executions }) => sum + executions, 0)).toBe(4);
    expect(points.filter(({ executions }) => executions === 0).length).toBeGreaterThan(5);
  });
  feature('Collaborative recommendations', async () => {
    const client = await withSkillsOf({ ada: ['parse'], ben: ['parse', 'draw'], cem: ['sum'] });
    const found = await client.reader.getRecommendations('ada', { types: ['collaborative'] });
    expect(found.map(({ skillId }) => skillId)).toEqual(['draw']);
    await client.close();
  });
  feature('Trending recommendations', async () => {
    // `draw` has grown, too, but is deprecated.
    const found = await analytics.reader.getRecommendations('dan', { types: ['trending'], days: 18 });
    expect(found.map(({ skillId }) => skillId)).toEqual(['sum', 'parse']);
    expect(await analytics.reader.getRecommendations('ada', { types: ['trending'], days: 18 })).toEqual([]);
  });
  feature('Log of recommendations, and what became of them', async () => {
    const client = await withSkillsOf({ ada: ['parse'], ben: ['parse', 'draw'] });
    const [one] = await client.reader.getRecommendations('ada');
    expect(await client.reader.recordRecommendationFeedback(one?.id ?? '', 'clicked')).toBe(true);
    const [logged] = await client.reader.listRecommendations({ userId: 'ada' });
    expect(logged).toMatchObject({ skillId: 'draw', installedAt: null });
    expect(logged?.clickedAt).toBeGreaterThanOrEqual(now);
    await client.close();
  });
  feature('Adoption by organisation', async () => {
    const { organisations } = await analytics.reader.getAdoption('parse');
    expect(organisations.map(({ orgId, users, adoptionRate }) => [orgId, users, adoptionRate])).toEqual([
      ['acme', 2, 1],
      ['beta', 1, 1],
    ]);
  });
});

async function withSkillsOf(used: Record<string, readonly string[]>): Promise<Analytics> {
  const client = createAnalytics({ backends: [await sqlite({ path: join(testFolder(), 'a.db') })] });
  for (const [userId, skills] of Object.entries(used)) {
    for (const skillId of skills) {
      client.recordSkillExecution({ skillId, userId, success: true });
    }
  }
  return client;
}

describe('operations', () => {
  feature('Metrics of a tool, with percentiles', async () => {
    const latency = await analytics.reader.getLatency({ kind: 'tool', name: 'search_web' });
    expect(latency).toMatchObject({ count: 2, latencyMs: { min: 120, max: 5000, p99: 5000 } });
    const [stats] = (await analytics.reader.summary()).operations.filter(({ kind }) => kind === 'tool');
    expect(stats).toMatchObject({ executions: 2, failures: 1, successRate: 0.5 });
  });
  feature('Summary', async () => {
    expect(await analytics.reader.summary()).toMatchObject({
      executions: 14,
      successes: 11,
      failures: 3,
      totalTokens: 150,
      totalCostUsd: 0.032,
      runs: 1,
    });
  });
  feature('Top tools', async () => {
    const board = await analytics.reader.getLeaderboard({ kind: 'tool', limit: 5 });
    expect(board.map(({ name }) => name)).toEqual(['search_web']);
  });
  feature('Recent errors', async () => {
    const { executions } = await analytics.reader.listExecutions({ success: false, limit: 2 });
    expect(executions.map(({ name }) => name)).toEqual(['search_web', 'draw']);
  });
  feature('Cost of each operation', async () => {
    const { totalCostUsd, entries } = await analytics.reader.getCosts();
    expect(totalCostUsd).toBe(0.032);
    expect(entries.slice(0, 2).map(({ name, totalCostUsd: usd }) => [name, usd])).toEqual([
      ['large', 0.03],
      ['search_web', 0.002],
    ]);
  });
  feature('Cost of a skill with all that it called, in all and for each call', async () => {
    const own = createAnalytics({ backends: [await sqlite({ path: ':memory:' })] });
    const report = own.wrapTool(
      () => {
        own.recordLlmCall({ model: 'large', success: true, cost: { usd: 0.25 } });
        own.recordToolInvocation({ toolName: 'fetch', success: true, cost: { usd: 0.125 } });
      },
      { kind: 'skill', name: 'report' },
    );
    report();
    report();
    const { entries } = await own.reader.getCosts({ by: 'skill' });
    const inAll = { executions: 6, totalCostUsd: 0.75 };
    expect(entries).toMatchObject([{ kind: 'skill', name: 'report', ...inAll, calls: 2, costPerCallUsd: 0.375 }]);
    await own.close();
  });
  feature('Failed, retried and superseded work, success at the first try, cost of a success', async () => {
    const { failed, superseded, retried, firstTrySuccessRate, costPerSuccessUsd } = await analytics.reader.getWaste({
      kind: 'tool',
    });
    expect([failed.executions, superseded.executions, retried.executions]).toEqual([1, 0, 0]);
    expect([firstTrySuccessRate, costPerSuccessUsd]).toEqual([0.5, 0.002]);
  });
  feature('What each organisation is billed for', async () => {
    const target = join(folder, 'acme.csv');
    const { events } = await exportEvents({ path, target, orgId: 'acme' });
    expect(events).toBe(6);
    const [header = '', ...lines] = readFileSync(target, 'utf8').trim().split(/\r?\n/);
    expect([header.includes('cost_nano_usd,cost_usd,cost_source'), lines.length]).toEqual([true, 6]);
  });
  feature('Most expensive operations', async () => {
    const { entries } = await analytics.reader.getCosts({ limit: 1 });
    expect(entries.map(({ name }) => name)).toEqual(['large']);
    const { executions } = await analytics.reader.listExecutions({ orderBy: 'costUsd', limit: 1 });
    expect(executions[0]?.name).toBe('large');
  });
  feature('Error rates and reports', async () => {
    const report = await analytics.reader.getErrors({ kind: 'tool' });
    expect(report).toMatchObject({ executions: 2, failures: 1, errorRate: 0.5 });
  });
  feature('Failures by type of error', async () => {
    const { groups } = await analytics.reader.getErrors();
    expect(groups).toMatchObject([{ errorType: 'TimeoutError', failures: 3, share: 1 }]);
  });
  feature('Slow calls', async () => {
    const { executions } = await analytics.reader.listExecutions({ orderBy: 'latencyMs', minLatencyMs: 1000 });
    expect(executions.map(({ latencyMs }) => latencyMs)).toEqual([5000, 3000, 1000]);
  });
  feature('Cache hit rate', async () => {
    const { hits, misses, hitRate } = await analytics.reader.getCacheStats({ kind: 'tool' });
    expect([hits, misses, hitRate]).toEqual([1, 1, 0.5]);
  });
  feature('Comparison of models', async () => {
    const models = await analytics.reader.compareModels();
    expect(models).toMatchObject([{ model: 'large', executions: 1, totalTokens: 150, totalCostUsd: 0.03 }]);
  });
  feature('Use by hour of the day', async () => {
    const { rows: tools } = await analytics.reader.getHeatmap({ kind: 'tool' });
    expect(tools[0]?.hours).toHaveLength(24);
    expect(tools[0]?.hours.reduce((sum, { executions }) => sum + executions, 0)).toBe(2);
  });
});

describe('runs and toolkits', () => {
  feature('Records of runs', async () => {
    const run = await analytics.reader.getRun(await onlyRun());
    expect(run).toMatchObject({
      name: 'nightly',
      project: 'reports',
      state: 'finished',
      config: { depth: 2 },
      tags: ['slow'],
    });
  });
  feature('Traces of LLM calls', () => {
    expect(
      rows(`SELECT model, provider, latency_ms, run_id IS NOT NULL AS in_run FROM executions WHERE kind = 'llm'`),
    ).toEqual([{ model: 'large', provider: 'acme', latency_ms: 900, in_run: 1 }]);
  });
  feature('Cost of a run', async () => {
    const run = await analytics.reader.getRun(await onlyRun());
    expect(run).toMatchObject({ executions: 3, totalTokens: 150, totalCostUsd: 0.032 });
  });
  feature('Events of a run', () => {
    expect(rows('SELECT state FROM runs')).toEqual([{ state: 'finished' }]);
  });
  feature('Life of toolkits', async () => {
    const { traces } = await analytics.reader.listToolkitTraces({ runId: await onlyRun() });
    expect(traces.map(({ operation }) => operation).sort()).toEqual(['cache_hit', 'cache_miss', 'create']);
  });
  feature('Calls of tools, with their sizes', async () => {
    const { traces } = await analytics.reader.listToolInvocations({ runId: await onlyRun(), success: true });
    expect(traces).toMatchObject([
      { toolkit_class: 'Web', tool_name: 'search_web', input_size_bytes: 10, output_size_bytes: 2000 },
    ]);
  });
  feature('Summary of toolkits', async () => {
    const metrics = await analytics.reader.getToolkitMetrics({ runId: await onlyRun() });
    expect(metrics).toMatchObject({
      toolkit_lifecycle: { total_created: 1, cache_hit_rate: 0.5 },
      tool_invocations: { total_calls: 2, successful_calls: 1, failed_calls: 1, success_rate: 0.5 },
    });
    expect(metrics.by_tool['Web.search_web']?.calls).toBe(2);
  });
  feature('Deleting old runs', async () => {
    const file = join(testFolder(), 'a.db');
    const own = await sqlite({ path: file });
    const client = createAnalytics({ backends: [own] });
    client.record({ type: 'run', runId: 'old', state: 'started', at: now - 50 * day });
    client.record({ type: 'run', runId: 'old', state: 'finished', at: now - 49 * day });
    await client.flush();
    await own.store.prune({ retentionDays: 30 });
    expect(rows('SELECT * FROM runs', file)).toEqual([]);
    await client.close();
  });
});

test('the README names these features, and no others that it says are there', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const table = readme.split('\n## Features')[1]?.split('\n## ')[0] ?? '';
  const listed = [...table.matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm)]
    .map(([, name = '', how = '']) => ({ name: name.trim(), how: how.trim() }))
    .filter(({ name }) => name !== 'feature' && !name.startsWith('---'));
  const there = listed.filter(({ how }) => !how.startsWith('No: ')).map(({ name }) => name);
  expect(there.toSorted()).toEqual(tested.toSorted());
});
