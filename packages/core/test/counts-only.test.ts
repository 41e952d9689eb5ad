import { expect, test } from 'vitest';
import { type Analytics, type AnalyticsEvent, type Backend, createAnalytics } from '../src/index.ts';

type Options = Omit<Parameters<typeof createAnalytics>[0], 'backends'>;

/** The events that a backend gets: by itself, or beside others. */
function received(
  use: (analytics: Analytics) => void,
  { countsOnly = true, others = [], ...options }: Options & { countsOnly?: boolean; others?: Backend[] } = {},
): AnalyticsEvent[] {
  const events: AnalyticsEvent[] = [];
  const write: Backend['write'] = (written) => void events.push(...written);
  const backend: Backend = { name: 'counts', delivery: 'immediate', countsOnly, settings: {}, write };
  use(createAnalytics({ ...options, backends: [backend, ...others] }));
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
  ['a backend that does not only count', { countsOnly: false }],
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
