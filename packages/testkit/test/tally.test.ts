import {
  artifact,
  execution,
  health,
  metrics,
  type Observation,
  rating,
  run,
  tally,
  toolkit,
} from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';
import { differences } from '../src/tally.ts';

describe('tally', () => {
  test('adds up executions by kind and name', () => {
    const tokens = { inputTokens: 1, cacheReadTokens: 2, cacheWriteTokens: 3, outputTokens: 4, reasoningTokens: 5 };
    const { executions } = tally([
      execution({ latencyMs: 10, cost: { nanoUsd: 3, source: 'provider' } }),
      execution({ latencyMs: undefined, success: false, weight: 4, cost: { nanoUsd: 2, source: 'provider' } }),
      execution({ kind: 'llm', latencyMs: undefined, weight: 2, usage: tokens }),
    ]);
    expect(executions).toEqual([
      {
        kind: 'skill',
        name: 'summarise',
        count: 5,
        successes: 1,
        failures: 4,
        latency: { count: 1, sumMs: 10 },
        nanoUsd: 11,
        tokens: null,
      },
      {
        kind: 'llm',
        name: 'summarise',
        count: 2,
        successes: 2,
        failures: 0,
        latency: { count: 0, sumMs: 0 },
        nanoUsd: null,
        tokens: { inputTokens: 2, cacheReadTokens: 4, cacheWriteTokens: 6, outputTokens: 8, reasoningTokens: 10 },
      },
    ]);
  });

  test('takes the latest of several readings, in whatever order they come', () => {
    const found = tally([
      health({ score: 2, at: 2000 }),
      health({ score: 1, at: 1000 }),
      run({ state: 'finished', at: 2000 }),
      run({ state: 'started', at: 1000 }),
      metrics({ values: { loss: 2 }, at: 2000 }),
      metrics({ values: { loss: 1 }, at: 1000 }),
    ]);
    expect(found.health).toEqual([{ skillId: 'summarise', score: 2 }]);
    expect(found.runs).toEqual([{ runId: 'run-1', state: 'finished' }]);
    expect(found.metrics).toEqual([{ name: 'loss', count: 2, last: 2 }]);
  });

  test('takes of a run the latest of what its events say', () => {
    const { runs } = tally([
      run({ state: 'finished', at: 3000, tags: [] }),
      run({ name: 'second', at: 2000 }),
      run({ name: 'first', config: { batch: 8 }, tags: ['eu'], at: 1000 }),
    ]);
    expect(runs).toEqual([{ runId: 'run-1', state: 'finished', name: 'second', config: { batch: 8 }, tags: [] }]);
  });

  test('counts ratings, toolkits and artifacts', () => {
    const found = tally([rating({ rating: 5 }), rating({ rating: 2 }), toolkit({ success: false }), artifact()]);
    expect(found.ratings).toEqual([{ skillId: 'summarise', count: 2, sum: 7 }]);
    expect(found.toolkits).toEqual([{ toolkit: 'files', operation: 'create', count: 1, failures: 1 }]);
    expect(found.artifacts).toEqual([{ name: 'report.md', kind: 'report', count: 1 }]);
  });

  test('keeps apart what JavaScript could mix up', () => {
    const names = ['__proto__', 'constructor', '1', '01', 'a","b'];
    expect(tally(names.map((name) => execution({ name }))).executions.map(({ name }) => name)).toEqual(names);
  });
});

describe('what an observation may look like', () => {
  const expected = tally([execution({ latencyMs: 30, cost: { nanoUsd: 5, source: 'provider' } })]);
  const subject = { kind: 'skill', name: 'summarise' } as const;
  const one = { ...subject, count: 1, successes: 1, failures: 0 };

  test.each<[what: string, observed: Observation, wrong: readonly string[]]>([
    ['the same', expected, []],
    ['without the parts and figures that are not kept', { executions: [one] }, []],
    [
      'in several series',
      { executions: [{ ...subject, count: 0, successes: 0, failures: 0 }, one, { ...one, count: 0, successes: 0 }] },
      [],
    ],
    [
      'with the series of another subject at zero',
      { executions: [one, { ...one, name: 'other', count: 0, successes: 0 }] },
      [],
    ],
    ['in floating-point seconds', { executions: [{ ...one, latency: { count: 1, sumMs: 0.1 * 3 * 100 } }] }, []],
    [
      'with money off by a nano-dollar',
      { executions: [{ ...one, nanoUsd: 6 }] },
      ['executions: "skill" "summarise": nanoUsd is 6 on the far side, should be 5'],
    ],
    ['without the execution', { executions: [] }, ['executions: "skill" "summarise" is missing on the far side']],
    [
      'with a rating too many',
      { executions: [one], ratings: [{ skillId: 'x', count: 1, sum: 5 }] },
      ['ratings: "x" is on the far side, but was not delivered'],
    ],
  ])('%s', (_what, observed, wrong) => {
    expect(differences(observed, expected)).toEqual(wrong);
  });

  test('a figure that a law needs has to be given', () => {
    expect(differences({ executions: [one] }, expected, ['nanoUsd'])).toEqual([
      'executions: "skill" "summarise": observe() gives no `nanoUsd`',
    ]);
  });

  test('of a reading there is one', () => {
    const twice: Observation = { executions: [], health: [1, 2].map((score) => ({ skillId: 'a', score })) };
    expect(differences(twice, tally([health({ skillId: 'a', score: 1 })]))).toEqual([
      'health: "a": observe() gives two values of `score`: 1 and 2',
    ]);
  });

  test('unknown in one series and not kept in another is unknown', () => {
    const unknown = tally([execution({ latencyMs: 30 })]);
    const split: Observation = {
      executions: [
        { ...one, nanoUsd: null },
        { ...one, count: 0, successes: 0 },
      ],
    };
    expect(differences(split, unknown, ['nanoUsd'])).toEqual([]);
    expect(differences({ executions: [{ ...one, nanoUsd: 0 }] }, unknown)).toEqual([
      'executions: "skill" "summarise": nanoUsd is 0 on the far side, should be null',
    ]);
  });
});
