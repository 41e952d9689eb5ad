import { createAnalytics } from '@toolweaver/analytics-core';
import { prometheus } from '@toolweaver/analytics-prometheus';
import { describe, expect, test } from 'vitest';
import { clients } from './support/clients.ts';
import { observe } from './support/observe.ts';
import { parse } from './support/parse.ts';

describe.each(clients)("a user's registry of $title", ({ client }) => {
  test('shows our metrics beside its own, until the client is closed', async () => {
    const registry = new client.Registry();
    new client.Gauge({ name: 'own_gauge', help: 'Of the user.', registers: [registry] }).set(7);
    const backend = await prometheus({ registry, port: 0 });
    const analytics = createAnalytics({ backends: [backend] });
    analytics.recordSkillExecution({ skillId: 'parse', success: false, latencyMs: 12 });

    const text = await (await fetch(backend.url as string)).text();
    expect(text).toBe(await registry.metrics());
    expect(parse(text).get('own_gauge')?.samples[0]?.value).toBe(7);
    expect(observe(text).executions).toMatchObject([{ name: 'parse', count: 1, failures: 1, latency: { sumMs: 12 } }]);

    await analytics.close();
    expect(await registry.metrics()).not.toContain('toolweaver_');
    expect(registry.getSingleMetric('own_gauge')).toBeDefined();
  });

  test('that has metrics of our names is refused, and left as it was', async () => {
    const registry = new client.Registry();
    const backend = await prometheus({ registry, port: false });
    await expect(prometheus({ registry, port: false })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      problems: [{ field: 'registry', message: expect.stringContaining('toolweaver_skill_executions_total') }],
    });
    const other = await prometheus({ registry, port: false, namespace: 'other' });
    const text = await registry.metrics();
    expect(text).toContain('other_skill_executions_total');
    expect(text).toContain('toolweaver_skill_executions_total');
    await other.close?.();
    await backend.close?.();
    expect(await registry.metrics()).toBe('\n');
  });

  test('that writes OpenMetrics does so, again and again', async () => {
    const registry = new client.Registry();
    registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE as never);
    const backend = await prometheus({ registry, port: false });
    await backend.write([{ type: 'execution', id: '1', at: 1, kind: 'skill', name: 'a', success: true }]);
    expect(backend.contentType).toMatch('application/openmetrics-text');
    for (let scrapes = 0; scrapes < 2; scrapes += 1) {
      const text = await backend.scrape();
      expect(text).toContain(
        '# TYPE toolweaver_skill_executions counter\ntoolweaver_skill_executions_total{skill_id="a"} 1\n',
      );
      expect(text).toMatch(/# EOF\n$/);
    }
    await backend.close?.();
    expect(registry.getMetricsAsArray()).toEqual([]);
  });

  test('can be merged and aggregated with others', async () => {
    const registries = await Promise.all(
      [80, 60].map(async (score, at) => {
        const registry = new client.Registry();
        const backend = await prometheus({ registry, port: false });
        await backend.write([
          { type: 'health', id: '1', at: 1, skillId: 'a', score },
          { type: 'execution', id: '2', at: 1, kind: 'skill', name: 'a', success: true, latencyMs: 10 + at },
        ]);
        return registry;
      }),
    );
    const all = await Promise.all(registries.map((registry) => registry.getMetricsAsJSON()));
    const text = await client.AggregatorRegistry.aggregate(all).metrics();
    expect(observe(text)).toMatchObject({
      executions: [{ name: 'a', count: 2, latency: { count: 2, sumMs: 21 } }],
      health: [{ skillId: 'a', score: 60 }],
    });
    expect(client.Registry.merge([registries[0] as never, new client.Registry()])).toBeInstanceOf(client.Registry);
  });
});
