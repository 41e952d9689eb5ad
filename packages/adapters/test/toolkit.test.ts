import { trackToolkit } from '@toolweaver/analytics-adapters';
import { createAnalytics } from '@toolweaver/analytics-core';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { describe, expect, test } from 'vitest';
import { elapse, rig } from './rig.ts';

/** As toolkits are: state of its own, private and not, tools of every sort, helpers, an end. */
class SearchToolkit {
  readonly #calls: string[] = [];
  limit = 3;

  get calls(): readonly string[] {
    return this.#calls;
  }
  search(query: string): string[] {
    this.#calls.push(query);
    return this._clean([`a page about ${query}`]);
  }
  async fetch(url: string): Promise<string> {
    await elapse(1);
    if (url === '') {
      throw new TypeError('no url');
    }
    return `content of ${url}: ${this.search(url)}`;
  }
  *pages(count: number): Generator<number> {
    for (let page = 0; page < count; page += 1) {
      yield page;
    }
  }
  _clean(pages: string[]): string[] {
    return this.#calls.length > 0 ? pages.slice(0, this.limit) : pages;
  }
  async close(): Promise<void> {
    await elapse(2);
    this.#calls.push('closed');
  }
}

describe('a toolkit', () => {
  test('that is an object of a class works as before, and each call of a tool is recorded', async () => {
    const { analytics, executions } = rig();
    const original = new SearchToolkit();
    const toolkit = trackToolkit(analytics, original);
    expect(toolkit.search('cats')).toEqual(['a page about cats']);
    expect(await toolkit.fetch('url')).toBe('content of url: a page about url');
    await expect(toolkit.fetch('')).rejects.toThrow(new TypeError('no url'));
    expect([...toolkit.pages(3)]).toEqual([0, 1, 2]);
    expect(toolkit.calls).toEqual(['cats', 'url']);
    expect(toolkit._clean([''])).toEqual(['']);
    expect(toolkit instanceof SearchToolkit).toBe(true);
    expect(toolkit.search).toBe(toolkit.search);
    expect([toolkit.search.name, toolkit.search.length]).toEqual(['search', 1]);
    const shared = { kind: 'tool', toolkit: 'SearchToolkit' };
    expect(await executions()).toMatchObject([
      { ...shared, name: 'search', success: true, inputBytes: 4, outputBytes: '["a page about cats"]'.length },
      { ...shared, name: 'fetch', success: true, inputBytes: 3, outputBytes: 32 },
      { ...shared, name: 'fetch', success: false, inputBytes: 0, error: { type: 'TypeError', message: 'no url' } },
      { ...shared, name: 'pages', success: true, inputBytes: 1 },
    ]);
  });

  test('keeps its state, whichever of the two changes it', () => {
    const { analytics } = rig();
    const original = new SearchToolkit();
    const toolkit = trackToolkit(analytics, original);
    toolkit.limit = 1;
    expect(original.limit).toBe(1);
    original.limit = 2;
    expect(toolkit.limit).toBe(2);
    expect(Object.keys(toolkit)).toEqual(['limit']);
    expect('search' in toolkit && 'limit' in toolkit).toBe(true);
    toolkit.search = () => ['another'];
    expect(toolkit.search('x')).toEqual(['another']);
    expect(Reflect.deleteProperty(toolkit, 'limit')).toBe(true);
    expect('limit' in original).toBe(false);
    // What the original does by itself is no call of a tool.
    expect(original.search).not.toBe(toolkit.search);
  });

  test('can have properties defined, and their descriptors given back', async () => {
    const { analytics, executions } = rig();
    const original = new SearchToolkit() as SearchToolkit & Record<string, unknown>;
    const toolkit = trackToolkit(analytics, original);
    const [plain, renamed, final] = [() => 1, () => 2, () => 3];
    Object.defineProperty(toolkit, 'plain', { value: plain });
    Object.defineProperty(toolkit, 'renamed', { value: renamed, configurable: false, writable: true });
    Object.defineProperty(toolkit, 'final', { value: final, configurable: false, writable: false });
    Object.defineProperty(toolkit, 'twice', { get: () => original.limit * 2, enumerable: true, configurable: false });
    expect([original['plain'], original['renamed'], original['final'], original['twice']]).toEqual([
      plain,
      renamed,
      final,
      6,
    ]);
    for (const key of ['plain', 'renamed', 'twice']) {
      const { value, ...attributes } = Object.getOwnPropertyDescriptor(toolkit, key) as PropertyDescriptor;
      expect(Object.getOwnPropertyDescriptor(original, key)).toMatchObject(attributes);
      expect(value).toBe(key === 'twice' ? undefined : toolkit[key]);
    }
    expect(Object.keys(toolkit)).toEqual(['limit', 'twice']);
    expect(Reflect.defineProperty(toolkit, 'plain', { value: final })).toBe(false);
    expect(Reflect.defineProperty(toolkit, 'plain', { value: toolkit['plain'] })).toBe(true);
    expect(Reflect.deleteProperty(toolkit, 'plain')).toBe(false);

    const { search } = toolkit;
    toolkit.search = search;
    Object.defineProperty(toolkit, 'search', Object.getOwnPropertyDescriptor(toolkit, 'search') as PropertyDescriptor);
    expect(original.search).toBe(SearchToolkit.prototype.search);
    toolkit.search('a');
    // What is final is as it was given: a proxy has to show that very function.
    expect(toolkit['final']).toBe(final);
    for (const key of ['plain', 'renamed', 'final']) {
      (toolkit[key] as () => number)();
    }
    expect((await executions()).map(({ name }) => name)).toEqual(['search', 'plain', 'renamed']);
  });

  test('can be frozen, and closed to new properties, by either of the two', async () => {
    const { analytics, executions } = rig();
    const tool = { name: 'add', execute: (a: number, b = 0) => a + b };
    const made = () => ({ double: (value: number) => 2 * value, add: tool, limit: 5 });
    const frozen = made();
    const toolkit = trackToolkit(analytics, frozen, { name: 'Frozen' });
    expect(Object.freeze(toolkit)).toBe(toolkit);
    expect([Object.isFrozen(toolkit), Object.isFrozen(frozen)]).toEqual([true, true]);
    expect(Object.keys(toolkit)).toEqual(['double', 'add', 'limit']);
    const copy = { ...toolkit };
    expect([copy.limit, copy.double(1), toolkit.double(2), toolkit.add.execute(1, 2)]).toEqual([5, 2, 4, 3]);
    expect(() => Object.assign(toolkit, { limit: 6 })).toThrow(TypeError);
    expect(Object.isFrozen(trackToolkit(analytics, frozen, { name: 'Frozen' }))).toBe(true);
    expect((await executions()).map(({ name }) => name)).toEqual(['double', 'double', 'add']);

    for (const close of [Object.preventExtensions, Object.seal]) {
      for (const which of ['toolkit', 'original'] as const) {
        const original: Partial<ReturnType<typeof made>> & { more?: number } = made();
        const closed = trackToolkit(analytics, original, { name: 'Closed' });
        close(which === 'toolkit' ? closed : original);
        expect([Object.isExtensible(closed), Object.isExtensible(original)]).toEqual([false, false]);
        expect(Object.isSealed(closed)).toBe(close === Object.seal);
        expect(Reflect.set(closed, 'more', 1)).toBe(false);
        expect(Reflect.defineProperty(closed, 'more', { value: 1 })).toBe(false);
        closed.limit = 6;
        expect([closed.limit, Object.getOwnPropertyDescriptor(closed, 'limit')?.value]).toEqual([6, 6]);
        // What goes from the original is gone from the other as well.
        const goes = close === Object.preventExtensions;
        expect(Reflect.deleteProperty(original, 'add')).toBe(goes);
        expect('add' in closed).toBe(!goes);
        expect(Reflect.deleteProperty(closed, 'limit')).toBe(goes);
        expect(Reflect.deleteProperty(original, 'double')).toBe(goes);
        expect(Object.keys(closed)).toEqual(goes ? [] : ['double', 'add', 'limit']);
      }
    }
  });

  test('may be an array of functions and tools, an object of them, and frozen', async () => {
    const { analytics, executions } = rig();
    const tool = Object.freeze({
      name: 'add',
      description: 'adds',
      execute: ({ a, b }: { a: number; b: number }, _options?: unknown) => a + b,
    });
    function double(value: number): number {
      return 2 * value;
    }
    const list = trackToolkit(analytics, Object.freeze([tool, double, 'none'] as const), { name: 'List' });
    expect(list[0].execute({ a: 1, b: 2 }, { messages: ['x'.repeat(100)] })).toBe(3);
    expect([list[1](4), list[2], list[0].description]).toEqual([8, 'none', 'adds']);
    const record = trackToolkit(
      analytics,
      Object.freeze({ double, sum: { execute: tool.execute }, other: tool, limit: 5 }),
      {
        name: 'Record',
      },
    );
    expect([record.double(1), record.sum.execute({ a: 3, b: 4 }), record.other.execute({ a: 0, b: 0 })]).toEqual([
      2, 7, 0,
    ]);
    expect({ ...record }.limit).toBe(5);
    expect({ ...record.sum }.execute({ a: 5, b: 4 })).toBe(9);
    const named = (await executions()).map(({ toolkit, name, inputBytes }) => [toolkit, name, inputBytes]);
    expect(named).toEqual([
      ['List', 'add', 13],
      ['List', 'double', 1],
      ['Record', 'double', 1],
      ['Record', 'sum', 13],
      ['Record', 'add', 13],
      ['Record', 'sum', 13],
    ]);
  });

  test.each(['execute', 'handler', 'invoke', 'call', 'run', 'func'])(
    'may have tools that are called by %s',
    async (call) => {
      const { analytics, executions } = rig();
      class Tool {
        readonly #secret = 7;
        readonly name = 'own';
        [call](): number {
          return this.#secret;
        }
      }
      const [tool] = trackToolkit(analytics, [new Tool()], { name: 'T' });
      expect((tool as unknown as Record<string, () => number>)[call]?.()).toBe(7);
      expect((await executions()).map(({ name }) => name)).toEqual(['own']);
    },
  );

  test('is recorded under its name; its class has to have one', async () => {
    const { analytics, toolkitEvents } = rig();
    trackToolkit(analytics, new SearchToolkit());
    trackToolkit(analytics, new SearchToolkit(), { name: 'Web', attributes: { region: 'eu' } });
    for (const toolkit of [{}, [], Object.create(null), new (class {})()]) {
      expect(() => trackToolkit(analytics, toolkit)).toThrow(
        'name: must be given, as the toolkit has no class of its own',
      );
    }
    expect(await toolkitEvents()).toMatchObject([
      { toolkit: 'SearchToolkit', operation: 'create', success: true },
      { toolkit: 'Web', operation: 'create', success: true, attributes: { region: 'eu' } },
    ]);
  });

  test('takes as tools what it is told', async () => {
    const { analytics, executions, toolkitEvents } = rig();
    const toolkit = trackToolkit(analytics, new SearchToolkit(), { tools: ['search', 'close', '_clean'] });
    toolkit.search('a');
    await toolkit.fetch('b');
    toolkit._clean([]);
    await toolkit.close();
    expect((await executions()).map(({ name }) => name)).toEqual(['search', '_clean', 'close']);
    expect((await toolkitEvents()).map(({ operation }) => operation)).toEqual(['create']);
  });

  test.each<[string, object]>([
    ['by its key', { look: { name: 'search', execute: () => 1 } }],
    ['by its name', { other: { name: 'look', execute: () => 1 } }],
    ['in a list', [{ name: 'look', execute: () => 1 }]],
    ['a function in a list', [function look() {}]],
  ])('finds what it is told %s', async (_, original) => {
    const { analytics, executions } = rig();
    const [tool] = Object.values(trackToolkit(analytics, original, { name: 'Mixed', tools: ['look'] }));
    (typeof tool === 'function' ? tool : tool.execute)();
    expect(await executions()).toHaveLength(1);
  });

  test('ends by `using`, as it would itself', async () => {
    const { analytics, toolkitEvents } = rig();
    const ended: string[] = [];
    class Held {
      #name = 'held';
      [Symbol.dispose](): void {
        ended.push(this.#name);
      }
      async [Symbol.asyncDispose](): Promise<void> {
        ended.push(`${this.#name} for long`);
      }
    }
    {
      using _held = trackToolkit(analytics, new Held());
    }
    {
      await using _held = trackToolkit(analytics, new Held());
    }
    expect(ended).toEqual(['held', 'held for long']);
    const ends = (await toolkitEvents()).filter(({ operation }) => operation === 'cleanup');
    expect(ends.map(({ success }) => success)).toEqual([true, true]);
  });

  test('is no tool where it is a class', async () => {
    const { analytics, executions } = rig();
    class Pool {
      Client = class {
        readonly url: string;
        constructor(url: string) {
          this.url = url;
        }
      };
      connect(): string {
        return new this.Client('a').url;
      }
    }
    const pool = trackToolkit(analytics, new Pool());
    expect(new pool.Client('b')).toEqual({ url: 'b' });
    expect(pool.connect()).toBe('a');
    expect((await executions()).map(({ name }) => name)).toEqual(['connect']);
  });

  test('says its end, however it comes', async () => {
    const { analytics, executions, toolkitEvents } = rig();
    await trackToolkit(analytics, new SearchToolkit()).close();
    class Held {
      async [Symbol.asyncDispose](): Promise<void> {
        throw new RangeError('held');
      }
      dispose(): void {
        throw new RangeError('still held');
      }
    }
    const held = trackToolkit(analytics, new Held());
    await expect(held[Symbol.asyncDispose]()).rejects.toThrow('held');
    expect(() => held.dispose()).toThrow('still held');
    const ends = (await toolkitEvents()).filter(({ operation }) => operation === 'cleanup');
    expect(ends).toMatchObject([
      { toolkit: 'SearchToolkit', success: true },
      { toolkit: 'Held', success: false, error: { type: 'RangeError', message: 'held' } },
      { toolkit: 'Held', success: false, error: { message: 'still held' } },
    ]);
    expect(ends[0]?.durationMs).toBeGreaterThan(1);
    expect(await executions()).toEqual([]);
  });

  test.each([
    ['a name that is blank', { name: ' ' }, 'name: must be given'],
    ['a rate above 1', { sampleRate: 2 }, 'sampleRate: must be a number from 0 to 1, got 2'],
    ['a text for a switch', { enabled: 'no' }, 'enabled: must be true or false, got "no"'],
    ['no list of tools', { tools: 'search' }, 'tools: must be an array of names'],
    [
      'a tool that it has not',
      { tools: ['search', 'raed'] },
      'tools: must name tools of the toolkit, which has no "raed"',
    ],
    ['a name that is not an option', { samplingRate: 0.5 }, 'samplingRate: is not an option; the options are enabled,'],
    ['what has no text', { enabled: Object.create(null) }, 'enabled: must be true or false, got an object'],
    ['a symbol', { sampleRate: Symbol('rate') }, 'sampleRate: must be a number from 0 to 1, got a symbol'],
    ['a bigint', { sampleRate: 1n }, 'sampleRate: must be a number from 0 to 1, got a bigint'],
    ['a promise', { sizes: Promise.resolve(true) }, 'sizes: must be true or false, got a promise: await it'],
    ['a tool that has no text', { tools: [Object.create(null)] }, 'which has no an object'],
    ['several of these', { samplingRate: 0.5, sizes: 1, tools: 5 }, '3 problems'],
    ['what is no object', null, 'options: must be an object, got null'],
  ])('with %s is refused at once', (_, options, message) => {
    const { analytics } = rig();
    expect(() => trackToolkit(analytics, new SearchToolkit(), options as never)).toThrow(message);
  });

  test.each(['map', 'length', '0'])(
    'that is an array has no tool that is named by what all arrays have: %s',
    (name) => {
      const { analytics } = rig();
      const toolkit = [{ name: 'search', execute: () => 1 }];
      expect(trackToolkit(analytics, toolkit, { name: 'kit', tools: ['search'] })).toHaveLength(1);
      expect(() => trackToolkit(analytics, toolkit, { name: 'kit', tools: ['search', name] })).toThrow(
        `tools: must name tools of the toolkit, which has no "${name}"`,
      );
    },
  );

  test('gives a tool that is called on something else that for its `this`', async () => {
    const { analytics, executions } = rig();
    const kit = trackToolkit(
      analytics,
      {
        root: 'here',
        where(): string {
          return this.root;
        },
      },
      { name: 'kit' },
    );
    expect([kit.where(), kit.where.call({ root: 'there' } as never)]).toEqual(['here', 'there']);
    expect(await executions()).toHaveLength(2);
  });

  test('gives a getter and a setter the toolkit itself', () => {
    class Held {
      #held = 1;
      get held() {
        return this.#held;
      }
      set held(value: number) {
        this.#held = value;
      }
    }
    const kit = trackToolkit(rig().analytics, new Held());
    kit.held += 1;
    expect([kit.held, kit.constructor]).toEqual([2, Held]);
  });

  test('that is awaited or made JSON has called no tool', async () => {
    const { analytics, executions } = rig();
    // biome-ignore lint/suspicious/noThenProperty: that is what is awaited here
    const toolkit = { toJSON: () => ({ id: 1 }), then: (done: (value: string) => void) => done('ready') };
    const kit = trackToolkit(analytics, toolkit, { name: 'kit' });
    expect(JSON.stringify(kit)).toBe('{"id":1}');
    expect(await kit).toBe('ready');
    expect(await executions()).toEqual([]);
  });

  test('whose tools take and give objects without a prototype says their size', async () => {
    const { analytics, executions } = rig();
    const bare = (fields: object): object => Object.assign(Object.create(null), fields);
    const kit = trackToolkit(analytics, { echo: (value: object) => value }, { name: 'kit' });
    kit.echo(bare({ a: 1 }));
    expect(await executions()).toMatchObject([{ inputBytes: 7, outputBytes: 7 }]);
  });

  test.each([undefined, null, 'text', () => 1])('that is none is refused: %s', (toolkit) => {
    const { analytics } = rig();
    expect(() => trackToolkit(analytics, toolkit as never)).toThrow('toolkit: must be an object or an array of tools');
  });
});

describe('sizes', () => {
  test.each<[unknown, number | undefined]>([
    ['ä', 2],
    [new Uint8Array(5), 5],
    [new ArrayBuffer(6), 6],
    [{ a: 'ä' }, 10],
    [[1, 2], 5],
    [true, 4],
    [null, 4],
    [new Date(0), 26],
    [undefined, undefined],
    [10n, undefined],
    [{ big: 10n }, undefined],
    [new Map(), undefined],
    [new ReadableStream(), undefined],
    [
      {
        toJSON() {
          throw new Error('no');
        },
      },
      undefined,
    ],
  ])('of %o', async (value, bytes) => {
    const { analytics, executions } = rig();
    const { same } = trackToolkit(analytics, { same: (given: unknown) => given }, { name: 'T' });
    same(value);
    expect(await executions()).toMatchObject([{ inputBytes: bytes, outputBytes: bytes }]);
  });

  test('are those of all arguments together, and of no content', async () => {
    const { analytics, executions, events } = rig();
    const { join } = trackToolkit(analytics, { join: (a: string, b: string) => a + b }, { name: 'T' });
    join('secret', 'word');
    expect(await executions()).toMatchObject([{ inputBytes: 10, outputBytes: 10 }]);
    expect(JSON.stringify(await events())).not.toContain('secret');
  });

  test('of a tool are those of its input, wherever that is', async () => {
    const { analytics, executions } = rig();
    const invoke = (..._: readonly unknown[]) => 'done';
    const [tool] = trackToolkit(analytics, [{ name: 'a', invoke }], { name: 'T' });
    tool?.invoke({ input: 1 }, { signal: 'x'.repeat(50) });
    tool?.invoke({ context: 'x'.repeat(50) }, '{"input":1}', {});
    tool?.invoke();
    expect((await executions()).map(({ inputBytes }) => inputBytes)).toEqual([11, 11, undefined]);
  });

  test('of inputs are those before the call, which a tool may drain or fill', async () => {
    const { analytics, executions } = rig();
    const tools = [
      function sync(list: number[]) {
        list.pop();
      },
      async function awaited(list: number[]) {
        list.push(3, 4);
      },
      function* steps(list: number[]) {
        yield list.splice(0);
      },
      async function* awaitedSteps(list: number[]) {
        yield list.splice(0);
      },
    ] as const;
    const [sync, awaited, steps, awaitedSteps] = trackToolkit(analytics, tools, { name: 'T' });
    sync([1, 2]);
    await awaited([1, 2]);
    expect([...steps([1, 2])]).toEqual([[1, 2]]);
    for await (const step of awaitedSteps([1, 2])) {
      expect(step).toEqual([1, 2]);
    }
    expect((await executions()).map(({ name, inputBytes }) => [name, inputBytes])).toEqual(
      tools.map(({ name }) => [name, 5]),
    );
  });

  test.each([true, false])('leave a function of its sort, with its `this` and its properties: %s', async (sizes) => {
    const { analytics } = rig();
    const tools = [
      function sync(this: unknown, _: number) {
        return this;
      },
      async function awaited(this: unknown, _: number) {
        return this;
      },
      // biome-ignore lint/correctness/useYield: it only returns
      function* steps(this: unknown, _: number): Generator<unknown> {
        return this;
      },
      // biome-ignore lint/correctness/useYield: it only returns
      async function* awaitedSteps(this: unknown, _: number): AsyncGenerator<unknown> {
        return this;
      },
    ].map((fn) => Object.assign(fn, { schema: { type: 'number' } }));
    const wrapped = trackToolkit(analytics, tools, { name: 'T', sizes });
    for (const [at, fn] of wrapped.entries()) {
      expect(fn).not.toBe(tools[at]);
      expect([fn.name, fn.length, fn.schema, fn.constructor]).toEqual([
        tools[at]?.name,
        1,
        tools[at]?.schema,
        tools[at]?.constructor,
      ]);
    }
    const self = { id: 'self' };
    const [sync, awaited, steps, awaitedSteps] = wrapped.map((fn) => Reflect.apply(fn, self, [1]) as never);
    expect(sync).toBe(self);
    expect(await awaited).toBe(self);
    expect((steps as unknown as Generator).next()).toEqual({ value: self, done: true });
    expect(await (awaitedSteps as unknown as AsyncGenerator).next()).toEqual({ value: self, done: true });
  });

  test('can be left out', async () => {
    const { analytics, executions } = rig();
    const { same } = trackToolkit(analytics, { same: (given: string) => given }, { name: 'T', sizes: false });
    same('text');
    expect((await executions())[0]?.inputBytes).toBeUndefined();
  });
});

describe('the far side', () => {
  test('counts invocations and events of toolkits as the documents have them', async () => {
    const analytics = createAnalytics({ backends: [await sqlite({ path: ':memory:' })] });
    const toolkit = trackToolkit(analytics, new SearchToolkit());
    await analytics.trackRun({ id: 'exec_123' }, async () => {
      toolkit.search('a');
      await toolkit.fetch('b');
      await toolkit.fetch('').catch(() => {});
    });
    await toolkit.close();
    const metrics = await analytics.reader.getToolkitMetrics({ runId: 'exec_123' });
    expect(metrics).toMatchObject({
      execution_id: 'exec_123',
      tool_invocations: { total_calls: 3, successful_calls: 2, failed_calls: 1 },
      by_toolkit: { SearchToolkit: { calls: 3, successful: 2, failed: 1 } },
      by_tool: { 'SearchToolkit.fetch': { calls: 2, successful: 1 }, 'SearchToolkit.search': { calls: 1 } },
    });
    const { traces } = await analytics.reader.listToolInvocations({ runId: 'exec_123', success: false });
    expect(traces).toMatchObject([
      { toolkit_class: 'SearchToolkit', tool_name: 'fetch', input_size_bytes: 0, error: 'no url' },
    ]);
    expect((await analytics.reader.listToolkitTraces()).traces.map(({ operation }) => operation).sort()).toEqual([
      'cleanup',
      'create',
    ]);
    await analytics.close();
  });
});

test('a chain of calls is recorded to its end', async () => {
  const { analytics, executions } = rig();
  class Folder {
    #at = '/';
    open(name: string): this {
      this.#at += name;
      return this;
    }
    list(): string[] {
      return [this.#at];
    }
  }
  const folder = trackToolkit(analytics, new Folder());
  expect(folder.open('a')).toBe(folder);
  expect(folder.open('b').list()).toEqual(['/ab']);
  expect((await executions()).map(({ name }) => name)).toEqual(['open', 'open', 'list']);
});
