import { describe, expect, test } from 'vitest';
import { sizeOf } from '../src/events/size.ts';
import { eventOf, minimal, types } from './support/normalize.ts';

const size = (input: object): number => sizeOf(eventOf(input));
const long = 'x'.repeat(200);

describe('the estimated size of an event', () => {
  test.each(types)('%s: at least the object itself, at most a kilobyte when it says little', (type) => {
    expect(size(minimal[type])).toBeGreaterThanOrEqual(200);
    expect(size(minimal[type])).toBeLessThan(1000);
  });

  test.each([
    ['execution', ['name', 'runId', 'userId', 'orgId', 'version', 'toolkit', 'model', 'provider']],
    ['rating', ['skillId', 'runId', 'userId', 'orgId', 'comment']],
    ['health', ['skillId', 'runId', 'userId', 'orgId']],
    ['toolkit', ['toolkit', 'runId', 'userId', 'orgId']],
    ['metrics', ['runId', 'userId', 'orgId']],
    ['run', ['runId', 'userId', 'orgId', 'name', 'project']],
    ['artifact', ['name', 'kind', 'path', 'runId', 'userId', 'orgId']],
  ] as const)('%s grows with each of its texts', (type, fields) => {
    for (const field of fields) {
      const grown = size({ ...minimal[type], [field]: long }) - size(minimal[type]);
      expect({ field, grown: grown >= 150 }).toEqual({ field, grown: true });
    }
  });

  test('counts two bytes for each character of a long text, as any alphabet may need', () => {
    const message = '\u4e00'.repeat(1000);
    const grown = (type: 'execution' | 'rating', field: object) =>
      size({ ...minimal[type], ...field }) - size(minimal[type]);
    expect(grown('execution', { error: { type: 'E', message } })).toBeGreaterThanOrEqual(2000);
    expect(grown('rating', { comment: message })).toBeGreaterThanOrEqual(2000);
  });

  test('counts errors, tokens and data', () => {
    const plain = size(minimal.execution);
    expect(size({ ...minimal.execution, error: { type: long, message: long } })).toBeGreaterThan(plain + 400);
    expect(size({ ...minimal.toolkit, error: { type: long } })).toBeGreaterThan(size(minimal.toolkit) + 200);
    expect(size({ ...minimal.execution, usage: { inputTokens: 1 } })).toBeGreaterThan(plain + 100);
    expect(size({ ...minimal.execution, attributes: { a: [long, { [long]: 1 }] } })).toBeGreaterThan(plain + 600);
    expect(size({ ...minimal.health, attributes: { a: long } })).toBeGreaterThan(size(minimal.health) + 400);
    for (const field of ['config', 'summary']) {
      expect(size({ ...minimal.run, [field]: { a: long } })).toBeGreaterThan(size(minimal.run) + 400);
    }
    expect(size({ ...minimal.run, tags: [long, long] })).toBeGreaterThan(size(minimal.run) + 800);
    expect(size({ type: 'artifact', name: 'a', kind: 'k', bytes: new Uint8Array(50_000) })).toBeGreaterThan(50_000);
  });
});
