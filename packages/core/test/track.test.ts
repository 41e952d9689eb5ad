import { describe, expect, test, vi } from 'vitest';
import type { Operation } from '../src/index.ts';
import { turn } from './support/clock.ts';
import { dropsOf } from './support/ledger.ts';
import { oddThrown, revoked } from './support/odd.ts';
import { type Recorded, recorded } from './support/recorded.ts';
import { rig } from './support/rig.ts';

describe('trackOperation', () => {
  test('returns what the function does, and records how long it took', async () => {
    const made = rig();
    const value = { some: 'object' };
    const promised = made.analytics.trackOperation('op', async () => {
      await made.clock.advance(40);
      return value;
    });
    expect(await promised).toBe(value);
    expect(await recorded(made)).toMatchObject([{ kind: 'operation', name: 'op', success: true, latencyMs: 40 }]);
  });

  test('takes a function that is synchronous, and one that returns a thenable', async () => {
    const made = rig();
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried
    const thenable = { then: (resolve: (value: number) => void) => resolve(2) };
    expect(await made.analytics.trackOperation('a', () => 1)).toBe(1);
    expect(await made.analytics.trackOperation('b', () => thenable as PromiseLike<number>)).toBe(2);
    expect((await recorded(made)).map(({ success }) => success)).toEqual([true, true]);
  });

  test('calls the function at once', () => {
    const made = rig();
    let called = false;
    void made.analytics.trackOperation('op', () => {
      called = true;
    });
    expect(called).toBe(true);
  });

  test.each(oddThrown)('throws %s on unchanged, and records a failure', async (_, make) => {
    const made = rig();
    const thrown = make();
    const fail = (): never => {
      throw thrown;
    };
    for (const fn of [fail, () => Promise.reject(thrown)]) {
      await made.analytics.trackOperation('op', fn).then(
        () => expect.unreachable(),
        (caught) => expect(Object.is(caught, thrown)).toBe(true),
      );
    }
    const [one, two] = await recorded(made);
    expect(one).toMatchObject({ success: false, error: { type: expect.any(String) } });
    expect(two?.error).toEqual(one?.error);
  });

  test.each([
    ['AbortError', () => AbortSignal.abort().reason],
    ['AbortError', () => Object.assign(new Error('x'), { code: 'ABORT_ERR' })],
    ['TimeoutError', () => new DOMException('x', 'TimeoutError')],
    ['TypeError', () => new TypeError('x')],
    ['ECONNREFUSED', () => Object.assign(new Error('x'), { code: 'ECONNREFUSED' })],
    ['NonError', () => 'text'],
  ])('records %s as the type', async (type, thrown) => {
    const made = rig();
    await made.analytics.trackOperation('op', () => Promise.reject(thrown())).catch(() => {});
    expect(await recorded(made)).toMatchObject([{ success: false, error: { type } }]);
  });

  test('takes details of the subject, and of the operation, the later winning', async () => {
    const made = rig();
    const subject = { kind: 'llm', name: 'title', model: 'm-1', provider: 'p', userId: 'ada', attempt: 1 } as const;
    await made.analytics.trackOperation(subject, (operation) => {
      operation.set({ model: 'm-2', attempt: 9, usage: { inputTokens: 3 } });
      operation.set({ attempt: 2, cost: { usd: 0.5 } });
    });
    expect(await recorded(made)).toMatchObject([
      {
        kind: 'llm',
        name: 'title',
        model: 'm-2',
        provider: 'p',
        userId: 'ada',
        attempt: 2,
        usage: { inputTokens: 3 },
        cost: { nanoUsd: 500_000_000 },
      },
    ]);
  });

  test('takes attributes, and classes of tokens, one by one', async () => {
    const made = rig();
    const subject = {
      name: 'op',
      attributes: { from: 'subject', b: 0 },
      usage: { cacheReadTokens: 5, outputTokens: 0 },
    };
    await made.analytics.trackOperation(subject, (operation) => {
      operation.set({ model: 'm', usage: { inputTokens: 1_000_000, outputTokens: 1 }, attributes: { a: 1, b: 1 } });
      operation.set({ usage: { outputTokens: 10 }, attributes: { b: 2 } });
      operation.set({ usage: undefined, attributes: undefined });
    });
    const usage = { inputTokens: 1_000_000, cacheReadTokens: 5, outputTokens: 10 };
    expect(await recorded(made)).toMatchObject([{ usage }]);
    expect(made.side.held.map(({ attributes }) => attributes)).toEqual([{ from: 'subject', a: 1, b: 2 }]);
  });

  test.each([
    ['attributes', [1], 'attributes must be an object'],
    ['usage', 'many', 'usage must be an object'],
  ])('reports later %s of a wrong form', async (field, wrong, message) => {
    const made = rig();
    await made.analytics.trackOperation('op', (operation) => {
      operation.set({ [field]: field === 'usage' ? { inputTokens: 1 } : { a: 1 } });
      operation.set({ [field]: wrong } as never);
    });
    expect(await recorded(made)).toMatchObject([{ name: 'op', success: true }]);
    expect(made.errors.map((error) => error.message)).toEqual([expect.stringContaining(message)]);
  });

  test('can be marked as failed without throwing', async () => {
    const made = rig();
    const value = await made.analytics.trackOperation('op', (operation) => {
      operation.fail({ type: 'BadAnswer', message: 'no JSON' });
      return 'value';
    });
    expect(value).toBe('value');
    expect(await recorded(made)).toMatchObject([{ success: false, error: { type: 'BadAnswer', message: 'no JSON' } }]);
  });

  test.each([undefined, null])('marked as failed with %s is a failure still', async (error) => {
    const made = rig();
    await made.analytics.trackOperation('op', (operation) => operation.fail(error as never));
    expect(await recorded(made)).toMatchObject([{ success: false }]);
  });

  test('marked as failed with what was caught has its type and message', async () => {
    const made = rig();
    await made.analytics.trackOperation('a', (operation) => operation.fail(new RangeError('too far')));
    const openFailed = Object.assign(new Error('no file'), { code: 'ENOENT' });
    await made.analytics.trackOperation('b', (operation) => operation.fail(openFailed));
    const quota = Object.assign(new Error('none left'), { type: 'insufficient_quota' });
    await made.analytics.trackOperation('c', (operation) => operation.fail(quota));
    // What clients of databases hand out, and errors that have both.
    await made.analytics.trackOperation('p', (operation) =>
      operation.fail({ message: 'duplicate key', code: '23505' }),
    );
    const named = Object.assign(new RangeError('no'), { type: 'invalid_request_error' });
    await made.analytics.trackOperation('n', (operation) => operation.fail(named));
    await made.analytics.trackOperation('d', async (operation) => {
      try {
        throw 'no answer';
      } catch (caught) {
        operation.fail(caught);
      }
    });
    expect((await recorded(made)).map(({ success, error }) => [success, error])).toEqual([
      [false, { type: 'RangeError', message: 'too far' }],
      [false, { type: 'ENOENT', message: 'no file' }],
      [false, { type: 'insufficient_quota', message: 'none left' }],
      [false, { type: 'NonError', message: 'duplicate key' }],
      [false, { type: 'RangeError', message: 'no' }],
      [false, { type: 'NonError', message: 'no answer' }],
    ]);
  });

  test.each([[[]], {}])('marked as failed with %j, which says nothing, is a failure still', async (error) => {
    const made = rig();
    await made.analytics.trackOperation('op', (operation) => operation.fail(error as never));
    expect(await recorded(made)).toMatchObject([{ success: false, error: { type: 'NonError' } }]);
  });

  test('marked as failed with a wrong message is a failure still, and reported', async () => {
    const made = rig();
    await made.analytics.trackOperation('op', (operation) => operation.fail({ type: 'Quota', message: 5 }));
    expect(await recorded(made)).toMatchObject([{ success: false }]);
    expect(made.errors).toMatchObject([{ message: expect.stringMatching(/^error.*; it is left out$/) }]);
  });

  test('marked as failed before it throws keeps the mark', async () => {
    const made = rig();
    const failing = made.analytics.trackOperation('op', (operation) => {
      operation.fail({ type: 'Quota' });
      throw new Error('other');
    });
    await expect(failing).rejects.toThrow('other');
    expect(await recorded(made)).toMatchObject([{ success: false, error: { type: 'Quota' } }]);
  });

  test('is recorded under the id that it had, once, whatever is set later', async () => {
    const made = rig();
    const kept: Operation[] = [];
    await made.analytics.trackOperation('op', (operation) => void kept.push(operation));
    kept[0]?.set({ model: 'late' });
    kept[0]?.fail({ type: 'Late' });
    await made.analytics.flush();
    expect(made.side.held).toMatchObject([{ id: kept[0]?.id, success: true }]);
    expect(made.side.held).toHaveLength(1);
    expect(made.errors).toMatchObject([
      {
        code: 'INVALID_EVENT',
        message: expect.stringMatching(/came after the end: await what calls it; it is left out$/),
      },
    ]);
  });

  test('of what cannot be recorded still runs: the event is refused and counted', async () => {
    const made = rig();
    const subjects: unknown[] = [undefined, null, 5, '', {}, { name: 5 }, { name: 'x', kind: 'y' }, revoked()];
    for (const subject of subjects) {
      expect(await made.analytics.trackOperation(subject as never, () => 'value')).toBe('value');
    }
    expect(dropsOf(made.analytics)).toEqual({ invalid: subjects.length });
  });

  test('is recorded without those details that are wrong or cannot be read', async () => {
    const made = rig();
    const hostile = {
      get model(): never {
        throw new Error('getter');
      },
    };
    for (const details of [revoked(), hostile, 5, { cost: { usd: 'much' }, attempt: 0 }]) {
      await made.analytics.trackOperation('op', (operation) => {
        operation.set({ model: 'm' });
        operation.set(details as never);
      });
    }
    expect(dropsOf(made.analytics)).toEqual({});
    expect(made.errors[0]?.message).toMatch(/^reading it threw .*; it is left out$/);
    const events = await recorded(made);
    expect(events).toHaveLength(4);
    for (const event of events) {
      expect(event).toMatchObject({ name: 'op', success: true, latencyMs: expect.any(Number), model: 'm' });
      expect([event.cost, event.attempt]).toEqual([undefined, undefined]);
    }
    expect(made.errors.slice(1).map(({ message }) => message)).toEqual([
      'details must be an object, got 5; it is left out',
      'attempt must be a whole number >= 1, got 0; it is left out',
      'cost.usd must be a number from 0 to 9007199.25474099, got "much"; it is left out',
    ]);
  });

  test('is recorded without what is wrong in its subject, beside its kind and name', async () => {
    const made = rig();
    const subject = { kind: 'agent', name: 'op', version: 3, userId: 5, toolkit: 'mine', sampleRate: 'all' };
    await made.analytics.trackOperation(subject as never, () => {});
    const describe = () => {
      throw new Error('of the description');
    };
    made.analytics.wrapTool(() => 7, { name: 'tool', version: 3, toolkit: 'mine' } as never, describe)();
    expect(await recorded(made)).toMatchObject([
      { kind: 'agent', name: 'op', version: undefined, userId: undefined, toolkit: 'mine', success: true },
      { kind: 'tool', name: 'tool', version: undefined, toolkit: 'mine', success: true },
    ]);
    expect(made.errors.map(({ message }) => message)).toEqual([
      'sampleRate must be a number from 0 to 1, got "all"; it is left out',
      'userId must be a string, got 5; it is left out',
      'version must be a string, got 3; it is left out',
      'reading it threw Error: of the description; its details are left out',
    ]);
    expect(dropsOf(made.analytics)).toEqual({});
  });

  test('asks once what to say of a result, also where some of that is wrong', async () => {
    const made = rig();
    const describe = vi.fn((_: readonly unknown[], result: number | undefined) => ({
      outputBytes: result,
      attempt: -1,
    }));
    const tool = made.analytics.wrapTool((bytes: number) => bytes, { name: 'tool' }, describe);
    tool(7);
    expect(await recorded(made)).toMatchObject([{ outputBytes: 7 }]);
    expect(describe).toHaveBeenCalledTimes(1);
    expect(made.errors).toMatchObject([{ problems: [{ field: 'attempt' }] }]);
  });

  test('with wrong details is still the parent of what it called, and keeps the error that it threw', async () => {
    const made = rig();
    const failing = made.analytics.trackOperation({ kind: 'llm', name: 'outer' }, async (operation) => {
      operation.set({ cost: { usd: -1 } });
      await made.analytics.trackOperation('inner', () => {});
      throw new RangeError('mine');
    });
    await expect(failing).rejects.toThrow('mine');
    const [inner, outer] = await recorded(made);
    expect(outer).toMatchObject({ kind: 'llm', success: false, error: { type: 'RangeError' } });
    expect(inner?.parentId).toBe(outer?.id);
    expect(made.errors[0]?.problems).toMatchObject([{ field: 'cost.usd' }]);
  });

  test('without a function rejects as calling it would, and records that', async () => {
    const made = rig();
    await expect(made.analytics.trackOperation('op', undefined as never)).rejects.toThrow(TypeError);
    expect(await recorded(made)).toMatchObject([{ success: false, error: { type: 'TypeError' } }]);
  });
});

