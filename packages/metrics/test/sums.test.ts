import { createCells } from '@toolweaver/analytics-metrics';
import { execution } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { values } from './support.ts';

const few = fc.constantFrom('a', 'b', 'c');
const usage = { inputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 2, reasoningTokens: 0 };
const events = fc.array(
  fc
    .record({
      kind: fc.constantFrom('skill', 'tool', 'llm', 'agent'),
      name: few,
      model: fc.option(few, { nil: undefined }),
      provider: few,
      toolkit: few,
      orgId: few,
      success: fc.boolean(),
      cost: fc.option(
        fc.nat().map((nanoUsd) => ({ nanoUsd, source: 'provider' as const })),
        { nil: undefined },
      ),
      usage: fc.option(fc.constant(usage), { nil: undefined }),
    })
    .map(execution),
  { maxLength: 60 },
);

/** Adds up by the labels that the function names. */
function summed(
  all: readonly ReturnType<typeof execution>[],
  of: (event: ReturnType<typeof execution>) => readonly [key: string, value: number] | undefined,
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [key, value] of all.flatMap((event) => [of(event) ?? []]).filter((pair) => pair.length === 2)) {
    sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}

test('costs and tokens go to the labels of their own execution, in whatever order executions come', () => {
  fc.assert(
    fc.property(events, (all) => {
      const cells = createCells({ labels: ['org_id'] });
      all.forEach(cells.record);
      const dollars = (nanos: Record<string, number>) =>
        Object.fromEntries(Object.entries(nanos).map(([key, nano]) => [key, nano / 1e9]));
      expect(values(cells, 'toolweaver_cost_dollars_total')).toEqual(
        dollars(
          summed(
            all,
            ({ kind, name, model, orgId, cost }) => cost && [[kind, name, model, orgId].join(), cost.nanoUsd],
          ),
        ),
      );
      expect(values(cells, 'toolweaver_tool_cost_usd_total')).toEqual(
        dollars(
          summed(all, ({ kind, name, toolkit, orgId, cost }) =>
            kind === 'tool' && cost !== undefined ? [[name, toolkit, orgId].join(), cost.nanoUsd] : undefined,
          ),
        ),
      );
      const outputs = Object.entries(values(cells, 'toolweaver_token_usage_total')).filter(([key]) =>
        key.includes(',output,'),
      );
      expect(Object.fromEntries(outputs)).toEqual(
        summed(all, ({ model, orgId, usage }) => usage && [[model, 'output', orgId].join(), usage.outputTokens]),
      );
    }),
  );
});

test('thousands of label sets count each for itself', () => {
  const all = Array.from({ length: 30_000 }, (_, at) => {
    const [name, toolkit, orgId] = [`tool-${at % 97}`, `kit-${at % 11}`, `org-${at % 13}`];
    return execution({ kind: 'tool', name, toolkit, orgId, success: at % 3 > 0, error: { type: `Error${at % 2}` } });
  });
  const cells = createCells({ labels: ['org_id'], maxLabelSets: 50_000 });
  all.forEach(cells.record);
  const keyOf = ({ name, toolkit, orgId }: (typeof all)[number], more: string | undefined): string =>
    [name, toolkit, more, orgId].join();
  const found = (name: string): Record<string, number> =>
    Object.fromEntries(Object.entries(values(cells, name)).filter(([, value]) => value > 0));
  const outcome = (success: boolean): string => (success ? 'success' : 'failure');
  const executions = summed(all, (event) => [keyOf(event, outcome(event.success)), 1]);
  expect(Object.keys(executions).length).toBeGreaterThan(15_000);
  expect(found('toolweaver_tool_executions_total')).toEqual(executions);
  expect(found('toolweaver_tool_errors_total')).toEqual(
    summed(all, (event) => (event.success ? undefined : [keyOf(event, event.error?.type), 1])),
  );
});

