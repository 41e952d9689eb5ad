import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Context } from '../src/index.ts';
import { turn } from './support/clock.ts';
import { skill } from './support/events.ts';
import { dropsOf } from './support/ledger.ts';
import { revoked } from './support/odd.ts';
import { type Rig, rig } from './support/rig.ts';

const uuid = '0190b0c4-7a1e-7000-8000-000000000001';

/** The contexts of what was recorded, by the name of the event. */
async function seen({ analytics, side }: Rig): Promise<Record<string, Context>> {
  await analytics.flush();
  const entries = side.held.map((event) => {
    const { runId, userId, orgId } = event;
    const { name = '', parentId } = event as { name?: string; parentId?: string };
    return [name, JSON.parse(JSON.stringify({ runId, userId, orgId, parentId }))] as const;
  });
  return Object.fromEntries(entries);
}

describe('a context', () => {
  test('gives its values to everything recorded inside, across await too', async () => {
    const made = rig();
    const { analytics, record } = made;
    record('before');
    await analytics.withContext({ userId: 'ada', orgId: 'acme', runId: 'r', parentId: uuid }, async () => {
      record('at once');
      await turn();
      record('after await');
      await sleep(0);
      record('after a timer');
      await Promise.all([1, 2].map(async (at) => record(`in parallel ${at}`)));
    });
    record('after');
    const inside = { userId: 'ada', orgId: 'acme', runId: 'r', parentId: uuid };
    expect(await seen(made)).toEqual({
      before: {},
      'at once': inside,
      'after await': inside,
      'after a timer': inside,
      'in parallel 1': inside,
      'in parallel 2': inside,
      after: {},
    });
  });

  test('returns or throws what the function does', async () => {
    const { analytics } = rig();
    const thrown = new Error('mine');
    expect(analytics.withContext({}, () => 5)).toBe(5);
    const nobody: string | null = null;
    expect(analytics.withContext({ userId: nobody }, () => 5)).toBe(5);
    await expect(analytics.withContext({}, () => Promise.resolve(6))).resolves.toBe(6);
    expect(() =>
      analytics.withContext({}, () => {
        throw thrown;
      }),
    ).toThrow(thrown);
  });

  test('adds to the one around it; undefined, null and empty text add nothing', async () => {
    const made = rig();
    const { analytics, record } = made;
    analytics.withContext({ userId: 'ada', orgId: 'acme' }, () => {
      analytics.withContext({ orgId: 'other', runId: 'r' }, () => record('inner'));
      analytics.withContext({ userId: undefined, orgId: '', runId: null as never }, () => record('nothing'));
      record('outer');
    });
    expect(await seen(made)).toEqual({
      inner: { userId: 'ada', orgId: 'other', runId: 'r' },
      nothing: { userId: 'ada', orgId: 'acme' },
      outer: { userId: 'ada', orgId: 'acme' },
    });
  });

  test('two at the same time do not mix', async () => {
    const made = rig();
    const { analytics, record } = made;
    const task = (user: string, pauses: number): Promise<void> =>
      analytics.withContext({ userId: user }, async () => {
        for (let at = 0; at < pauses; at += 1) {
          await turn();
        }
        record(user);
      });
    await Promise.all([task('a', 3), task('b', 1), task('c', 2)]);
    expect(await seen(made)).toEqual({ a: { userId: 'a' }, b: { userId: 'b' }, c: { userId: 'c' } });
  });

  test('of one client is not that of another', async () => {
    const [one, two] = [rig(), rig()];
    one.analytics.withContext({ userId: 'ada' }, () => {
      one.record('e');
      two.record('e');
    });
    expect(await seen(one)).toEqual({ e: { userId: 'ada' } });
    expect(await seen(two)).toEqual({ e: {} });
  });

  test('does not change when the object does', async () => {
    const made = rig();
    const values = { userId: 'ada' };
    made.analytics.withContext(values, () => {
      values.userId = 'eve';
      made.record('e');
    });
    expect(await seen(made)).toEqual({ e: { userId: 'ada' } });
  });

  test('values of an event win over it', async () => {
    const made = rig();
    made.analytics.withContext({ userId: 'ada', runId: 'r' }, () => {
      made.analytics.record({ ...skill('e'), userId: 'own', runId: '' });
    });
    expect(await seen(made)).toEqual({ e: { userId: 'own', runId: 'r' } });
  });
});

describe('a wrong context', () => {
  test('value is left out and reported; the others count, and the function is called', async () => {
    const made = rig();
    const values = { userId: 5, orgId: 'acme', runId: {}, parentId: 'no uuid' };
    expect(
      made.analytics.withContext(values as never, () => {
        made.record('e');
        return 'called';
      }),
    ).toBe('called');
    expect(await seen(made)).toEqual({ e: { orgId: 'acme' } });
    expect(dropsOf(made.analytics)).toEqual({});
    expect(made.errors[0]).toMatchObject({
      code: 'INVALID_CONFIG',
      message: 'runId must be a string, got an object; it is left out',
    });
  });

  test('name is reported; the others count', async () => {
    const made = rig();
    made.analytics.withContext({ user: 'ada', orgId: 'acme', toString: undefined } as never, () => made.record('e'));
    expect(await seen(made)).toEqual({ e: { orgId: 'acme' } });
    const message = 'context.user is not an option; the options are runId, userId, orgId, parentId; it is left out';
    expect(made.errors).toEqual([expect.objectContaining({ code: 'INVALID_CONFIG', message })]);
  });

  test.each<[string, () => unknown]>([
    ['undefined', () => undefined],
    ['null', () => null],
    ['a string', () => 'ada'],
    ['a list', () => ['ada']],
    ['a revoked proxy', revoked],
    [
      'an object whose getters throw',
      () => ({
        get userId(): never {
          throw new Error('getter');
        },
        orgId: 'acme',
      }),
    ],
  ])('such as %s does not keep the function from being called', async (_, values) => {
    const made = rig();
    made.analytics.withContext(values() as never, () => made.record('e'));
    expect(Object.keys(await seen(made))).toEqual(['e']);
  });

  test('long ids are cut, and control characters replaced, as in events', async () => {
    const made = rig();
    made.analytics.withContext({ userId: 'x'.repeat(1e6), orgId: 'a\0b' }, () => made.record('e'));
    expect(await seen(made)).toEqual({ e: { userId: 'x'.repeat(256), orgId: 'a\ufffdb' } });
  });
});
