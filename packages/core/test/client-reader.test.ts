import { describe, expect, test } from 'vitest';
import { type AnalyticsReader, memory } from '../src/index.ts';
import { namesOf } from './support/events.ts';
import { farSide, hanging } from './support/far-side.ts';
import { rig } from './support/rig.ts';

const questions = ['getSkillUsage', 'getLeaderboard', 'summary', 'listExecutions'] as const;

/** A reader that notes what it was asked, and answers with that. */
function noting(): AnalyticsReader {
  const answer =
    (method: string) =>
    async (...args: unknown[]): Promise<unknown> => [method, ...args];
  return Object.fromEntries(questions.map((method) => [method, answer(method)])) as never;
}

describe('the reader of a client', () => {
  test.each(questions)(
    '%s rejects with UNSUPPORTED when no backend can be read, and says which there are',
    async (method) => {
      const { analytics } = rig({}, { backends: [memory(), memory({ name: 'metrics' })] });
      await expect((analytics.reader[method] as () => Promise<unknown>)()).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: `${method}() needs a backend that answers it, such as sqlite; here is: memory, metrics`,
      });
      const none = rig({}, { backends: [] }).analytics;
      await expect(none.reader.summary()).rejects.toThrow(/here is: none$/);
    },
  );

  test.each(questions)('%s is that of the first backend that has one, with its arguments', async (method) => {
    const first = { ...memory({ name: 'first' }), reader: noting() };
    const second = { ...memory({ name: 'second' }), reader: noting() };
    const { analytics } = rig({}, { backends: [memory(), first, second] });
    const answer = await (analytics.reader[method] as (...args: unknown[]) => Promise<unknown>)('a', { days: 1 });
    expect(answer).toEqual([method, 'a', { days: 1 }]);
  });

  test('a reader that lacks a method leaves it to the next', async () => {
    const partial = { ...memory({ name: 'partial' }), reader: { summary: async () => 'first' as never } };
    const whole = { ...memory({ name: 'whole' }), reader: noting() };
    const { analytics } = rig({}, { backends: [partial, whole] });
    expect(await analytics.reader.summary()).toBe('first');
    expect(await analytics.reader.listExecutions()).toEqual(['listExecutions']);
  });

  test('answers from what was recorded before the question', async () => {
    const side = farSide();
    const reader = { ...noting(), summary: async () => namesOf(side.held) as never };
    const { analytics, record } = rig({}, { backends: [Object.assign(side, { reader })] });
    record('e1', 'e2');
    expect(await analytics.reader.summary()).toEqual(['e1', 'e2']);
  });

  test('waits ten seconds for that at most, and asks all the same', async () => {
    const side = Object.assign(farSide(), { reader: noting() });
    side.answer = hanging().answer;
    const { analytics, clock, record } = rig({}, { backends: [side] });
    record('e1');
    let answer: unknown;
    void analytics.reader.summary().then((given) => {
      answer = given;
    });
    await clock.advance(9_999);
    expect(answer).toBeUndefined();
    await clock.advance(1);
    expect(answer).toEqual(['summary']);
  });

  test('keeps the object of the backend as this', async () => {
    const reader = Object.assign(noting(), {
      async summary(this: unknown) {
        return (this === reader) as never;
      },
    });
    const { analytics } = rig({}, { backends: [{ ...memory(), reader }] });
    const { summary } = analytics.reader;
    expect(await summary()).toBe(true);
  });

  test('rejects with what the backend says, also when it throws or lacks the method', async () => {
    const thrown = new Error('mine');
    const reader = {
      ...noting(),
      summary: () => {
        throw thrown;
      },
      getLeaderboard: undefined as never,
    };
    const { analytics } = rig({}, { backends: [{ ...memory(), reader }] });
    await expect(analytics.reader.summary()).rejects.toBe(thrown);
    await expect(analytics.reader.getLeaderboard()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});