describe('parents', () => {
  const family = (events: readonly Recorded[]): Record<string, string | undefined> => {
    const nameById = new Map(events.map(({ id, name }) => [id, name]));
    return Object.fromEntries(events.map(({ name, parentId }) => [name, parentId && nameById.get(parentId)]));
  };

  test('are the operations around, across await', async () => {
    const made = rig();
    const { analytics, record } = made;
    await analytics.trackOperation('root', async () => {
      await turn();
      record('leaf 1');
      await Promise.all([
        analytics.trackOperation('left', async () => {
          await turn();
          await analytics.wrapTool(async function tool() {
            await turn();
            record('leaf 2');
          })();
        }),
        analytics.trackOperation('right', () => record('leaf 3')),
      ]);
      record('leaf 4');
    });
    record('outside');
    expect(family(await recorded(made))).toEqual({
      root: undefined,
      'leaf 1': 'root',
      left: 'root',
      tool: 'left',
      'leaf 2': 'tool',
      right: 'root',
      'leaf 3': 'right',
      'leaf 4': 'root',
      outside: undefined,
    });
  });

  test('inside a generator are those of the generator, at each step, and of its consumer outside', async () => {
    const made = rig();
    const { analytics, record } = made;
    const numbers = analytics.wrapTool(function* numbers() {
      record('step 1');
      yield 1;
      record('step 2');
      yield 2;
    });
    const ticks = analytics.wrapTool(async function* ticks() {
      await turn();
      record('tick');
      yield 1;
    });
    await analytics.trackOperation('consumer', async () => {
      for (const number of numbers()) {
        record(`got ${number}`);
      }
      for await (const tick of ticks()) {
        record(`tock ${tick}`);
      }
    });
    expect(family(await recorded(made))).toEqual({
      consumer: undefined,
      numbers: 'consumer',
      'step 1': 'numbers',
      'step 2': 'numbers',
      'got 1': 'consumer',
      'got 2': 'consumer',
      ticks: 'consumer',
      tick: 'ticks',
      'tock 1': 'consumer',
    });
  });

  test('a generator keeps the context of its start when it is read elsewhere', async () => {
    const made = rig();
    const { analytics, record } = made;
    const numbers = analytics.wrapTool(function* numbers() {
      record('step');
      yield 1;
      record('last step');
    });
    const iterator = analytics.withContext({ userId: 'ada' }, () => {
      const started = numbers();
      started.next();
      return started;
    });
    analytics.withContext({ userId: 'eve' }, () => iterator.next());
    const users = (await recorded(made)).map(({ name, userId }) => [name, userId]);
    expect(users).toEqual([
      ['step', 'ada'],
      ['last step', 'ada'],
      ['numbers', 'ada'],
    ]);
  });

  test('nested runs and operations take each from the nearest', async () => {
    const made = rig();
    const { analytics, record } = made;
    await analytics.trackRun({ id: 'outer' }, () =>
      analytics.trackOperation('op', () => analytics.trackRun({ id: 'inner' }, () => record('leaf'))),
    );
    const events = await recorded(made);
    expect(family(events)).toEqual({ op: undefined, leaf: 'op' });
    expect(events.map(({ name, runId }) => [name, runId])).toEqual([
      ['leaf', 'inner'],
      ['op', 'outer'],
    ]);
  });
});
