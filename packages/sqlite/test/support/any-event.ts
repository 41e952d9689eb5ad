import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import fc from 'fast-check';

// Any event that core can make, with any of its optional fields.

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 });

const hostile = fc.constantFrom(
  `'; DROP TABLE executions; --`,
  '"quoted"',
  '__proto__',
  'constructor',
  '\u202e🧶\u202c',
  '%_?$1',
  'NULL',
  '0',
  'ÿ\uffee\u{10ffff}',
);
const text = fc.oneof(
  hostile,
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((some) => !some.includes('\0')),
);
const lines = fc.oneof(text, fc.constant('one\ntwo\r\n\tthree'));
/** Biased ones would repeat. */
const uuid = fc.noBias(fc.uuid());
/** But for what is refused as of seconds. */
const at = fc.integer({ min: 0, max: 4_102_444_799_999 }).filter((ms) => ms < 1e9 || ms >= 1e10);
const positive = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((number) => number + 0);
const whole = fc.maxSafeNat();
const flag = fc.boolean();
const json = fc
  .dictionary(text, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
  // As it comes out of JSON: -0 is 0 there.
  .map((value) => JSON.parse(JSON.stringify(value)));

const common = {
  id: uuid,
  at,
  runId: maybe(text),
  userId: maybe(text),
  orgId: maybe(text),
  weight: maybe(fc.constantFrom(1.5, 10 / 3, 100)),
  attributes: maybe(json),
};
const error = maybe(fc.record({ type: text, message: lines }, { requiredKeys: ['type'] }));

const execution = fc.record({
  type: fc.constant('execution'),
  ...common,
  kind: fc.constantFrom('skill', 'tool', 'llm', 'agent', 'search', 'operation'),
  name: text,
  success: flag,
  latencyMs: maybe(positive),
  error,
  version: maybe(text),
  toolkit: maybe(text),
  parentId: maybe(uuid),
  attempt: maybe(whole),
  cacheHit: maybe(flag),
  inputBytes: maybe(whole),
  outputBytes: maybe(whole),
  model: maybe(text),
  provider: maybe(text),
  usage: maybe(
    fc.record({
      inputTokens: whole,
      cacheReadTokens: whole,
      cacheWriteTokens: whole,
      outputTokens: whole,
      reasoningTokens: whole,
    }),
  ),
  cost: maybe(fc.record({ nanoUsd: whole, source: fc.constantFrom('provider', 'override', 'computed') })),
});
const others = [
  fc.record({
    type: fc.constant('rating'),
    ...common,
    skillId: text,
    rating: fc.integer({ min: 1, max: 5 }),
    executionId: maybe(uuid),
    comment: maybe(lines),
  }),
  fc.record({
    type: fc.constant('health'),
    ...common,
    skillId: text,
    score: fc.integer({ min: 0, max: 1000 }).map((ten) => ten / 10),
    deprecated: maybe(flag),
  }),
  fc.record({
    type: fc.constant('toolkit'),
    ...common,
    toolkit: text,
    operation: fc.constantFrom('create', 'cache_hit', 'cache_miss', 'cleanup'),
    durationMs: positive,
    success: flag,
    error,
  }),
  fc.record({
    type: fc.constant('metrics'),
    ...common,
    values: fc
      .dictionary(text, fc.double({ noNaN: true, noDefaultInfinity: true }), { minKeys: 1, maxKeys: 5 })
      .map((values) => JSON.parse(JSON.stringify(values))),
    step: maybe(whole),
  }),
  fc.record({
    type: fc.constant('run'),
    ...common,
    runId: text,
    state: fc.constantFrom('started', 'finished', 'failed'),
    name: maybe(text),
    project: maybe(text),
    config: maybe(json),
    tags: maybe(fc.array(text, { maxLength: 3 })),
    summary: maybe(json),
  }),
  fc.record({ type: fc.constant('artifact'), ...common, name: text, kind: text, path: lines }),
  fc.record({
    type: fc.constant('artifact'),
    ...common,
    name: text,
    kind: text,
    bytes: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
  }),
];

export const events: fc.Arbitrary<AnalyticsEvent> = fc
  .oneof({ weight: 5, arbitrary: execution }, ...others)
  .map((fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never);
