import { types } from 'node:util';
import { describe, expect, test } from 'vitest';
import { turn } from './support/clock.ts';
import { dropsOf } from './support/ledger.ts';
import { oddThrown, revoked } from './support/odd.ts';
import { recorded } from './support/recorded.ts';
import { rig } from './support/rig.ts';
import { noteUnhandled } from './support/unhandled.ts';

describe('a wrapped function', () => {
  test('is recorded as a tool of its name on each call, and returns the same', async () => {
    const made = rig();
    const add = made.analytics.wrapTool(function add(a: number, b: number) {
      return a + b;
    });
    expect([add(1, 2), add(3, 4)]).toEqual([3, 7]);
    expect(await recorded(made)).toMatchObject([
      { kind: 'tool', name: 'add', success: true, latencyMs: 0 },
      { kind: 'tool', name: 'add', success: true, latencyMs: 0 },
    ]);
  });

  test('takes kind, name and details from the subject', async () => {
    const made = rig();
    made.analytics.wrapTool(() => 1, 'named')();
    made.analytics.wrapTool(() => 1, { kind: 'search', name: 'web', toolkit: 'net', version: '2' })();
    made.analytics.wrapTool(() => 1, { kind: 'agent' })();
    made.analytics.wrapTool(() => 1, null as never)();
    expect(await recorded(made)).toMatchObject([
      { kind: 'tool', name: 'named' },
      { kind: 'search', name: 'web', toolkit: 'net', version: '2' },
      { kind: 'agent', name: 'anonymous' },
      { kind: 'tool', name: 'anonymous' },
    ]);
  });

  test('says what a call was about, by its arguments and its result', async () => {
    const made = rig();
    const describeCall = (args: readonly [number], result: number | undefined) => ({
      inputBytes: args[0],
      ...(result !== undefined && { cost: { usd: result } }),
    });
    const subject = { kind: 'tool', name: 'of', inputBytes: 99 } as const;
    made.analytics.wrapTool((cents: number) => cents / 100, subject, describeCall)(1);
    await made.analytics.wrapTool(async (cents: number) => cents / 100, subject, describeCall)(2);
    await made.analytics.wrapTool((cents: number) => Promise.resolve(cents / 100), subject, describeCall as never)(3);
    const failing = (_: number): number => {
      throw new Error('mine');
    };
    expect(() => made.analytics.wrapTool(failing, subject, describeCall)(4)).toThrow('mine');
    expect(await recorded(made)).toMatchObject([
      { inputBytes: 1, cost: { nanoUsd: 10_000_000 } },
      { inputBytes: 2, cost: { nanoUsd: 20_000_000 } },
      { inputBytes: 3, cost: { nanoUsd: 30_000_000 } },
      { inputBytes: 4, success: false, cost: undefined },
    ]);
  });

  test.each<[string, () => never]>([
    ['a description that throws', thrower],
    ['a description that is none', () => 5 as never],
    ['a description that rejects', () => Promise.reject(new Error('mine')) as never],
  ])('with %s returns what it did, and is recorded without it', async (_, describeCall) => {
    const made = rig();
    expect(made.analytics.wrapTool(() => 'result', 'of', describeCall)()).toBe('result');
    expect(await recorded(made)).toMatchObject([{ kind: 'tool', name: 'of', success: true }]);
    expect(made.errors[0]?.message).toMatch(
      /^(reading it threw Error: mine|details must be an object.*); its details are left out$/,
    );
  });

  test('a description is typed by what the call gives in the end, also if it gives a promise only sometimes', async () => {
    const made = rig();
    const cached = { text: 'known' };
    const tool = made.analytics.wrapTool(
      (isKnown: boolean) => (isKnown ? cached : Promise.resolve({ text: 'fetched' })),
      'of',
      (_, result) => ({ outputBytes: result?.text.length }),
    );
    await tool(true);
    await tool(false);
    expect(await recorded(made)).toMatchObject([{ outputBytes: 5 }, { outputBytes: 7 }]);
  });

  test('failures count, too, where the description reads what only a success has', async () => {
    const made = rig();
    const tool = made.analytics.wrapTool(
      (fails: boolean) => {
        if (fails) {
          throw new Error('mine');
        }
        return { bytes: 5 };
      },
      'of',
      (_, result) => ({ outputBytes: (result as { bytes: number }).bytes }),
    );
    tool(false);
    expect(() => tool(true)).toThrow('mine');
    expect(await recorded(made)).toMatchObject([
      { success: true, outputBytes: 5 },
      { success: false, error: { type: 'Error' } },
    ]);
  });

  test('what is undefined in a subject or a description hides nothing', async () => {
    const made = rig();
    const subject = { kind: undefined, name: 'of', model: 'm', version: undefined } as const;
    made.analytics.wrapTool(
      () => 'result',
      subject,
      () => ({ model: undefined, toolkit: 'k' }),
    )();
    await made.analytics.trackOperation({ ...subject, kind: 'llm' }, (operation) =>
      operation.set({ model: undefined, usage: { inputTokens: 1 } }),
    );
    expect(await recorded(made)).toMatchObject([
      { kind: 'tool', name: 'of', model: 'm', toolkit: 'k' },
      { kind: 'llm', name: 'of', model: 'm', usage: { inputTokens: 1 } },
    ]);
  });

  test('a promise with a `then` of its own that several calls return is recorded for each, and wrapped once', async () => {
    const made = rig();
    let thens = 0;
    class Call extends Promise<string> {
      // biome-ignore lint/suspicious/noThenProperty: as clients of services have them
      override then(...args: Parameters<Promise<string>['then']>): Promise<never> {
        thens += 1;
        return super.then(...args) as Promise<never>;
      }
    }
    const cached = Call.resolve('cached');
    const tool = made.analytics.wrapTool(() => cached, 'of');
    for (let call = 0; call < 20_000; call += 1) {
      void tool();
    }
    const { then } = cached;
    expect(await tool()).toBe('cached');
    expect(await tool()).toBe('cached');
    expect(cached.then).toBe(then);
    expect(thens).toBeLessThan(10);
    expect(await recorded(made)).toHaveLength(20_002);
  });

  test('a promise with a `then` of its own is asked by nobody but the caller, and recorded then', async () => {
    const made = rig();
    /** As the OpenAI SDK's: the body is read by `then`, or by the caller, and only once. */
    class Call extends Promise<string> {
      reads = 0;
      static readonly failing = new Error('no body');
      body(): Promise<string> {
        this.reads += 1;
        return this.reads === 1 ? Promise.resolve('parsed') : Promise.reject(Call.failing);
      }
      // biome-ignore lint/suspicious/noThenProperty: as clients of services have them
      override then(...args: Parameters<Promise<string>['then']>): Promise<never> {
        return this.body().then(...args) as Promise<never>;
      }
      override catch(...args: Parameters<Promise<string>['catch']>): Promise<never> {
        return this.body().catch(...args) as Promise<never>;
      }
      override finally(...args: Parameters<Promise<string>['finally']>): Promise<never> {
        return this.body().finally(...args) as Promise<never>;
      }
    }
    const calls: Call[] = [];
    const tool = made.analytics.wrapTool((name: string) => {
      const call = new Call((resolve) => resolve('native'));
      calls.push(call);
      return Object.assign(call, { asked: name });
    }, 'of');

    const raw = tool('raw');
    await turn();
    expect(raw).toBe(calls[0]);
    expect(await raw.body()).toBe('parsed');
    expect(await recorded(made)).toEqual([]);

    expect(await tool('await')).toBe('parsed');
    expect(await tool('catch').catch(() => 'caught')).toBe('parsed');
    expect(await tool('finally').finally(() => {})).toBe('parsed');
    expect(calls.map(({ reads }) => reads)).toEqual([1, 1, 1, 1]);
    const failing = tool('failing');
    await failing.body();
    await expect(failing).rejects.toBe(Call.failing);
    expect(await recorded(made)).toMatchObject([
      { success: true },
      { success: true },
      { success: true },
      { success: false, error: { message: 'no body' } },
    ]);
  });

  test('a call whose response is asked for is recorded, with its value if that is read', async () => {
    const made = rig();
    /** As the clients of OpenAI and Anthropic have them: one way to await it goes the others. */
    class Call extends Promise<{ tokens: number }> {
      private async parse(): Promise<{ tokens: number }> {
        return { tokens: 7 };
      }
      async asResponse(): Promise<{ status: number }> {
        return { status: 200 };
      }
      async withResponse(): Promise<{ data: { tokens: number }; response: { status: number } }> {
        return { data: await this, response: await this.asResponse() };
      }
      // biome-ignore lint/suspicious/noThenProperty: as clients of services have them
      override then(...args: Parameters<Promise<{ tokens: number }>['then']>): Promise<never> {
        return this.parse().then(...args) as Promise<never>;
      }
    }
    const failed = new Error('refused');
    class Refused extends Call {
      override withResponse(): Promise<never> {
        return Promise.reject(failed);
      }
    }
    const usageOf = (_: unknown, result?: { tokens: number }) => ({
      usage: result && { inputTokens: result.tokens, outputTokens: 0 },
    });
    const ask = (Class: typeof Call) =>
      made.analytics.wrapTool(
        () => new Class((resolve) => resolve({ tokens: 0 })),
        { kind: 'llm', name: 'of' },
        usageOf,
      )();

    expect(await ask(Call).withResponse()).toEqual({ data: { tokens: 7 }, response: { status: 200 } });
    const asked = ask(Call);
    expect(await asked.asResponse()).toEqual({ status: 200 });
    expect(await asked.withResponse()).toMatchObject({ data: { tokens: 7 } });
    await expect(ask(Refused).withResponse()).rejects.toBe(failed);
    const events = await recorded(made);
    expect(events).toMatchObject([
      { success: true, usage: { inputTokens: 7 } },
      { success: true },
      { success: false, error: { message: 'refused' } },
    ]);
    expect(events[1]).not.toHaveProperty('usage');
  });

  test('a `withResponse` of another sort works as it did', async () => {
    const made = rig();
    class Request extends Promise<string> {
      withResponse(more: string, and: string): string {
        return `${more} ${and}`;
      }
      asResponse(): never {
        throw new RangeError('not here');
      }
      // biome-ignore lint/suspicious/noThenProperty: as clients of services have them
      override then(...args: Parameters<Promise<string>['then']>): Promise<never> {
        return super.then(...args) as Promise<never>;
      }
    }
    const request = made.analytics.wrapTool(() => new Request((resolve) => resolve('value')), 'of')();
    expect(request.withResponse('one', 'two')).toBe('one two');
    expect(await request).toBe('value');
    expect(() => request.asResponse()).toThrow('not here');
    expect(await recorded(made)).toMatchObject([{ success: true }]);
  });

  test('a promise that can do more than others is returned as it is', async () => {
    const made = rig();
    const more = Object.assign(Promise.reject(new Error('mine')), { abort() {} });
    const returned = made.analytics.wrapTool(() => more, 'of')();
    expect(returned).toBe(more);
    await expect(returned).rejects.toThrow('mine');
    expect(await recorded(made)).toMatchObject([{ success: false }]);
  });

  test('stays synchronous, and measures its time', async () => {
    const made = rig();
    let elapsed = 0;
    const timed = rig({}, { clock: { ...made.clock, monotonic: () => elapsed } });
    const tool = timed.analytics.wrapTool(function slow() {
      elapsed += 12.5;
      return 'done';
    });
    expect(tool()).toBe('done');
    expect(await recorded(timed)).toMatchObject([{ latencyMs: 12.5 }]);
  });

  test('that returns a promise is measured until it settles', async () => {
    const made = rig();
    const tool = made.analytics.wrapTool(function later() {
      return made.clock.advance(30).then(() => 'value');
    });
    const promise = tool();
    expect(types.isPromise(promise)).toBe(true);
    expect(await promise).toBe('value');
    expect(await recorded(made)).toMatchObject([{ success: true, latencyMs: 30 }]);
  });

  test('that returns a thenable gives it back untouched: looking at it could start it', async () => {
    const made = rig();
    let started = 0;
    const query = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried
      then() {
        started += 1;
      },
    };
    const find = made.analytics.wrapTool(function find() {
      return query;
    });
    expect(find()).toBe(query);
    expect(started).toBe(0);
    expect(await recorded(made)).toMatchObject([{ name: 'find', success: true }]);
  });

  test('keeps this, arguments, name, arity and own properties', () => {
    const { analytics } = rig();
    const inner = Object.assign(
      function greet(this: { name: string }, greeting: string, ...marks: string[]) {
        return `${greeting} ${this.name}${marks.join('')}`;
      },
      { schema: { type: 'object' }, [Symbol.for('tag')]: 'x' },
    );
    Object.defineProperty(inner, 'hidden', { value: 1, enumerable: false });
    const wrapped = analytics.wrapTool(inner);
    const ada = { name: 'Ada', greet: wrapped };
    expect(ada.greet('Hello', '!', '?')).toBe('Hello Ada!?');
    expect(wrapped.call({ name: 'Bob' }, 'Hi')).toBe('Hi Bob');
    expect([wrapped.name, wrapped.length]).toEqual(['greet', 1]);
    expect(wrapped.schema).toBe(inner.schema);
    expect(Object.getOwnPropertyDescriptor(wrapped, 'hidden')).toEqual(
      Object.getOwnPropertyDescriptor(inner, 'hidden'),
    );
    expect(wrapped[Symbol.for('tag') as never]).toBe('x');
    expect(inner.name).toBe('greet');
  });

  test.each<[string, (...args: never[]) => unknown]>([
    ['an arrow function', () => 1],
    ['a method', { method: (a: number) => a }.method],
    ['a bound function', function bound(this: unknown) {}.bind({})],
    ['a built-in', Math.max],
    ['an async function', async (a: number, b: number) => a + b],
    [
      'a generator',
      function* (a: number) {
        yield a;
      },
    ],
    [
      'an async generator',
      async function* (a: number) {
        yield a;
      },
    ],
  ])('%s has the name, arity and kind of the original', (_, inner) => {
    const { analytics } = rig();
    const wrapped = analytics.wrapTool(inner);
    expect(wrapped).not.toBe(inner);
    expect([wrapped.name, wrapped.length]).toEqual([inner.name, inner.length]);
    expect(types.isAsyncFunction(wrapped)).toBe(types.isAsyncFunction(inner));
    expect(types.isGeneratorFunction(wrapped)).toBe(types.isGeneratorFunction(inner));
    expect(Object.prototype.toString.call(wrapped)).toBe(Object.prototype.toString.call(inner));
  });

  test('wrapped again is recorded twice, the inner with the outer as its parent', async () => {
    const made = rig();
    const inner = made.analytics.wrapTool(function tool() {
      return 1;
    });
    expect(made.analytics.wrapTool(inner, 'outer')()).toBe(1);
    const [first, second] = await recorded(made);
    expect(first).toMatchObject({ name: 'tool', parentId: second?.id });
    expect(second).toMatchObject({ name: 'outer' });
  });

  test.each([undefined, null, 5, 'text', {}])('%j, which is no function, comes back as it is', (value) => {
    const { analytics, errors } = rig();
    expect(analytics.wrapTool(value as never)).toBe(value);
    expect(errors).toMatchObject([
      {
        code: 'INVALID_EVENT',
        message: expect.stringMatching(/^Refused an event: wrapTool must be given a function, got /),
      },
    ]);
  });

  test('that cannot be looked at can be called all the same', async () => {
    const made = rig();
    const trap = (): never => {
      throw new Error('trap');
    };
    const hidden = new Proxy(() => 'value', { get: trap, ownKeys: trap, getOwnPropertyDescriptor: trap });
    expect(made.analytics.wrapTool(hidden)()).toBe('value');
    const bare = Object.setPrototypeOf(
      Object.assign(() => 'bare', { apply: 5 }),
      null,
    );
    expect(made.analytics.wrapTool(bare)()).toBe('bare');
    expect(await recorded(made)).toMatchObject([{ name: 'anonymous' }, { name: 'anonymous' }]);
    const { proxy, revoke } = Proxy.revocable(() => 1, {});
    revoke();
    const wrapped = made.analytics.wrapTool(proxy);
    expect(() => wrapped()).toThrow(TypeError);
  });

  test('with a name that is no text still runs', () => {
    const { analytics } = rig();
    const inner = Object.defineProperty(() => 'value', 'name', { value: 5 });
    expect(analytics.wrapTool(inner)()).toBe('value');
    expect(dropsOf(analytics)).toEqual({ invalid: 1 });
  });

  test('with a subject that cannot be read still runs', () => {
    const { analytics } = rig();
    expect(analytics.wrapTool(() => 'value', revoked() as never)()).toBe('value');
    expect(dropsOf(analytics)).toEqual({ invalid: 1 });
  });
});

