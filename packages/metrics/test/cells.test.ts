import { createAnalytics, memory } from '@toolweaver/analytics-core';
import { type CellsOptions, createCells, type LabelSet } from '@toolweaver/analytics-metrics';
import { execution, health, rating, toolkit } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';
import { familyOf, histograms, values } from './support.ts';

function cellsOf(events: readonly Parameters<ReturnType<typeof createCells>['record']>[0][], options?: CellsOptions) {
  const cells = createCells(options);
  for (const event of events) {
    cells.record(event);
  }
  return cells;
}

test('a skill has both outcomes from its first execution on', () => {
  const cells = cellsOf([execution({ kind: 'skill', name: 'a', success: true })]);
  expect(values(cells, 'toolweaver_skill_executions_total')).toEqual({ a: 1 });
  expect(values(cells, 'toolweaver_skill_success_total')).toEqual({ a: 1 });
  expect(values(cells, 'toolweaver_skill_failures_total')).toEqual({ a: 0 });
});

test('latencies are counted in the bucket whose bound they do not exceed', () => {
  const latencies = [0, 10, 10.5, 60_000, 60_001];
  const cells = cellsOf([
    ...latencies.map((latencyMs) => execution({ kind: 'skill', name: 'a', latencyMs })),
    execution({ kind: 'skill', name: 'a', latencyMs: undefined }),
  ]);
  const [series] = histograms(cells, 'toolweaver_skill_latency_milliseconds');
  expect(series).toMatchObject({ counts: [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1], count: 5, sum: 120_021.5 });
});

test('tools are counted by toolkit and status, their errors by type, and what they cost where it is known', () => {
  const tool = { kind: 'tool', name: 'search', toolkit: 'web' } as const;
  const cells = cellsOf([
    execution({ ...tool, success: true, latencyMs: 20, cost: { nanoUsd: 100_000_000, source: 'provider' } }),
    execution({ ...tool, success: false, latencyMs: 40, error: { type: 'TimeoutError' } }),
    execution({ ...tool, success: false, latencyMs: undefined, cost: { nanoUsd: 200_000_000, source: 'provider' } }),
    execution({ kind: 'tool', name: 'search', toolkit: undefined, success: true }),
  ]);
  expect(values(cells, 'toolweaver_tool_executions_total')).toEqual({
    'search,web,success': 1,
    'search,web,failure': 2,
    'search,,success': 1,
    'search,,failure': 0,
  });
  expect(values(cells, 'toolweaver_tool_errors_total')).toEqual({
    'search,web,TimeoutError': 1,
    'search,web,unknown': 1,
  });
  // In floating point 0.1 + 0.2 would be a little more.
  expect(values(cells, 'toolweaver_tool_cost_usd_total')).toEqual({ 'search,web': 0.3 });
  expect(values(cells, 'toolweaver_cost_dollars_total')).toEqual({ 'tool,search,': 0.3 });
  const [durations] = histograms(cells, 'toolweaver_tool_duration_seconds');
  expect(durations).toMatchObject({ labels: ['search', 'web'], count: 2, sum: 0.06 });
});

test('LLM calls are counted by model, provider and status, and their tokens by disjoint class', () => {
  const usage = { inputTokens: 10, cacheReadTokens: 20, cacheWriteTokens: 30, outputTokens: 40, reasoningTokens: 50 };
  const call = { kind: 'llm', name: 'answer', model: 'm', provider: 'p' } as const;
  const cells = cellsOf([
    execution({ ...call, success: true, latencyMs: 1500, usage }),
    execution({ ...call, success: false, latencyMs: undefined }),
    execution({ ...call, success: false, latencyMs: undefined, error: { type: 'rate_limit_exceeded' }, weight: 2 }),
  ]);
  expect(values(cells, 'toolweaver_llm_calls_total')).toEqual({ 'm,p,success': 1, 'm,p,failure': 3 });
  expect(values(cells, 'toolweaver_llm_errors_total')).toEqual({ 'm,p,unknown': 1, 'm,p,rate_limit_exceeded': 2 });
  const durations = histograms(cells, 'toolweaver_llm_duration_seconds');
  expect(durations).toMatchObject([
    { labels: ['m', 'p', 'success'], count: 1, sum: 1.5 },
    { labels: ['m', 'p', 'failure'], count: 0, sum: 0 },
  ]);
  expect(values(cells, 'toolweaver_token_usage_total')).toEqual({
    'm,input': 10,
    'm,cache_read': 20,
    'm,cache_write': 30,
    'm,output': 40,
    'm,reasoning': 50,
  });
});

