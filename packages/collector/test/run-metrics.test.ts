import { setTimeout as sleep } from 'node:timers/promises';
import { type RunMetricsOptions, runMetrics } from '@toolweaver/analytics-collector';
import { createAnalytics, type RunDetails } from '@toolweaver/analytics-core';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { expect, test } from 'vitest';

test('come out of what was recorded, and can be asked for', async () => {
  const analytics = createAnalytics({ backends: [await sqlite({ path: ':memory:' })] });
  const { reader } = analytics;
  const call = (name: string, latencyMs: number, success = true): void =>
    analytics.recordLlmCall({
      model: 'gpt-4',
      name,
      success,
      latencyMs,
      usage: { inputTokens: 10, outputTokens: 5 },
      cost: { usd: 0.25 },
    });
  const task = <T>(name: string, fn: () => T | Promise<T>): Promise<T> =>
    analytics.trackOperation({ kind: 'agent', name }, fn);

  const run = analytics.startRun({ name: 'solve', config: { max_depth: 3 } });
  run.logParam('solver_type', 'RecursiveSolver');
  await run.within(() =>
    task('root', async () => {
      call('planner', 100);
      await task('leaf', async () => {
        call('executor', 50);
        call('executor', 150, false);
        await sleep(5);
      });
      await task('leaf', () => Promise.reject(new Error('mine'))).catch(() => {});
    }),
  );
  run.finish('finished');

  const details = (await reader.getRun(run.id)) as RunDetails;
  expect(details.config).toEqual({ max_depth: 3, solver_type: 'RecursiveSolver' });
  const metrics = runMetrics(details, { taskKinds: ['agent'] });
  expect(metrics).toMatchObject({
    total_tasks: 3,
    completed_tasks: 2,
    failed_tasks: 1,
    total_cost: 0.75,
    total_tokens: 45,
    execution_duration: (details.durationMs ?? 0) / 1000,
    max_depth_reached: 3,
    planner_calls: 1,
    planner_tokens: 15,
    planner_cost: 0.25,
    planner_avg_latency: 100,
    executor_calls: 2,
    executor_tokens: 30,
    executor_cost: 0.5,
    executor_avg_latency: 100,
    leaf_calls: 2,
  });
  expect(metrics['execution_duration']).toBeGreaterThan(0.003);
  expect(metrics).not.toHaveProperty('leaf_cost');
  expect(runMetrics(details)).toMatchObject({ total_tasks: 6, completed_tasks: 4, failed_tasks: 2 });

  // Kept with the run, so that runs are found by them.
  run.logMetrics(metrics);
  const cheap = (value: number) => reader.listRuns({ where: [{ metric: 'total_cost', op: '<', value }] });
  expect((await cheap(1)).runs.map(({ runId }) => runId)).toEqual([run.id]);
  expect((await cheap(0.75)).runs).toEqual([]);
  await analytics.close();
});

test('tell modules of one name and different kinds apart; a module called total takes nothing from the run', () => {
  const module = { executions: 1, failures: 0, totalTokens: 7, totalCostUsd: 1, averageLatencyMs: 5 };
  const run = {
    executions: 3,
    failures: 0,
    totalTokens: 21,
    totalCostUsd: null,
    durationMs: null,
    maxDepth: 1,
    operations: [
      { kind: 'llm', name: 'plan', ...module },
      { kind: 'tool', name: 'plan', ...module },
      { kind: 'tool', name: 'total', ...module, averageLatencyMs: null },
    ],
  } as unknown as RunDetails;
  expect(runMetrics(run)).toEqual({
    'llm.plan_calls': 1,
    'llm.plan_tokens': 7,
    'llm.plan_cost': 1,
    'llm.plan_avg_latency': 5,
    'tool.plan_calls': 1,
    'tool.plan_tokens': 7,
    'tool.plan_cost': 1,
    'tool.plan_avg_latency': 5,
    total_calls: 1,
    total_tasks: 3,
    completed_tasks: 3,
    failed_tasks: 0,
    total_tokens: 21,
    max_depth_reached: 1,
  });
});

const empty = { executions: 0, failures: 0, durationMs: null, operations: [] } as unknown as RunDetails;

test.each([
  [undefined, {}, 'run: must be what `reader.getRun` returned; for an unknown id that is undefined'],
  [empty, { taskKinds: 'agent' }, 'taskKinds: must be a list of kinds; there are skill, tool, llm, agent'],
  [empty, { taskKinds: ['agents'] }, 'taskKinds: must be a list of kinds; there are skill, tool, llm, agent'],
  [empty, { taskKind: ['agent'] }, 'taskKind: is not an option; the options are taskKinds'],
  [{}, null, '2 problems'],
])('refuses %j with %j', (run, options, message) => {
  expect(() => runMetrics(run as RunDetails, options as RunMetricsOptions)).toThrow(message);
});
