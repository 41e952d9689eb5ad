import { describe, expect, test } from 'vitest';
import {
  type Analytics,
  type AnalyticsEvent,
  type Backend,
  type ClientFigures,
  createAnalytics,
} from '../src/index.ts';
import { names, namesOf } from './support/events.ts';
import { expectBalanced, statsOf } from './support/ledger.ts';
import { rig } from './support/rig.ts';

type Options = Omit<Parameters<typeof createAnalytics>[0], 'backends'>;

/** The events that a backend gets: by itself, or beside others. */
function received(
  use: (analytics: Analytics) => void,
  {
    delivery = 'counting',
    others = [],
    ...options
  }: Options & { delivery?: Backend['delivery']; others?: Backend[] } = {},
): AnalyticsEvent[] {
  const events: AnalyticsEvent[] = [];
  const write: Backend['write'] = (written) => void events.push(...written);
  const backend: Backend = { name: 'counts', delivery, settings: {}, write };
  const analytics = createAnalytics({ ...options, backends: [backend, ...others] });
  use(analytics);
  analytics.stats();
  return events;
}

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const now = 1_700_000_000_000;
const clock = { now: () => now, monotonic: () => 0, setTimeout, clearTimeout };
const nowhere: Backend = { name: 'nowhere', delivery: 'immediate', settings: {}, write() {} };

function recordAll(analytics: Analytics): void {
  analytics.recordSkillExecution({ skillId: 'summarize', success: true });
  analytics.recordToolInvocation({ toolName: 'read_file', success: false });
  analytics.recordLlmCall({ model: 'large', success: true, usage: { inputTokens: 7 } });
}

test('executions that are only counted have no id and no time, and take neither', () => {
  const clockFails = {
    ...clock,
    now: () => {
      throw new Error('must not be asked');
    },
  };
  const events = received(recordAll, { clock: clockFails });
  expect(events.map(({ id, at }) => ({ id, at }))).toEqual(Array.from({ length: 3 }, () => ({ id: '', at: 0 })));
});

test.each<[string, Parameters<typeof received>[1]]>([
  ['a backend that does not only count', { delivery: 'immediate' }],
  ['another backend that does not only count', { others: [nowhere] }],
  ['a price table, as prices change', { prices: { price: () => undefined } }],
  ['sampling, which goes by the id', { sampleRate: 0.999_999 }],
])('with %s, executions have ids and times', (_, options) => {
  const events = received(recordAll, { clock, ...options });
  expect(events).toHaveLength(3);
  expect(new Set(events.map(({ id }) => id)).size).toBe(3);
  for (const { id, at } of events) {
    expect(id).toMatch(uuid);
    expect(at).toBe(now);
  }
});

test('an id and a time of the caller are kept, and checked', () => {
  const id = '0190163d-8694-739b-aea5-966c26f8ad91';
  const events = received((analytics) => {
    analytics.recordSkillExecution({ skillId: 'summarize', success: true, id, at: now });
    analytics.recordSkillExecution({ skillId: 'summarize', success: true, id: 'none' });
    analytics.recordSkillExecution({ skillId: 'summarize', success: true, at: -1 });
  });
  expect(events).toMatchObject([{ id, at: now }]);
});

test('the latest of several health scores is known by its time', () => {
  const events = received((analytics) => analytics.updateHealthScore({ skillId: 'summarize', score: 50 }), { clock });
  expect(events).toMatchObject([{ at: now, id: expect.stringMatching(uuid) }]);
});

describe('what a counting backend does not have yet', () => {
  function counting(write: Backend['write'] = () => {}, options: Options = {}) {
    const batches: string[][] = [];
    const attached: { figures?: ClientFigures } = {};
    const backend: Backend = {
      name: 'counts',
      delivery: 'counting',
      settings: {},
      attach(figures) {
        attached.figures = figures;
      },
      write(events) {
        batches.push(namesOf(events));
        return write(events);
      },
    };
    const made = rig({}, { backends: [backend, nowhere], ...options });
    return { ...made, batches, attached };
  }

  test('comes 64 at a time, in order', () => {
    const { record, batches } = counting();
    const all = names(130);
    record(...all);
    expect(batches).toEqual([all.slice(0, 64), all.slice(64, 128)]);
  });

  test.each<[string, (made: ReturnType<typeof counting>) => unknown]>([
    ['the counts', ({ analytics }) => analytics.stats()],
    ['its own look at them', ({ attached }) => attached.figures?.stats()],
    ['flush', ({ analytics }) => analytics.flush()],
    ['healthCheck', ({ analytics }) => analytics.healthCheck()],
    ['close', ({ analytics }) => analytics.close()],
  ])('comes before %s', async (_, ask) => {
    const made = counting();
    made.record('e1', 'e2');
    expect(made.batches).toEqual([]);
    await ask(made);
    expect(made.batches).toEqual([['e1', 'e2']]);
    expect(statsOf(made.analytics, 'counts')).toMatchObject({ accepted: 2, delivered: 2, queued: 0 });
    expectBalanced(made.analytics);
    expect(made.batches).toHaveLength(1);
  });

  test('is lost as a whole if the write fails, and the host does not notice', () => {
    const { analytics, record, errors } = counting(() => {
      throw new TypeError('broken');
    });
    record('e1', 'e2');
    expectBalanced(analytics);
    expect(statsOf(analytics, 'counts')).toMatchObject({ accepted: 2, delivered: 0, dropped: { send_failed: 2 } });
    expect(errors.map(({ message }) => message)).toEqual(['counts: lost 2 events (send_failed): TypeError: broken']);
  });

  test('is held to what a promise says, if the write returns one all the same', async () => {
    const { analytics, record } = counting(async () => {});
    record('e1', 'e2');
    expect(statsOf(analytics, 'counts')).toMatchObject({ accepted: 2, delivered: 0, queued: 2 });
    await analytics.flush();
    expect(statsOf(analytics, 'counts')).toMatchObject({ accepted: 2, delivered: 2, queued: 0 });
  });

  test('is refused as a whole while such promises fill the queue', async () => {
    const { analytics, record } = counting(async () => {}, { maxQueueEvents: 1 });
    record('e1', 'e2');
    analytics.stats();
    record('e3', 'e4', 'e5');
    expectBalanced(analytics);
    expect(statsOf(analytics, 'counts')).toMatchObject({ accepted: 5, queued: 2, dropped: { queue_full: 3 } });
    await analytics.flush();
    expect(statsOf(analytics, 'counts')).toMatchObject({ delivered: 2, queued: 0 });
  });

  test('waits while the backend is being written to, and may come from it', () => {
    const seen: number[] = [];
    const made: { analytics?: Analytics } = {};
    const { analytics, record, batches } = counting((events) => {
      if (namesOf(events).includes('e1')) {
        record('inner');
      }
      seen.push(made.analytics?.stats().backends['counts']?.queued ?? -1);
    });
    made.analytics = analytics;
    record('e1');
    analytics.stats();
    expectBalanced(analytics);
    expect(batches).toEqual([['e1'], ['inner']]);
    // The inner write comes while the outer one asks.
    expect(seen).toEqual([2, 1]);
  });
});
