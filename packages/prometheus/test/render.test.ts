import { createCells } from '@toolweaver/analytics-metrics';
import { execution, health, rating, toolkit } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { registerCells } from '../src/registry.ts';
import { createRenderer } from '../src/render.ts';
import { takeSnapshot } from '../src/snapshot.ts';
import { clients } from './support/clients.ts';
import { parse } from './support/parse.ts';

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom('\\', '"', '\n', ',', '=', '{', '}', 'n', ' ', 'é', '漢', '\r', '\t'),
    maxLength: 8,
  }),
);
const events = fc.array(
  fc.oneof(
    fc
      .record({
        kind: fc.constantFrom('skill', 'tool', 'llm', 'agent'),
        name: hostile,
        model: hostile,
        toolkit: hostile,
        success: fc.boolean(),
        latencyMs: fc.option(fc.double({ min: 0, max: 1e308, noNaN: true }), { nil: undefined }),
        weight: fc.constantFrom(1, 1, 4, 10 / 3),
        cost: fc.option(
          fc.nat().map((nanoUsd) => ({ nanoUsd, source: 'provider' as const })),
          { nil: undefined },
        ),
      })
      .map(execution),
    hostile.map((skillId) => rating({ skillId })),
    fc.record({ skillId: hostile, score: fc.double({ min: 0, max: 100, noNaN: true }) }).map(health),
    hostile.map((name) => toolkit({ toolkit: name })),
  ),
  { maxLength: 30 },
);

async function rendered(cells: ReturnType<typeof createCells>): Promise<string> {
  return (await createRenderer().render(takeSnapshot(cells))).toString();
}

describe.each(clients)('what $title writes', ({ client }) => {
  test('is what we write, to the letter, for any values and any text', async () => {
    await fc.assert(
      fc.asyncProperty(events, async (all) => {
        const cells = createCells({ maxLabelSets: 6, labels: ['org_id'] });
        all.forEach(cells.record);
        const registry = new client.Registry();
        registerCells(cells, registry);
        expect(await rendered(cells)).toBe(await registry.metrics());
      }),
      { numRuns: 150 },
    );
  });

  test('is what we write of numbers that no client would record', async () => {
    const cells = createCells();
    for (const number of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, -1.5]) {
      cells.record(health({ skillId: `${number}`, score: number }));
      cells.record(execution({ name: `${number}`, latencyMs: number }));
    }
    const registry = new client.Registry();
    registerCells(cells, registry);
    // prom-client 15 writes `Nan`, which the format does not know.
    expect(await rendered(cells)).toBe((await registry.metrics()).replaceAll(' Nan\n', ' NaN\n'));
  });

  test('is what we write where a series alone is larger than the pieces of memory that it is written to', async () => {
    const cells = createCells({ latencyBucketsMs: Array.from({ length: 200 }, (_, at) => at + 1) });
    for (const name of ['a', '漢', 'é'].map((letter) => letter.repeat(256))) {
      cells.record(execution({ kind: 'tool', name, toolkit: name, latencyMs: 7.5 }));
      cells.record(execution({ kind: 'tool', name: `${name.slice(1)}b`, toolkit: name, latencyMs: 1e308 }));
    }
    const registry = new client.Registry();
    registerCells(cells, registry);
    expect(await rendered(cells)).toBe(await registry.metrics());
  });

  test('of metrics of its own that count the same is what we write', async () => {
    const cells = createCells();
    const register = new client.Registry();
    const labelNames = ['tool_name', 'toolkit'];
    const total = new client.Counter({
      name: 'toolweaver_tool_executions_total',
      help: 'Calls of a tool.',
      labelNames: [...labelNames, 'status'],
      registers: [register],
    });
    const duration = new client.Histogram({
      name: 'toolweaver_tool_duration_seconds',
      help: 'How long calls of a tool took.',
      labelNames,
      buckets: [0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60],
      registers: [register],
    });
    const tools = ['search', 'say "hi"', 'back\\slash', 'über'];
    for (let number = 0; number < 500; number += 1) {
      const labels = { tool_name: tools[number % 4] as string, toolkit: number % 3 === 0 ? 'web' : '' };
      const success = number % 7 !== 0;
      const latencyMs = (number * 7919) % 70_000;
      cells.record(execution({ kind: 'tool', name: labels.tool_name, toolkit: labels.toolkit, success, latencyMs }));
      total.inc({ ...labels, status: 'success' }, success ? 1 : 0);
      total.inc({ ...labels, status: 'failure' }, success ? 0 : 1);
      duration.observe(labels, latencyMs / 1000);
    }
    const ours = await rendered(cells);
    for (const family of (await register.metrics()).trimEnd().split('\n\n')) {
      expect(ours).toContain(`${family}\n`);
    }
  });
});

