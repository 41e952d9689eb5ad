import { createAnalytics } from '@toolweaver/analytics-core';
import { createCells, type OptionalLabel } from '@toolweaver/analytics-metrics';
import { execution } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';
import { retainedBytes } from '../../../test/support/memory.ts';
import { familyOf, values } from './support.ts';

test('a label that was cut out of a long text does not keep that text in memory', () => {
  const count = 200;
  const recorded = (labels: readonly OptionalLabel[]): unknown => {
    const cells = createCells({ labels });
    for (let number = 0; number < count; number += 1) {
      const text = Buffer.from(
        `skill-number-${number}/user-number-${number}/org-number-${number}/${'x'.repeat(200_000)}`,
      );
      const [name = '', userId, orgId] = text.toString().split('/');
      cells.record(execution({ kind: 'skill', name, userId, orgId }));
      cells.record(execution({ kind: 'tool', name, toolkit: userId, userId, orgId }));
    }
    return cells;
  };
  for (const labels of [[], ['user_id'], ['user_id', 'org_id']] as const) {
    expect(retainedBytes(() => recorded(labels)) / count).toBeLessThan(20_000);
  }
});

test('label sets beyond the limit share one series, and nothing is lost', () => {
  const cells = createCells({ maxLabelSets: 3 });
  for (let number = 0; number < 10; number += 1) {
    cells.record(execution({ kind: 'skill', name: `skill-${number}`, success: number !== 9, latencyMs: 5 }));
  }
  cells.record(execution({ kind: 'skill', name: 'skill-0', success: true, latencyMs: 5 }));
  expect(values(cells, 'toolweaver_skill_executions_total')).toEqual({
    'skill-0': 2,
    'skill-1': 1,
    'skill-2': 1,
    'overflow,': 7,
  });
  expect(values(cells, 'toolweaver_skill_failures_total')).toMatchObject({ 'overflow,': 1 });
  expect(values(cells, 'toolweaver_analytics_label_overflow_total')).toEqual({
    toolweaver_skill_executions_total: 7,
  });
});

test('a client shows from the start that nothing came after a limit, so that a rate sees the first that does', () => {
  const cells = createCells({ semconv: 'both', maxLabelSets: 1 });
  const { stats } = createAnalytics({ backends: [] });
  cells.attach({ stats, activeOperations: () => 0, report() {}, shared: new Map() });
  const before = values(cells, 'toolweaver_analytics_label_overflow_total');
  expect(before).toMatchObject({ toolweaver_skill_executions_total: 0, 'gen_ai.execute_tool.duration': 0 });
  expect(new Set(Object.values(before))).toEqual(new Set([0]));
  cells.record(execution({ kind: 'skill', name: 'a' }));
  cells.record(execution({ kind: 'skill', name: 'b' }));
  expect(values(cells, 'toolweaver_analytics_label_overflow_total')).toEqual({
    ...before,
    toolweaver_skill_executions_total: 1,
  });
});

test('a call of a model that came after the limit is one event, however many series it has', () => {
  const cells = createCells({ semconv: 'genai', maxLabelSets: 2 });
  const usage = { inputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 2, reasoningTokens: 0 };
  for (const name of ['a', 'b', 'c', 'd']) {
    cells.record(execution({ kind: 'llm', name, model: name, success: true, usage }));
  }
  expect(values(cells, 'toolweaver_analytics_label_overflow_total')).toMatchObject({ 'gen_ai.client.token.usage': 3 });
  const { labelSets } = familyOf(cells, 'gen_ai.client.token.usage');
  expect(labelSets.map(({ isOverflow }) => isOverflow)).toEqual([false, false, true, true]);
});

test('the limit counts the series of a metric, and the overflow series still tells the outcomes apart', () => {
  const cells = createCells({ maxLabelSets: 4 });
  for (let number = 0; number < 5; number += 1) {
    cells.record(execution({ kind: 'tool', name: `tool-${number}`, toolkit: 'k', success: number === 4 }));
  }
  expect(values(cells, 'toolweaver_tool_executions_total')).toEqual({
    'tool-0,k,success': 0,
    'tool-0,k,failure': 1,
    'tool-1,k,success': 0,
    'tool-1,k,failure': 1,
    'overflow,,,success': 1,
    'overflow,,,failure': 2,
  });
});

test.each([
  [1, 1],
  [2, 1],
  [5, 2],
])('of %i series %i tools have both of theirs', (maxLabelSets, whole) => {
  const cells = createCells({ maxLabelSets });
  for (let number = 0; number < 5; number += 1) {
    cells.record(execution({ kind: 'tool', name: `tool-${number}`, toolkit: 'k', success: true }));
  }
  const { labelSets } = familyOf(cells, 'toolweaver_tool_executions_total');
  expect(labelSets.filter(({ isOverflow }) => !isOverflow)).toHaveLength(2 * whole);
  expect(values(cells, 'toolweaver_tool_executions_total')).toMatchObject({ 'overflow,,,success': 5 - whole });
});

test('a million names leave as many series as the limit says', () => {
  const cells = createCells();
  for (let number = 0; number < 1_000_000; number += 1) {
    cells.record(execution({ kind: 'skill', name: `skill-${number}`, success: true }));
  }
  expect(familyOf(cells, 'toolweaver_skill_executions_total').labelSets).toHaveLength(2001);
  expect(values(cells, 'toolweaver_skill_executions_total')['overflow,']).toBe(998_000);
});
