import { describe, expect, test } from 'vitest';
import { createSampler } from '../src/events/sampling.ts';
import type { AnalyticsEvent } from '../src/index.ts';
import { farSide } from './support/far-side.ts';
import { dropsOf, statsOf } from './support/ledger.ts';
import { eventOf, minimal, types } from './support/normalize.ts';
import { rig } from './support/rig.ts';

/** A small generator of pseudo-random numbers (mulberry32), so that a run can be repeated. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function thrower(): never {
  throw new Error('no entropy');
}

const never = (): number => 0.999_999;
const execution = (fields: object = {}): AnalyticsEvent => eventOf({ ...minimal.execution, latencyMs: 10, ...fields });

describe('sampling', () => {
  test.each([0.5, 0.1, 0.013])('at a rate of %d gives weights that sum up to the true count and cost', (sampleRate) => {
    const sample = createSampler({ sampleRate, slowMs: 5000, random: seeded(42) });
    const total = 200_000;
    let kept = 0;
    let count = 0;
    let latency = 0;
    let trueLatency = 0;
    for (let at = 0; at < total; at += 1) {
      const event = execution({ latencyMs: at % 1000 });
      const sampled = sample(event) as { weight?: number; latencyMs: number } | undefined;
      trueLatency += at % 1000;
      if (sampled !== undefined) {
        kept += 1;
        count += sampled.weight ?? 1;
        latency += (sampled.weight ?? 1) * sampled.latencyMs;
      }
    }
    // Six standard deviations of a binomial count; the sum of latencies spreads a little more.
    const tolerance = (6 * Math.sqrt(total * sampleRate * (1 - sampleRate))) / sampleRate;
    expect(Math.abs(count - total)).toBeLessThan(tolerance);
    expect(Math.abs(latency / trueLatency - 1)).toBeLessThan((1.2 * tolerance) / total);
    expect(Math.abs(kept - total * sampleRate)).toBeLessThan(tolerance * sampleRate);
  });

  test('at a rate of 0 keeps no ordinary success', () => {
    const sample = createSampler({ sampleRate: 0, slowMs: 5000, random: () => 0 });
    expect(sample(execution())).toBeUndefined();
    expect(sample(execution({ success: false }))).toBeDefined();
  });

  test('at a rate of 1 changes nothing and asks nobody', () => {
    const sample = createSampler({
      sampleRate: 1,
      slowMs: 5000,
      random() {
        throw new Error('asked');
      },
    });
    const event = execution();
    expect(sample(event)).toBe(event);
  });

  test('always keeps failures, and what took slowMs or longer, with a weight of 1', () => {
    const sample = createSampler({ sampleRate: 0.1, slowMs: 5000, random: never });
    for (const event of [
      execution({ success: false }),
      execution({ latencyMs: 5000 }),
      execution({ latencyMs: 1e9 }),
    ]) {
      expect(sample(event)).toBe(event);
      expect(event.weight).toBeUndefined();
    }
    expect(sample(execution({ latencyMs: 4999.99 }))).toBeUndefined();
    expect(sample(execution({ latencyMs: undefined }))).toBeUndefined();
  });

  test.each(types.filter((type) => type !== 'execution'))('always keeps a %s', (type) => {
    const event = eventOf(minimal[type]);
    expect(createSampler({ sampleRate: 0, slowMs: 5000, random: never })(event)).toBe(event);
  });

  test('gives the kept ones the inverse of the rate', () => {
    const sample = createSampler({ sampleRate: 0.25, slowMs: 5000, random: () => 0.249 });
    const event = execution({ name: 'pdf' });
    expect(sample(event)).toEqual({ ...event, weight: 4 });
    expect(event.weight).toBeUndefined();
    expect(createSampler({ sampleRate: 0.25, slowMs: 5000, random: () => 0.25 })(event)).toBeUndefined();
  });
});

describe('a client that samples', () => {
  test('counts what it leaves out, so that nothing is unaccounted for', async () => {
    const { analytics, record, side } = rig({ maxEvents: 1000 }, { sampleRate: 0.2, random: seeded(7) });
    record(...Array.from({ length: 500 }, () => 'e'));
    await analytics.flush();
    expect(statsOf(analytics).accepted).toBe(500);
    expect(dropsOf(analytics)).toEqual({ sampled: 500 - side.held.length });
    expect(side.held.every(({ weight }) => weight === 5)).toBe(true);
    expect(side.held.length).toBeGreaterThan(60);
    expect(side.held.length).toBeLessThan(140);
  });

  test('decides once for all backends', async () => {
    const [one, two] = [farSide({ name: 'one' }), farSide({ name: 'two' })];
    const { analytics, record } = rig({}, { backends: [one, two], sampleRate: 0.5, random: seeded(3) });
    record(...Array.from({ length: 100 }, (_, at) => `e${at}`));
    await analytics.flush();
    expect(one.held.map(({ id }) => id)).toEqual(two.held.map(({ id }) => id));
    expect(one.held.length).toBeGreaterThan(20);
  });

  test.each([() => Number.NaN, () => 1, () => -0.1, () => 'x' as never, thrower])(
    'takes the chance of the machine where that of the user is broken',
    (random) => {
      const { analytics, record, errors } = rig({}, { sampleRate: 0.5, random });
      record(...Array.from({ length: 1000 }, () => 'e'));
      const { dropped } = statsOf(analytics);
      expect(dropped.sampled).toBeGreaterThan(350);
      expect(dropped.sampled).toBeLessThan(650);
      expect(errors).toEqual([]);
    },
  );

  test('keeps what is tracked at the rate of its subject, in place of its own', async () => {
    const { analytics, side, errors } = rig({ maxEvents: 1000 }, { sampleRate: 0, random: seeded(5) });
    const half = analytics.wrapTool(() => 1, { kind: 'tool', name: 'half', sampleRate: 0.5 });
    const all = analytics.wrapTool(() => 1, { kind: 'tool', name: 'all', sampleRate: 1 });
    for (let call = 0; call < 200; call += 1) {
      half();
      all();
    }
    analytics.wrapTool(() => 1, { kind: 'tool', name: 'none' })();
    await expect(
      analytics.trackOperation({ name: 'failed', sampleRate: 0 }, () => Promise.reject(new Error('mine'))),
    ).rejects.toThrow('mine');
    await analytics.trackOperation({ name: 'wrong', sampleRate: 2 }, () => {});
    await analytics.flush();
    const named = (wanted: string) => side.held.filter((event) => event.type === 'execution' && event.name === wanted);
    expect(named('half').every(({ weight }) => weight === 2)).toBe(true);
    expect(named('half').length).toBeGreaterThan(60);
    expect(named('half').length).toBeLessThan(140);
    expect(named('all')).toHaveLength(200);
    expect(named('failed')).toHaveLength(1);
    expect(dropsOf(analytics)).toEqual({ sampled: 201 - named('half').length, invalid: 1 });
    expect(errors.map(({ message }) => message)).toEqual([
      'Refused an event: sampleRate must be a number from 0 to 1, got 2',
    ]);
  });

  test('has slowMs of 5 s by default', async () => {
    const { analytics, side } = rig({}, { sampleRate: 0 });
    for (const latencyMs of [4999, 5000]) {
      analytics.recordSkillExecution({ skillId: 'a', success: true, latencyMs });
    }
    await analytics.flush();
    expect(side.held).toMatchObject([{ latencyMs: 5000 }]);
  });
});