test('agents, searches and operations are requests', () => {
  const cells = cellsOf([
    execution({ kind: 'agent', name: 'planner', success: true, latencyMs: 100 }),
    execution({ kind: 'search', name: 'planner', success: false, latencyMs: undefined }),
  ]);
  expect(values(cells, 'toolweaver_request_total')).toEqual({
    'agent,planner,success': 1,
    'agent,planner,failure': 0,
    'search,planner,success': 0,
    'search,planner,failure': 1,
  });
  const durations = histograms(cells, 'toolweaver_request_duration_seconds');
  expect(durations.filter(({ count }) => count > 0)).toMatchObject([
    { labels: ['agent', 'planner', 'success'], count: 1, sum: 0.1 },
  ]);
});

test('ratings, health, toolkits and caches', () => {
  const cells = cellsOf([
    rating({ skillId: 'a', rating: 5 }),
    rating({ skillId: 'a', rating: 2 }),
    health({ skillId: 'a', score: 80, at: 2000 }),
    health({ skillId: 'a', score: 10, at: 1000 }),
    // Of two at the same time, the one that was said last.
    health({ skillId: 'a', score: 70, at: 2000 }),
    health({ skillId: 'a', score: 5, at: 1999 }),
    toolkit({ toolkit: 'web', operation: 'create', success: true }),
    toolkit({ toolkit: 'web', operation: 'create', success: false }),
    execution({ kind: 'search', name: 's', cacheHit: true }),
    execution({ kind: 'search', name: 's', cacheHit: undefined }),
  ]);
  const [stars] = histograms(cells, 'toolweaver_skill_rating');
  expect(stars).toMatchObject({ labels: ['a'], counts: [0, 1, 0, 0, 1, 0], sum: 7, count: 2 });
  expect(values(cells, 'toolweaver_skill_health_score')).toEqual({ a: 70 });
  expect(values(cells, 'toolweaver_toolkit_events_total')).toEqual({
    'web,create,success': 1,
    'web,create,failure': 1,
  });
  expect(values(cells, 'toolweaver_cache_requests_total')).toEqual({ 'search,s,hit': 1, 'search,s,miss': 0 });
});

test('stars keep their buckets where others adapt to what is observed', () => {
  const cells = cellsOf([rating({ skillId: 'a', rating: 5 })], { buckets: 'exponential' });
  expect(histograms(cells, 'toolweaver_skill_rating')).toMatchObject([{ labels: ['a'], counts: [0, 0, 0, 0, 1, 0] }]);
  expect(familyOf(cells, 'toolweaver_skill_latency_milliseconds').kind).toBe('exponential');
});