describe('what a wrapped function throws', () => {
  test.each(oddThrown)('is thrown on unchanged, and recorded: %s', async (_, make) => {
    const made = rig();
    const thrown = make();
    const fail = (): never => {
      throw thrown;
    };
    const { analytics } = made;
    const sync = analytics.wrapTool(fail, 'sync');
    const promising = analytics.wrapTool(() => Promise.reject(thrown), 'promising');
    const async = analytics.wrapTool(async () => fail(), 'async');
    const generator = analytics.wrapTool(function* () {
      yield fail();
    }, 'generator');
    const asyncGenerator = analytics.wrapTool(async function* () {
      yield fail();
    }, 'async generator');
    const caught: unknown[] = [];
    for (const call of [sync, () => generator().next()]) {
      try {
        call();
      } catch (error) {
        caught.push(error);
      }
    }
    for (const call of [promising, async, () => asyncGenerator().next()]) {
      await call().catch((error: unknown) => void caught.push(error));
    }
    expect(caught).toHaveLength(5);
    expect(caught.every((error) => Object.is(error, thrown))).toBe(true);
    const events = await recorded(made);
    expect(events.map(({ name, success }) => [name, success])).toEqual([
      ['sync', false],
      ['generator', false],
      ['promising', false],
      ['async', false],
      ['async generator', false],
    ]);
    expect(new Set(events.map(({ error }) => error?.type)).size).toBe(1);
  });

  test('a promise that nobody handles is still an unhandled rejection: once, also where Node has marked it', async () => {
    const made = rig();
    const reasons = noteUnhandled();
    const thrown = new Error('nobody cares');
    void made.analytics.wrapTool(() => Promise.reject(thrown))();
    const marked = Object.assign(Promise.reject(thrown), { [Symbol('note of Node')]: 1 });
    void made.analytics.wrapTool(() => marked)();
    await turn();
    await turn();
    expect(reasons).toEqual([thrown, thrown]);
  });
});

