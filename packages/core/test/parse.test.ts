import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEvent } from '../src/for-backends.ts';
import { type AnalyticsEvent, isAnalyticsError } from '../src/index.ts';
import { eventOf, known, minimal, types } from './support/normalize.ts';
import { isValid } from './support/valid.ts';

const origin = { id: '0190b0c4-7a1e-7000-8000-000000000001', at: 1_700_000_000_000 };
const call = { type: 'execution', kind: 'llm', name: 'answer', success: true, ...origin };

/** As a file holds it. */
function throughJson(event: AnalyticsEvent): unknown {
  const bytes = event.type === 'artifact' && event.bytes && Buffer.from(event.bytes).toString('base64');
  return JSON.parse(JSON.stringify(bytes === undefined ? event : { ...event, bytes }));
}

function refusal(data: unknown): { code: string; field: string | undefined; message: string } {
  try {
    parseEvent(data);
  } catch (thrown) {
    if (isAnalyticsError(thrown)) {
      return { code: thrown.code, field: thrown.problems[0]?.field, message: thrown.message };
    }
    throw thrown;
  }
  throw new Error('the data were accepted');
}

test.each(types)('takes an input of type %s that says its id and time', (type) => {
  const input = { ...minimal[type], ...origin };
  expect(parseEvent(input)).toEqual(eventOf(input));
});

test.each(['id', 'at'])('refuses data without %s', (field) => {
  for (const nothing of [undefined, null, '']) {
    expect(refusal({ ...call, [field]: nothing })).toEqual({
      code: 'INVALID_EVENT',
      field,
      message: `${field} must be given`,
    });
  }
});

test.each([undefined, null, 1, 'text', [], true])('refuses %j', (data) => {
  expect(refusal(data)).toMatchObject({ code: 'INVALID_EVENT', field: 'event' });
});

test('changes nothing of the data', () => {
  const data = Object.freeze({ ...call, cost: Object.freeze({ nanoUsd: 7, source: 'computed' }), weight: 2 });
  expect(known(parseEvent(data))).toEqual(data);
});

describe('cost', () => {
  test('may be whole nano-dollars, of which none is lost', () => {
    const cost = { nanoUsd: Number.MAX_SAFE_INTEGER - 1, source: 'override' };
    expect(parseEvent({ ...call, cost })).toMatchObject({ cost });
  });

  test('may be dollars', () => {
    expect(parseEvent({ ...call, cost: { usd: 0.0015 } })).toMatchObject({
      cost: { nanoUsd: 1_500_000, source: 'provider' },
    });
  });

  test.each([-1, 0.5, '1', null, Number.NaN, 2 ** 53])('of %j nano-dollars is refused', (nanoUsd) => {
    expect(refusal({ ...call, cost: { nanoUsd, source: 'computed' } })).toMatchObject({ field: 'cost.nanoUsd' });
  });

  test('of an unknown source is refused', () => {
    expect(refusal({ ...call, cost: { nanoUsd: 1, source: 'hearsay' } })).toMatchObject({ field: 'cost.source' });
  });
});

describe('weight', () => {
  test.each([1, 100, 10 / 3])('%d is kept', (weight) => {
    expect(parseEvent({ ...call, weight })).toMatchObject({ weight });
  });

  test.each([null, undefined])('%j is none', (weight) => {
    expect('weight' in parseEvent({ ...call, weight })).toBe(false);
  });

  test.each([0, 0.5, -1, Number.NaN, Number.POSITIVE_INFINITY, '2', true])('%j is refused', (weight) => {
    expect(refusal({ ...call, weight })).toMatchObject({ field: 'weight' });
  });
});

describe('bytes', () => {
  const artifact = { type: 'artifact', name: 'report', kind: 'pdf', ...origin };

  test('may be base64', () => {
    const bytes = Uint8Array.of(0, 255, 10, 13);
    expect(parseEvent({ ...artifact, bytes: Buffer.from(bytes).toString('base64') })).toMatchObject({ bytes });
    expect(parseEvent({ ...artifact, bytes: '' })).toMatchObject({ bytes: new Uint8Array() });
  });

  test.each(['AP8', 'AP8K DQ==', 'AP_KDQ==', 'no base64!', 7, [1]])('%j are refused', (bytes) => {
    expect(refusal({ ...artifact, bytes })).toMatchObject({ code: 'INVALID_EVENT', field: 'bytes' });
  });

  test('are as many as an artifact may have', () => {
    const bytes = Buffer.alloc(8 * 1024 * 1024 + 1).toString('base64');
    expect(refusal({ ...artifact, bytes })).toMatchObject({ code: 'TOO_LARGE', field: 'bytes' });
  });
});

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('__proto__', 'x'.repeat(300), 'é\0'),
);
const whole = fc.oneof(fc.nat(), fc.maxSafeNat());
/** Right values, nearly right ones, and any others. */
const fields: Record<string, fc.Arbitrary<unknown>> = {
  userId: text,
  name: text,
  comment: text,
  error: fc.record({ type: text, message: text }),
  attributes: fc.dictionary(text, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 }),
  values: fc.dictionary(text, fc.double(), { minKeys: 1, maxKeys: 3 }),
  tags: fc.array(text, { maxLength: 3 }),
  summary: fc.dictionary(text, fc.jsonValue()),
  latencyMs: fc.double({ min: 0 }),
  usage: fc.record({ inputTokens: whole, reasoningTokens: whole }),
  cost: fc.oneof(
    fc.record({ nanoUsd: whole, source: fc.constant('computed') }),
    fc.record({ usd: fc.float({ min: 0 }) }),
  ),
  weight: fc.double({ min: 0.5 }),
  bytes: fc.oneof(
    fc.base64String(),
    fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
  ),
  path: fc.constantFrom(undefined, 'a/b'),
};
const data = fc
  .tuple(
    fc.constantFrom(...types),
    fc.array(
      fc
        .constantFrom(...Object.keys(fields))
        .chain((field) =>
          fc.tuple(
            fc.constant(field),
            fc.oneof({ weight: 6, arbitrary: fields[field] as fc.Arbitrary<unknown> }, fc.jsonValue()),
          ),
        ),
      { maxLength: 4 },
    ),
  )
  .map(([type, some]) => ({ ...origin, ...minimal[type], ...Object.fromEntries(some) }));

test('what it returns is valid, and comes back from JSON as it is; what it does not take it says why', () => {
  let accepted = 0;
  fc.assert(
    fc.property(data, (given) => {
      let event: AnalyticsEvent;
      try {
        event = parseEvent(given);
      } catch (thrown) {
        expect(isAnalyticsError(thrown) && thrown.problems[0]?.field).toBeTruthy();
        return;
      }
      accepted += 1;
      expect(isValid(event)).toBe(true);
      expect(known(parseEvent(throughJson(event)))).toEqual(known(event));
    }),
    { numRuns: 2000 },
  );
  expect(accepted).toBeGreaterThan(500);
});
