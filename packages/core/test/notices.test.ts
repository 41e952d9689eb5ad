import { expect, test } from 'vitest';
import { createNotices } from '../src/for-backends.ts';
import { AnalyticsError, type Backend, createAnalytics, memory } from '../src/index.ts';

const notice = (text: string) => new AnalyticsError('BACKEND_UNAVAILABLE', text, { backend: 'far' });

function backendWith(onNotice?: (error: AnalyticsError) => unknown) {
  const notices = createNotices(onNotice);
  const backend: Backend = { ...memory({ name: 'far' }), attach: notices.attach };
  return { notices, backend };
}

test('what a backend reports reaches onError of its client, also what it reported before', () => {
  const { notices, backend } = backendWith();
  notices.report(notice('early'));
  const heard: AnalyticsError[] = [];
  createAnalytics({ backends: [backend], onError: (error) => void heard.push(error) });
  expect(heard).toMatchObject([{ code: 'BACKEND_UNAVAILABLE', backend: 'far', message: 'early' }]);
  notices.report(new AnalyticsError('STORAGE_FULL', 'late', { backend: 'far' }));
  expect(heard.map(({ message }) => message)).toEqual(['early', 'late']);
  // At most once a minute for each code, as all that onError hears.
  notices.report(notice('again'));
  expect(heard).toHaveLength(2);
});

test('a backend with an onNotice of its own reports there, and only there', () => {
  const noticed: string[] = [];
  const { notices, backend } = backendWith(({ message }) => void noticed.push(message));
  const heard: AnalyticsError[] = [];
  notices.report(notice('early'));
  createAnalytics({ backends: [backend], onError: (error) => void heard.push(error) });
  notices.report(notice('late'));
  expect(noticed).toEqual(['early', 'late']);
  expect(heard).toEqual([]);
});

test('without a client the notices kept are few, and a listener that throws hurts nobody', () => {
  const { notices, backend } = backendWith();
  for (let number = 0; number < 1000; number += 1) {
    notices.report(new AnalyticsError('BACKEND_UNAVAILABLE', 'm', { backend: `far-${number}` }));
  }
  let calls = 0;
  createAnalytics({
    backends: [backend],
    onError() {
      calls += 1;
      throw new Error('not today');
    },
  });
  expect(calls).toBe(10);
});