describe('a wrapped generator', () => {
  test('passes next, throw and return through, with their values', async () => {
    const made = rig();
    const received: unknown[] = [];
    const tool = made.analytics.wrapTool(function* talk(first: string): Generator<string, string, string> {
      received.push(first);
      try {
        received.push(yield 'one');
        received.push(yield 'two');
      } catch (error) {
        received.push(error);
        received.push(yield 'recovered');
      }
      return 'end';
    });
    const talk = tool('start');
    expect(talk.next('ignored')).toEqual({ value: 'one', done: false });
    expect(talk.next('a')).toEqual({ value: 'two', done: false });
    expect(talk.throw('oops')).toEqual({ value: 'recovered', done: false });
    expect(talk.next('b')).toEqual({ value: 'end', done: true });
    expect(talk.next('c')).toEqual({ value: undefined, done: true });
    expect(received).toEqual(['start', 'a', 'oops', 'b']);
    expect(await recorded(made)).toMatchObject([{ name: 'talk', success: true }]);
  });

  test('that is left early cleans up, and is a success', async () => {
    const made = rig();
    let cleaned = 0;
    const count = made.analytics.wrapTool(function* count() {
      try {
        yield 1;
        yield 2;
      } finally {
        cleaned += 1;
      }
    });
    for (const number of count()) {
      expect(number).toBe(1);
      break;
    }
    expect(count().return(7 as never)).toEqual({ value: 7, done: true });
    expect(cleaned).toBe(1);
    expect(await recorded(made)).toMatchObject([{ name: 'count', success: true }]);
  });

  test('knows itself as the parent of what it records when it is left or thrown into', async () => {
    const made = rig();
    const note = (toolName: string): void => made.analytics.recordToolInvocation({ toolName, success: true });
    const tool = made.analytics.wrapTool(function* tool() {
      try {
        yield 1;
      } catch {
        note('caught');
      } finally {
        note('cleaned');
      }
    });
    const [one, two] = [tool(), tool()];
    one.next();
    two.next();
    one.return();
    two.throw(new Error('x'));
    const [inFirst, first, caught, inSecond, second] = await recorded(made);
    expect([inFirst, caught, inSecond]).toMatchObject([
      { name: 'cleaned', parentId: first?.id },
      { name: 'caught', parentId: second?.id },
      { name: 'cleaned', parentId: second?.id },
    ]);
    expect([first, second]).toMatchObject([{ name: 'tool' }, { name: 'tool' }]);
  });

  test('that throws on return or throw is a failure', async () => {
    const made = rig();
    const tool = made.analytics.wrapTool(function* tool() {
      try {
        yield 1;
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: that is what is tried
        throw new RangeError('in finally');
      }
    });
    const [one, two] = [tool(), tool()];
    one.next();
    two.next();
    expect(() => one.return(0 as never)).toThrow(RangeError);
    expect(() => two.throw(new Error('x'))).toThrow(RangeError);
    expect(await recorded(made)).toMatchObject([
      { success: false, error: { type: 'RangeError' } },
      { success: false, error: { type: 'RangeError' } },
    ]);
  });

  test('is measured from its first step to its end', async () => {
    const made = rig();
    const tool = made.analytics.wrapTool(function* tool() {
      yield 1;
      yield 2;
    });
    const steps = tool();
    await made.clock.advance(1000);
    steps.next();
    await made.clock.advance(30);
    steps.next();
    await made.clock.advance(12);
    steps.next();
    expect(await recorded(made)).toMatchObject([{ latencyMs: 42 }]);
  });

  test('that is never started is not recorded', async () => {
    const made = rig();
    made.analytics.wrapTool(function* tool() {
      yield 1;
    })();
    expect(await recorded(made)).toEqual([]);
  });

  test('that a plain function returns is measured like that of a generator function', async () => {
    const made = rig();
    const { analytics } = made;
    const tools = {
      *one() {
        yield 1;
        throw new RangeError('one');
      },
      async *two() {
        yield 1;
        throw new RangeError('two');
      },
    };
    const one = analytics.wrapTool(tools.one.bind(tools));
    const two = analytics.wrapTool(() => tools.two(), 'two');
    one();
    const steps = one();
    await made.clock.advance(1000);
    steps.next();
    await made.clock.advance(30);
    expect(() => steps.next()).toThrow('one');
    const slow = two();
    await slow.next();
    await expect(slow.next()).rejects.toThrow('two');
    expect(await recorded(made)).toMatchObject([
      { name: 'bound one', success: false, latencyMs: 30, error: { message: 'one' } },
      { name: 'two', success: false, error: { message: 'two' } },
    ]);
  });

  test('that a plain function returns keeps its methods, and is closed if it was under way', async () => {
    const made = rig();
    const cleaned: string[] = [];
    const open = made.analytics.wrapTool(() => {
      const steps = (function* () {
        try {
          yield 'first';
          yield 'second';
        } finally {
          cleaned.push('sync');
        }
      })();
      steps.next();
      return Object.assign(steps, { interrupt: () => 'interrupted' });
    }, 'open');
    const openAsync = made.analytics.wrapTool(() => {
      const steps = (async function* () {
        try {
          yield 'first';
          yield 'second';
        } finally {
          cleaned.push('async');
        }
      })();
      void steps.next();
      return Object.assign(steps, { interrupt: () => 'interrupted' });
    }, 'open async');
    const steps = open();
    expect(steps.interrupt()).toBe('interrupted');
    expect(steps.return()).toEqual({ value: undefined, done: true });
    const slow = openAsync();
    expect(slow.interrupt()).toBe('interrupted');
    for await (const step of slow) {
      expect(step).toBe('second');
      break;
    }
    expect(cleaned).toEqual(['sync', 'async']);
    expect(await recorded(made)).toMatchObject([
      { name: 'open', success: true },
      { name: 'open async', success: true },
    ]);
  });

  test('that every call returns, as a source of numbers may be, is recorded once', async () => {
    const made = rig();
    const numbers = (function* () {
      for (let number = 1; number <= 20_000; number += 1) {
        yield number;
      }
    })();
    const source = made.analytics.wrapTool(() => numbers, 'numbers');
    let last = 0;
    while (last < 20_000) {
      last = source().next().value ?? 0;
    }
    expect(source().next().done).toBe(true);
    expect(await recorded(made)).toMatchObject([{ name: 'numbers', success: true }]);
  });

  test('that a plain function returns is the parent of what that recorded before', async () => {
    const made = rig();
    const { analytics, record } = made;
    const steps = analytics.wrapTool(() => {
      record('before');
      return (function* () {
        record('inside');
        yield 1;
      })();
    }, 'steps');
    expect([...steps()]).toEqual([1]);
    const [before, inside, tool] = await recorded(made);
    expect([before?.parentId, inside?.parentId]).toEqual([tool?.id, tool?.id]);
  });

  test('belongs to where it began, whoever takes its last step', async () => {
    const made = rig();
    const { analytics } = made;
    const steps = analytics.wrapTool(function* tool() {
      yield 1;
    })();
    steps.next();
    await analytics.withContext({ userId: 'eve', runId: 'r' }, () =>
      analytics.trackOperation('consumer', () => void steps.next()),
    );
    const [tool] = await recorded(made);
    expect(tool).toMatchObject({ name: 'tool' });
    expect([tool?.userId, tool?.runId, tool?.parentId]).toEqual([undefined, undefined, undefined]);
  });

  test('keeps this, and delegates', async () => {
    const made = rig();
    const tool = made.analytics.wrapTool(function* tool(this: { list: number[] }) {
      return yield* this.list;
    });
    expect([...tool.call({ list: [1, 2, 3] })]).toEqual([1, 2, 3]);
  });
});

