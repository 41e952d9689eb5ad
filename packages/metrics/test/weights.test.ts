import { type CellsOptions, createCells, type Family } from '@toolweaver/analytics-metrics';
import { execution } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const few = fc.constantFrom('a', 'b');
const tokens = fc.nat({ max: 9 });
const option = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
// Whole milliseconds that are no thirds of anything, and whole nano-dollars: sums are then the same in any order.
const weighted = fc.tuple(
  fc.record({
    kind: fc.constantFrom('skill', 'tool', 'llm', 'agent', 'search', 'operation'),
    name: few,
    model: option(few),
    toolkit: option(few),
    orgId: option(few),
    success: fc.boolean(),
    cacheHit: option(fc.boolean()),
    latencyMs: option(fc.constantFrom(125, 250, 2000, 64_000)),
    error: option(fc.record({ type: few })),
    cost: option(fc.nat({ max: 99 }).map((nanoUsd) => ({ nanoUsd, source: 'provider' as const }))),
    usage: option(
      fc.record({
        inputTokens: tokens,
        cacheReadTokens: tokens,
        cacheWriteTokens: tokens,
        outputTokens: tokens,
        reasoningTokens: tokens,
      }),
    ),
  }),
  fc.integer({ min: 1, max: 5 }),
);

function seriesOf(family: Family): readonly unknown[] {
  const { labelSets, metric } = family;
  return labelSets.map((labelSet, at) => {
    if (family.kind !== 'explicit') {
      return [labelSet, family.value(at)];
    }
    const counts = new Float64Array((metric.bounds ?? []).length + 1);
    return [labelSet, family.read(at, counts), [...counts]];
  });
}

function shown(options: CellsOptions, events: readonly ReturnType<typeof execution>[]): readonly unknown[] {
  const cells = createCells(options);
  events.forEach(cells.record);
  return cells
    .families()
    .filter(({ metric }) => !metric.name.endsWith('label_overflow_total'))
    .map((family) => [family.metric.name, structuredClone(seriesOf(family))]);
}

test.each<CellsOptions>([
  { semconv: 'both', labels: ['org_id'] },
  { semconv: 'both', buckets: 'exponential' },
  { semconv: 'both', maxLabelSets: 3 },
])('%j: an execution of weight n is n executions, in every metric', (options) => {
  fc.assert(
    fc.property(fc.array(weighted, { maxLength: 30 }), (all) => {
      const once = all.map(([fields, weight]) => execution({ ...fields, weight }));
      const often = all.flatMap(([fields, weight]) => Array.from({ length: weight }, () => execution(fields)));
      expect(shown(options, once)).toEqual(shown(options, often));
    }),
  );
});
