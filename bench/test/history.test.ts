import { expect, test } from 'vitest';
import { askedSkills, history, historyEnd } from '../src/history.ts';

test('a history is the same every time, and as described', () => {
  const all = [...history(40_000)];
  expect([...history(40_000)]).toEqual(all);

  const times = all.map(({ at }) => at as number);
  expect(times).toEqual(times.toSorted((one, other) => one - other));
  expect(times[0]).toBe(historyEnd - 30 * 86_400_000);
  expect(times.at(-1)).toBeLessThan(historyEnd);

  const share = (holds: (execution: (typeof all)[number]) => boolean): number => all.filter(holds).length / all.length;
  expect(share(({ success }) => !success)).toBeCloseTo(0.05, 2);
  expect(share(({ skillId }) => skillId === askedSkills.most)).toBeCloseTo(0.17, 2);
  expect(share(({ skillId }) => skillId === askedSkills.middling)).toBeCloseTo(1 / 400, 3);
  expect(share(({ cost }) => cost !== undefined)).toBeGreaterThan(0.1);
  expect(new Set(all.map(({ skillId }) => skillId)).size).toBe(200);
  expect(new Set(all.map(({ orgId }) => orgId)).size).toBe(50);
  // A user belongs to one organisation.
  expect(new Set(all.map(({ userId, orgId }) => `${userId} ${orgId}`)).size).toBe(
    new Set(all.map(({ userId }) => userId)).size,
  );
});