test('sampled executions count by their weight', () => {
  const usage = { inputTokens: 3, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
  const cost = { nanoUsd: 1_000_000_000, source: 'provider' } as const;
  const cells = cellsOf([
    execution({ kind: 'tool', name: 't', success: true, weight: 4, latencyMs: 500, usage, cost, toolkit: 'k' }),
  ]);
  expect(values(cells, 'toolweaver_tool_executions_total')).toEqual({ 't,k,success': 4, 't,k,failure': 0 });
  expect(histograms(cells, 'toolweaver_tool_duration_seconds')).toMatchObject([{ count: 4, sum: 2 }]);
  expect(values(cells, 'toolweaver_token_usage_total')).toMatchObject({ ',input': 12 });
  expect(values(cells, 'toolweaver_tool_cost_usd_total')).toEqual({ 't,k': 4 });
});

test('organisation and user are labels only when asked for, and come last', () => {
  const event = execution({ kind: 'tool', name: 't', toolkit: 'k', success: true, orgId: 'o', userId: 'u' });
  expect(values(cellsOf([event]), 'toolweaver_tool_executions_total')).toHaveProperty(['t,k,success'], 1);
  const both = cellsOf([event, execution({ kind: 'skill', name: 's', orgId: undefined, userId: 'u' })], {
    labels: ['org_id', 'user_id'],
  });
  expect(familyOf(both, 'toolweaver_tool_executions_total').metric.labels).toEqual([
    'tool_name',
    'toolkit',
    'status',
    'org_id',
    'user_id',
  ]);
  expect(values(both, 'toolweaver_tool_executions_total')).toHaveProperty(['t,k,success,o,u'], 1);
  expect(values(both, 'toolweaver_skill_executions_total')).toEqual({ 's,,u': 1 });
});

test('every metric of ours that is made of events can have them', () => {
  const common = { orgId: 'o', success: false, latencyMs: 5, cacheHit: true } as const;
  const usage = { inputTokens: 3, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
  const cost = { nanoUsd: 1, source: 'provider' } as const;
  const cells = cellsOf(
    [
      ...(['skill', 'tool', 'llm', 'agent'] as const).map((kind) => execution({ ...common, kind, usage, cost })),
      rating({ orgId: 'o' }),
      health({ orgId: 'o' }),
      toolkit({ orgId: 'o' }),
    ],
    { labels: ['org_id'] },
  );
  const shown = cells.families().filter(({ labelSets }) => labelSets.length > 0);
  expect(shown.length).toBeGreaterThan(15);
  const lacking = shown.filter(({ metric, labelSets }) => {
    const at = metric.labels.indexOf('org_id');
    return at === -1 || !labelSets.every(({ labels }) => labels[at] === 'o');
  });
  expect(lacking.map(({ metric }) => metric.name)).toEqual([]);
});

test('names that would be the same when put together, or that objects inherit, stay apart', () => {
  const names = ['a', 'a,b:c', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '"', '\\', 'é', '\u{1f600}'];
  const cells = cellsOf(
    names.flatMap((name) => [
      execution({ kind: 'tool', name, toolkit: 'b:c', success: true }),
      execution({ kind: 'tool', name: `${name},b:c`, toolkit: undefined, success: true }),
    ]),
  );
  expect(familyOf(cells, 'toolweaver_tool_executions_total').labelSets).toHaveLength(names.length * 4);
  const counts = Object.values(values(cells, 'toolweaver_tool_executions_total'));
  expect(counts.filter((count) => count === 1)).toHaveLength(names.length * 2);
});

test('runs, metrics of the user and artifacts make no series', () => {
  const cells = cellsOf([
    { type: 'run', id: '1', at: 0, runId: 'r', state: 'started' },
    { type: 'metrics', id: '2', at: 0, values: { loss: 1 } },
    { type: 'artifact', id: '3', at: 0, name: 'a', kind: 'k', path: '/p' },
  ]);
  expect(cells.families().flatMap(({ labelSets }) => labelSets)).toEqual([]);
});

test('a namespace replaces the prefix of every name', () => {
  const names = createCells({ namespace: 'acme_ai' })
    .families()
    .map(({ metric }) => metric.name);
  expect(names).toHaveLength(22);
  expect(names.every((name) => name.startsWith('acme_ai_'))).toBe(true);
});

test('the client is shown: its ledger by backend, and its operations under way', async () => {
  const cells = createCells();
  const analytics = createAnalytics({
    backends: [
      memory(),
      {
        name: 'cells',
        delivery: 'immediate',
        settings: {},
        write: ([event]) => event && cells.record(event),
        attach: cells.attach,
      },
    ],
  });
  let inside: Record<string, number> = {};
  await analytics.trackOperation('outer', async () => {
    await analytics.trackOperation('inner', () => {
      inside = values(cells, 'toolweaver_active_operations');
    });
  });
  analytics.recordSkillExecution({ skillId: '', success: true });
  expect(inside).toEqual({ '': 2 });
  expect(values(cells, 'toolweaver_active_operations')).toEqual({ '': 0 });
  await analytics.close();
  const events = values(cells, 'toolweaver_analytics_events_total');
  expect(events).toMatchObject({
    'memory,delivered,': 2,
    'memory,dropped,invalid': 1,
    'memory,dropped,queue_full': 0,
    'cells,delivered,': 2,
    'cells,dropped,invalid': 1,
  });
  expect(Object.keys(events)).toHaveLength(2 * 11);
});

test('observations go to whoever keeps them instead, with the metric, the labels and the weight', () => {
  const observed: unknown[] = [];
  const cells = createCells({
    maxLabelSets: 1,
    observer: ({ name }) => {
      const series: LabelSet[] = [];
      return {
        add: (labelSet) => series.push(labelSet) - 1,
        observe: (at, value, weight) =>
          void observed.push([name, series[at]?.labels, series[at]?.isOverflow, value, weight]),
      };
    },
  });
  cells.record(execution({ name: 'a', latencyMs: 5, weight: 2.5 }));
  cells.record(execution({ name: 'b', latencyMs: 7 }));
  expect(observed).toEqual([
    ['toolweaver_skill_latency_milliseconds', ['a'], false, 5, 2.5],
    ['toolweaver_skill_latency_milliseconds', [''], true, 7, 1],
  ]);
  expect(values(cells, 'toolweaver_skill_executions_total')).toEqual({ a: 2.5, 'overflow,': 1 });
});
