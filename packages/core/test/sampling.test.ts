import { describe, expect, test } from 'vitest';
import { createSampler } from '../src/events/sampling.ts';
import type { Analytics, AnalyticsEvent } from '../src/index.ts';
import { farSide } from './support/far-side.ts';
import { dropsOf, statsOf } from './support/ledger.ts';
import { eventOf, minimal, types } from './support/normalize.ts';
import { rig } from './support/rig.ts';

const alone = (): undefined => {};
/** As like each other as ids can be. */
const idOf = (at: number): string => `01890a5d-ac96-774b-bcce-${at.toString(16).padStart(12, '0')}`;
const execution = (fields: object = {}): AnalyticsEvent =>
  eventOf({ ...minimal.execution, id: idOf(1), latencyMs: 10, ...fields });

describe('sampling', () => {
  test.each([0.5, 0.1, 0.013])('at a rate of %d gives weights that sum up to the true count and cost', (sampleRate) => {
    const sample = createSampler({ sampleRate, slowMs: 5000 }, alone);
    const total = 200_000;
    let kept = 0;
    let count = 0;
    let latency = 0;
    let trueLatency = 0;
    for (let at = 0; at < total; at += 1) {
      const event = execution({ id: idOf(at), latencyMs: at % 1000 });
      const sampled = sample(event) as { weight?: number; latencyMs: number } | undefined;
      trueLatency += at % 1000;
      if (sampled !== undefined) {
        kept += 1;
        count += sampled.weight ?? 1;
        latency += (sampled.weight ?? 1) * sampled.latencyMs;
      }
    }
    // Four standard deviations of a binomial count; the sum of latencies spreads a little more.
    const tolerance = (4 * Math.sqrt(total * sampleRate * (1 - sampleRate))) / sampleRate;
    expect(Math.abs(count - total)).toBeLessThan(tolerance);
    expect(Math.abs(latency / trueLatency - 1)).toBeLessThan((1.2 * tolerance) / total);
    expect(Math.abs(kept - total * sampleRate)).toBeLessThan(tolerance * sampleRate);
  });

  test.each([
    ['the outermost execution under way', (at: number) => [{ parentId: idOf(at + 7) }, idOf(at)]],
    ['its parent, where no more is known', (at: number) => [{ parentId: idOf(at) }, undefined]],
    ['itself, where it has none', (at: number) => [{ id: idOf(at) }, undefined]],
  ] as const)('goes by the id of %s', (_, of) => {
    const decide = (at: number, rate: number): boolean => {
      const [fields, root] = of(at) as [object, string | undefined];
      return createSampler({ sampleRate: rate, slowMs: 5000 }, () => root)(execution(fields)) !== undefined;
    };
    const alike = (at: number, rate: number): boolean =>
      createSampler({ sampleRate: rate, slowMs: 5000 }, alone)(execution({ id: idOf(at) })) !== undefined;
    for (let at = 0; at < 200; at += 1) {
      expect(decide(at, 0.5)).toBe(alike(at, 0.5));
      // What a lower rate keeps a higher one does.
      expect(decide(at, 0.5) || !decide(at, 0.2)).toBe(true);
    }
  });

  test('at a rate of 0 keeps no ordinary success', () => {
    const sample = createSampler({ sampleRate: 0, slowMs: 5000 }, alone);
    for (let at = 0; at < 1000; at += 1) {
      expect(sample(execution({ id: idOf(at) }))).toBeUndefined();
    }
    expect(sample(execution({ success: false }))).toBeDefined();
  });

  test('at a rate of 1 changes nothing and asks nobody', () => {
    const sample = createSampler({ sampleRate: 1, slowMs: 5000 }, () => {
      throw new Error('asked');
    });
    const event = execution();
    expect(sample(event)).toBe(event);
  });

  test('always keeps failures, and what took slowMs or longer, with a weight of 1', () => {
    const sample = createSampler({ sampleRate: 0, slowMs: 5000 }, alone);
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
    expect(createSampler({ sampleRate: 0, slowMs: 5000 }, alone)(event)).toBe(event);
  });

  test('gives the kept ones the inverse of the rate', () => {
    const sample = createSampler({ sampleRate: 0.25, slowMs: 5000 }, alone);
    const events = Array.from({ length: 100 }, (_, at) => execution({ id: idOf(at) }));
    const kept = events.filter((event) => sample(event));
    expect(kept.length).toBeGreaterThan(10);
    for (const event of kept) {
      expect(sample(event)).toEqual({ ...event, weight: 4 });
      expect(event.weight).toBeUndefined();
    }
  });
});