describe('a wrapped async generator', () => {
  test('passes next, throw and return through, with their values', async () => {
    const made = rig();
    const received: unknown[] = [];
    const tool = made.analytics.wrapTool(async function* talk(): AsyncGenerator<string, string, string> {
      try {
        received.push(yield 'one');
        await turn();
        yield 'two';
      } catch (error) {
        received.push(error);
        yield 'recovered';
      }
      return 'end';
    });
    const talk = tool();
    expect(await talk.next()).toEqual({ value: 'one', done: false });
    expect(await talk.next('a')).toEqual({ value: 'two', done: false });
    expect(await talk.throw('oops')).toEqual({ value: 'recovered', done: false });
    expect(await talk.next()).toEqual({ value: 'end', done: true });
    expect(received).toEqual(['a', 'oops']);
    expect(await recorded(made)).toMatchObject([{ name: 'talk', success: true }]);
  });

  test('that is left early cleans up, and is a success', async () => {
    const made = rig();
    let cleaned = false;
    const tool = made.analytics.wrapTool(async function* tool() {
      try {
        yield 1;
        yield 2;
      } finally {
        await turn();
        cleaned = true;
      }
    });
    for await (const number of tool()) {
      expect(number).toBe(1);
      break;
    }
    expect(cleaned).toBe(true);
    expect(await recorded(made)).toMatchObject([{ success: true }]);
  });

  test('is measured until its end, and fails with it', async () => {
    const made = rig();
    const tool = made.analytics.wrapTool(async function* tool() {
      yield 1;
      await made.clock.advance(25);
      throw new DOMException('stop', 'AbortError');
    });
    const read = async (): Promise<void> => {
      for await (const _ of tool()) {
        await made.clock.advance(5);
      }
    };
    await expect(read()).rejects.toThrow('stop');
    expect(await recorded(made)).toMatchObject([{ success: false, latencyMs: 30, error: { type: 'AbortError' } }]);
  });

  test('serves steps that are asked for at once in order', async () => {
    const made = rig();
    const tool = made.analytics.wrapTool(async function* tool() {
      yield 1;
      await turn();
      yield 2;
    });
    const steps = tool();
    expect(await Promise.all([steps.next(), steps.next(), steps.next()])).toEqual([
      { value: 1, done: false },
      { value: 2, done: false },
      { value: undefined, done: true },
    ]);
  });
});

function thrower(): never {
  throw new Error('mine');
}
