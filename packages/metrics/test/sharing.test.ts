import { type Backend, createAnalytics } from '@toolweaver/analytics-core';
import { type Cells, type CellsOptions, createCells } from '@toolweaver/analytics-metrics';
import { expect, test } from 'vitest';
import { values } from './support.ts';

const counter = 'toolweaver_skill_executions_total';

function backendOf(name: string, cells: Cells): Backend {
  return {
    name,
    delivery: 'immediate',
    settings: {},
    attach: cells.attach,
    write(events) {
      for (const event of events) {
        cells.record(event);
      }
    },
  };
}

/** Records an execution into a client with cells of each of these options. */
function recorded(...options: readonly CellsOptions[]): readonly Cells[] {
  const all = options.map((one) => createCells(one));
  const client = createAnalytics({ backends: all.map((cells, at) => backendOf(`cells ${at}`, cells)) });
  client.recordSkillExecution({ skillId: 'a', orgId: 'o', success: true, latencyMs: 3 });
  return all;
}

test('cells of one client that would count the same count once, and all show it', () => {
  const [first, second] = recorded({ labels: ['org_id'] }, { labels: ['org_id'], maxLabelSets: 2000 });
  expect(second?.families()).toBe(first?.families());
  expect(values(second as Cells, counter)).toEqual({ 'a,o': 1 });
  expect(values(second as Cells, 'toolweaver_analytics_events_total')).toMatchObject({
    'cells 0,delivered,': 1,
    'cells 1,delivered,': 1,
  });
});

test('cells that count otherwise count for themselves', () => {
  const cells = recorded({}, { labels: ['org_id'] }, { namespace: 'acme' }, { buckets: 'exponential' }, {});
  const families = cells.map((one) => one.families());
  expect(new Set(families).size).toBe(4);
  expect(values(cells[1] as Cells, counter)).toEqual({ 'a,o': 1 });
  expect(values(cells[4] as Cells, counter)).toEqual({ a: 1 });
});

test('observers keep what their own cells observe', () => {
  const observed: string[] = [];
  const observer = (who: string) => () => ({ add: () => 0, observe: () => void observed.push(who) });
  recorded({ observer: observer('first') }, {}, { observer: observer('second') });
  expect(observed).toEqual(['first', 'second']);
});

test('two clients never share', () => {
  const [first] = recorded({});
  const [second] = recorded({});
  expect(values(first as Cells, counter)).toEqual({ a: 1 });
  expect(values(second as Cells, counter)).toEqual({ a: 1 });
});