describe('a client that samples', () => {
  test('counts what it leaves out, so that nothing is unaccounted for', async () => {
    const { analytics, record, side } = rig({ maxEvents: 1000 }, { sampleRate: 0.2 });
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
    const { analytics, record } = rig({}, { backends: [one, two], sampleRate: 0.5 });
    record(...Array.from({ length: 100 }, (_, at) => `e${at}`));
    await analytics.flush();
    expect(one.held.map(({ id }) => id)).toEqual(two.held.map(({ id }) => id));
    expect(one.held.length).toBeGreaterThan(20);
  });

  const names = ({ held }: { readonly held: readonly AnalyticsEvent[] }): string[] =>
    held.flatMap((event) => (event.type === 'execution' ? event.name : []));

  test('keeps or leaves out an execution with all that is in it', async () => {
    const { analytics, side, record } = rig({ maxEvents: 10_000 }, { sampleRate: 0.3 });
    const search = analytics.wrapTool(async () => record('answer'), { name: 'search' });
    const rows = analytics.wrapTool(
      async function* () {
        yield 1;
      },
      { name: 'rows' },
    );
    for (let call = 0; call < 200; call += 1) {
      await analytics.trackRun({ id: 'one of many' }, () =>
        analytics.trackOperation({ kind: 'agent', name: 'agent' }, async ({ id }) => {
          await search();
          for await (const _ of rows()) {
            analytics.withContext({ parentId: id, userId: 'ada' }, () => record('asked'));
          }
        }),
      );
    }
    await analytics.flush();
    const all = ['answer', 'search', 'asked', 'rows', 'agent'];
    const kept = names(side);
    expect(kept.length).toBeGreaterThan(100);
    expect(kept.length).toBeLessThan(500);
    expect(kept).toEqual(Array.from({ length: kept.length / all.length }, () => all).flat());
  });

  test('goes by what is around, where a parent is named in it', async () => {
    const { analytics, side, record } = rig({ maxEvents: 10_000 }, { sampleRate: 0.5 });
    for (let at = 0; at < 200; at += 1) {
      analytics.withContext({ parentId: idOf(at) }, () => {
        record('first');
        analytics.withContext({ parentId: idOf(at + 1000) }, () => record('second'));
      });
      await analytics.trackOperation({ name: 'fourth', parentId: idOf(at) }, () => record('third'));
    }
    await analytics.flush();
    const kept = names(side);
    const pairs = ['first,second', 'third,fourth'].map((pair) => pair.split(','));
    for (const [one = '', other = ''] of pairs) {
      const both = kept.filter((name) => name === one || name === other);
      expect(both.length).toBeGreaterThan(100);
      expect(both.length).toBeLessThan(300);
      expect(both).toEqual(Array.from({ length: both.length / 2 }, () => [one, other]).flat());
    }
  });

  test.each([
    ['in a run', (work: () => Promise<void>, { trackRun }: Analytics) => trackRun({ id: 'r' }, work)],
    ['without one', (work: () => Promise<void>) => work()],
  ])('goes on so with what another process does in it, %s', async (_, around) => {
    const [here, there] = [
      rig({ maxEvents: 10_000 }, { sampleRate: 0.3 }),
      rig({ maxEvents: 10_000 }, { sampleRate: 0.3 }),
    ];
    const service = there.analytics.wrapTool(async () => there.record('row'), { name: 'service' });
    for (let call = 0; call < 100; call += 1) {
      const calling = () => there.analytics.withTraceContext(here.analytics.traceContext(), service);
      const inner = () => here.analytics.trackOperation('inner', calling);
      await around(() => here.analytics.trackOperation('outer', inner), here.analytics);
    }
    await Promise.all([here.analytics.flush(), there.analytics.flush()]);
    const inner = here.side.held.filter((event) => event.type === 'execution' && event.name === 'inner');
    const called = there.side.held.filter((event) => event.type === 'execution' && event.name === 'service');
    expect(called).toMatchObject(inner.map(({ id }) => ({ parentId: id })));
    expect(names(there.side).length).toBe(names(here.side).length);
    expect(names(here.side).length).toBeGreaterThan(20);
    expect(names(here.side).length).toBeLessThan(120);
  });

  test('keeps by the parent what is recorded with one, and a run apart', async () => {
    const { analytics, side } = rig({ maxEvents: 10_000 }, { sampleRate: 0.5 });
    for (let at = 0; at < 200; at += 1) {
      const outer = {
        type: 'execution',
        kind: 'agent',
        name: 'outer',
        id: idOf(at),
        success: true,
        runId: 'r',
      } as const;
      analytics.record(outer);
      analytics.record({ ...outer, id: idOf(at + 10_000), name: 'inner', parentId: outer.id });
    }
    await analytics.flush();
    const kept = names(side);
    expect(kept.length).toBeGreaterThan(120);
    expect(kept.length).toBeLessThan(280);
    expect(kept).toEqual(Array.from({ length: kept.length / 2 }, () => ['outer', 'inner']).flat());
  });

  test('keeps what is tracked if it keeps the parent that the subject names', async () => {
    const { analytics, side } = rig({ maxEvents: 10_000 }, { sampleRate: 0.5 });
    for (let at = 0; at < 200; at += 1) {
      const parentId = idOf(at);
      analytics.recordSkillExecution({ skillId: 'outer', id: parentId, success: true });
      await analytics.trackOperation({ name: 'inner', parentId }, () => {});
    }
    await analytics.flush();
    const kept = names(side);
    expect(kept.length).toBeGreaterThan(120);
    expect(kept.length).toBeLessThan(280);
    expect(kept).toEqual(Array.from({ length: kept.length / 2 }, () => ['outer', 'inner']).flat());
  });

  test('keeps what is tracked at the rate of its subject, in place of its own', async () => {
    const { analytics, side, errors } = rig({ maxEvents: 1000 }, { sampleRate: 0 });
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
    expect(dropsOf(analytics)).toEqual({ sampled: 202 - named('half').length });
    expect(errors.map(({ message }) => message)).toEqual([
      'sampleRate must be a number from 0 to 1, got 2; it is left out',
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