test('beyond the limit nothing is lost, and each event that came too late is counted as such', () => {
  fc.assert(
    fc.property(events, (all) => {
      const cells = createCells({ labels: ['org_id'], maxLabelSets: 10 });
      all.forEach(cells.record);
      const total = (sums: Record<string, number>): number =>
        Object.values(sums).reduce((sum, value) => sum + value, 0);
      const spent = all.reduce((sum, { cost }) => sum + (cost?.nanoUsd ?? 0), 0) / 1e9;
      expect(total(values(cells, 'toolweaver_cost_dollars_total'))).toBeCloseTo(spent, 6);
      const seen = new Set<string>();
      let late = 0;
      for (const { kind, name, model, orgId, cost } of all) {
        const key = [kind, name, model, orgId].join();
        if (cost !== undefined && !seen.has(key) && seen.size === 10) {
          late += 1;
        } else if (cost !== undefined) {
          seen.add(key);
        }
      }
      const overflow = values(cells, 'toolweaver_analytics_label_overflow_total');
      expect(overflow['toolweaver_cost_dollars_total'] ?? 0).toBe(late);
    }),
  );
});

test('what came before the limit has all of its costs and no other, whoever shares the series of the rest', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd');
  const costly = fc
    .record({
      kind: fc.constantFrom('skill', 'tool', 'llm'),
      name: names,
      toolkit: fc.constantFrom('k', 'l'),
      model: fc.constantFrom(undefined, undefined, 'm'),
      cost: fc.option(
        fc.nat().map((nanoUsd) => ({ nanoUsd, source: 'provider' as const })),
        { nil: undefined },
      ),
    })
    .map(execution);
  const many = fc.array(costly, { minLength: 20, maxLength: 80 });
  fc.assert(
    fc.property(many, fc.integer({ min: 1, max: 12 }), (all, maxLabelSets) => {
      const cells = createCells({ maxLabelSets });
      all.forEach(cells.record);
      const ofAll = summed(all, ({ kind, name, model, cost }) => cost && [[kind, name, model].join(), cost.nanoUsd]);
      const ofTools = summed(all, ({ kind, name, toolkit, cost }) =>
        kind === 'tool' && cost !== undefined ? [[name, toolkit].join(), cost.nanoUsd] : undefined,
      );
      for (const [metric, expected] of [
        ['toolweaver_cost_dollars_total', ofAll],
        ['toolweaver_tool_cost_usd_total', ofTools],
      ] as const) {
        const rest = { ...expected };
        for (const [key, dollars] of Object.entries(values(cells, metric))) {
          const nanos = Math.round(dollars * 1e9);
          if (key.startsWith('overflow')) {
            rest['overflow'] = -nanos;
          } else {
            expect({ [key]: nanos }).toEqual({ [key]: expected[key] });
            delete rest[key];
          }
        }
        // Rounded: what the rest costs is a sum of two numbers of dollars.
        expect(Object.values(rest).reduce((sum, nanos) => sum + nanos, 0)).toBeCloseTo(0, -1);
      }
      const seen = new Set<string>();
      const late = all.filter(({ kind, name, model, cost }) => {
        const key = [kind, name, model].join();
        if (cost !== undefined && seen.size < maxLabelSets) {
          seen.add(key);
        }
        return cost !== undefined && !seen.has(key);
      });
      const overflow = values(cells, 'toolweaver_analytics_label_overflow_total');
      expect(overflow['toolweaver_cost_dollars_total'] ?? 0).toBe(late.length);
    }),
    { numRuns: 300 },
  );
});

test('organisations and users are told apart, in whatever order they come', () => {
  const who = fc.record({ orgId: fc.option(few, { nil: undefined }), userId: fc.option(few, { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(who, { maxLength: 60 }), (all) => {
      const cells = createCells({ labels: ['org_id', 'user_id'] });
      const executions = all.map((one) => execution({ ...one, kind: 'skill', name: 's' }));
      executions.forEach(cells.record);
      expect(values(cells, 'toolweaver_skill_executions_total')).toEqual(
        summed(executions, ({ name, orgId, userId }) => [[name, orgId, userId].join(), 1]),
      );
    }),
  );
});