test('whatever the names are, the text can be parsed, and every series is right', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(
        hostile.map((name) => name.toWellFormed()),
        { minLength: 1, maxLength: 20 },
      ),
      async (names) => {
        const cells = createCells();
        names.forEach((name, at) => {
          for (let count = 0; count <= at; count += 1) {
            cells.record(execution({ name, latencyMs: 20 }));
          }
        });
        const family = parse(await rendered(cells)).get('toolweaver_skill_executions_total');
        expect(family?.samples.map(({ labels, value }) => [labels['skill_id'], value])).toEqual(
          names.map((name, at) => [name, at + 1]),
        );
      },
    ),
  );
});

test('labels that prom-client takes for one are told apart', async () => {
  const cells = createCells({ labels: ['org_id'] });
  cells.record(execution({ name: 'x,org_id:y', orgId: 'z' }));
  cells.record(execution({ name: 'x', orgId: 'y,org_id:z' }));
  const family = parse(await rendered(cells)).get('toolweaver_skill_executions_total');
  expect(family?.samples.map(({ value }) => value)).toEqual([1, 1]);
});

test('what comes after the limit is one series, with the marker that OTLP has', async () => {
  const cells = createCells({ maxLabelSets: 2 });
  for (const name of ['a', 'b', 'c']) {
    cells.record(execution({ kind: 'tool', name, toolkit: 'k' }));
  }
  const text = await rendered(cells);
  expect(text).toContain('toolweaver_tool_executions_total{status="success",otel_metric_overflow="true"} 2\n');
  expect(text).toContain('toolweaver_tool_duration_seconds_count{otel_metric_overflow="true"} 2\n');
  parse(text);
});

test('a sum that is beyond all numbers is written as such, and the rest is right', async () => {
  const cells = createCells();
  cells.record(execution({ name: 'a', latencyMs: Number.MAX_VALUE }));
  cells.record(execution({ name: 'a', latencyMs: Number.MAX_VALUE }));
  cells.record(execution({ name: 'b', latencyMs: 5 }));
  const samples = parse(await rendered(cells)).get('toolweaver_skill_latency_milliseconds')?.samples ?? [];
  const sums = samples.filter(({ name }) => name.endsWith('_sum')).map(({ value }) => value);
  expect(sums).toEqual([Number.POSITIVE_INFINITY, 5]);
});

test('numbers that change while they are written do not contradict each other', async () => {
  const count = 5000;
  const cells = createCells({ maxLabelSets: count });
  for (let number = 0; number < count; number += 1) {
    cells.record(execution({ name: `skill-${number}`, success: true }));
  }
  const rendering = rendered(cells);
  let turns = 0;
  const busy = setInterval(() => {
    turns += 1;
    for (let number = 0; number < count; number += 100) {
      cells.record(execution({ name: `skill-${number}`, success: true }));
    }
  });
  const text = await rendering;
  clearInterval(busy);
  // It has let others have their turn.
  expect(turns).toBeGreaterThan(0);
  const sumOf = (name: string): number =>
    [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'gm'))].reduce((sum, [, value]) => sum + Number(value), 0);
  expect(sumOf('toolweaver_skill_executions_total')).toBe(count);
  expect(sumOf('toolweaver_skill_success_total')).toBe(count);
});
