import { createAnalytics, type EventInput } from '@toolweaver/analytics-core';
import { describeMetrics } from '@toolweaver/analytics-metrics';
import { otlp } from '@toolweaver/analytics-otlp';
import { expect } from 'vitest';
import { everyKind } from './support/all-metrics.ts';
import { testWith } from './support/peers.ts';
import { backendOfTest, check, flush } from './support/pushed.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from './support/victoria-metrics.ts';

/** Waits until PromQL gives these values by the label: what has come in is found a moment later. */
async function gives(server: VictoriaMetrics, promql: string, label: string, expected: object): Promise<void> {
  await expect.poll(() => server.query(promql, label), { timeout: 30_000 }).toEqual(expected);
}

testWith('victoriaMetrics', 'a real receiver takes everything, under our names, and PromQL gives it back', async () => {
  const server = await startVictoriaMetrics();
  const backend = await backendOfTest({ endpoint: server.endpoint });
  await check(backend);
  const client = createAnalytics({ backends: [backend] });
  for (const event of everyKind()) {
    const cost = event.type === 'execution' && event.cost ? { usd: event.cost.nanoUsd / 1e9 } : undefined;
    client.record({ ...event, cost } as EventInput);
  }
  expect(await client.flush()).toMatchObject({ ok: true });

  const names = describeMetrics().flatMap(({ name, type }) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
  );
  await expect.poll(server.names, { timeout: 30_000 }).toEqual(names.toSorted());

  // The questions that dashboards ask.
  const executions = 'sum by (skill_id) (toolweaver_skill_executions_total)';
  await gives(server, `topk(10, ${executions})`, 'skill_id', { parse: 4, render: 1 });
  const successes = 'sum by (skill_id) (toolweaver_skill_success_total)';
  await gives(server, `100 * ${successes} / ${executions}`, 'skill_id', { parse: 75, render: 100 });
  const latency = (part: string): string => `sum by (skill_id) (toolweaver_skill_latency_milliseconds_${part})`;
  await gives(server, `${latency('sum')} / ${latency('count')}`, 'skill_id', { parse: 150, render: 3000 });
  const median = 'histogram_quantile(0.5, sum by (skill_id, le) (toolweaver_skill_latency_milliseconds_bucket))';
  // Interpolated in the bucket from 10 to 50 that two of four are in, and in the one from 2000 to 5000.
  await gives(server, median, 'skill_id', { parse: 50, render: 3500 });
  await gives(server, 'sum by (error_type) (toolweaver_tool_errors_total)', 'error_type', { TimeoutError: 1 });
  const tokens = { input: 100, cache_read: 20, cache_write: 3, output: 40, reasoning: 5 };
  await gives(server, 'sum by (type) (toolweaver_token_usage_total)', 'type', tokens);
  await gives(server, 'sum(toolweaver_cost_dollars_total)', '', { '': 0.5 });
  await gives(server, 'toolweaver_skill_health_score', 'skill_id', { parse: 87.5 });
  const outcomes = 'sum by (outcome) (toolweaver_analytics_events_total{outcome="delivered"})';
  await gives(server, outcomes, 'outcome', { delivered: 13 });
  await client.close();
});

testWith('victoriaMetrics', 'two processes of one service are told apart, and add up', async () => {
  const server = await startVictoriaMetrics();
  for (let process = 0; process < 2; process += 1) {
    const backend = await otlp({ endpoint: server.endpoint, serviceName: 'agents' });
    backend.write(everyKind());
    await backend.close?.();
  }
  const parsed = 'toolweaver_skill_executions_total{skill_id="parse",service_name="agents"}';
  await gives(server, `count(${parsed})`, '', { '': 2 });
  await gives(server, `sum(${parsed})`, '', { '': 8 });
});

testWith('victoriaMetrics', 'what it does not take is told in its words', async () => {
  const server = await startVictoriaMetrics();
  const backend = await backendOfTest({ endpoint: server.endpoint, protocol: 'http/json' });
  backend.write(everyKind());
  await expect(flush(backend)).rejects.toThrow(/answered 400 Bad Request: .*json encoding isn't supported/);
  await expect(check(backend)).rejects.toThrow(/json encoding isn't supported/);
});
