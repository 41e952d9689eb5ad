import { createToolkitCache } from '@toolweaver/analytics-adapters';
import { expect, test } from 'vitest';
import { elapse, rig } from './rig.ts';

class Shell {
  closed = 0;
  run(command: string): string {
    return command;
  }
  async cleanup(): Promise<void> {
    this.closed += 1;
  }
}

test('makes each toolkit once, tracks it, and says whether it was there', async () => {
  const { analytics, executions, toolkitEvents } = rig();
  const cache = createToolkitCache(analytics);
  const original = new Shell();
  const [first, second] = await Promise.all([
    cache.get('Shell', async () => {
      await elapse(5);
      return original;
    }),
    cache.get('Shell', () => new Shell()),
  ]);
  expect(first).toBe(second);
  expect(await cache.get('Shell', () => new Shell())).toBe(first);
  first.run('ls');
  await cache.delete('Shell');
  await cache.delete('Shell');
  expect(original.closed).toBe(1);
  expect(await cache.get('Shell', () => new Shell())).not.toBe(first);
  const events = await toolkitEvents();
  expect(events.map(({ toolkit, operation, success }) => [toolkit, operation, success])).toEqual([
    ['Shell', 'cache_miss', true],
    ['Shell', 'create', true],
    ['Shell', 'cache_hit', true],
    ['Shell', 'cache_hit', true],
    ['Shell', 'cleanup', true],
    ['Shell', 'cache_miss', true],
    ['Shell', 'create', true],
  ]);
  expect(events[1]?.durationMs).toBeGreaterThan(3);
  expect(await executions()).toMatchObject([{ name: 'run', toolkit: 'Shell', inputBytes: 2, outputBytes: 2 }]);
});

test('keeps no failure, and lets it through unchanged', async () => {
  const { analytics, toolkitEvents } = rig();
  const cache = createToolkitCache(analytics);
  const thrown = new RangeError('no shell');
  for (const make of [
    () => Promise.reject(thrown),
    () => {
      throw thrown;
    },
  ]) {
    await expect(cache.get('Shell', make)).rejects.toBe(thrown);
  }
  expect(await cache.get('Shell', () => new Shell())).toBeInstanceOf(Shell);
  expect((await toolkitEvents()).map(({ operation, error }) => [operation, error?.type])).toEqual([
    ['cache_miss', undefined],
    ['create', 'RangeError'],
    ['cache_miss', undefined],
    ['create', 'RangeError'],
    ['cache_miss', undefined],
    ['create', undefined],
  ]);
});

test('ends all, whatever some of them throw', async () => {
  const { analytics, toolkitEvents } = rig();
  const cache = createToolkitCache(analytics);
  const shell = new Shell();
  await cache.get('Broken', () => ({ close: () => Promise.reject(new Error('stuck')) }));
  await cache.get('Plain', () => ({}));
  await cache.get('Shell', () => shell);
  await cache.get('Unmade', () => Promise.reject(new Error('unmade'))).catch(() => {});
  await expect(cache.close()).rejects.toThrow('stuck');
  await cache.close();
  expect(shell.closed).toBe(1);
  const ended = (await toolkitEvents()).filter(({ operation }) => operation === 'cleanup');
  expect(Object.fromEntries(ended.map(({ toolkit, success }) => [toolkit, success]))).toEqual({
    Broken: false,
    Plain: true,
    Shell: true,
  });
});

test.each([true, false])('one that its user ends is let go, and nothing else is (enabled: %s)', async (enabled) => {
  const { analytics, toolkitEvents } = rig();
  const cache = createToolkitCache(analytics, { enabled });
  const [first, second] = [new Shell(), new Shell()];
  const tracked = await cache.get('Shell', () => first);
  await tracked.cleanup();
  const next = await cache.get('Shell', () => second);
  await tracked.cleanup();
  expect(await cache.get('Shell', () => new Shell())).toBe(next);
  await cache.close();
  expect([first.closed, second.closed]).toEqual([2, 1]);
  const operations = ['cache_miss', 'create', 'cleanup', 'cache_miss', 'create', 'cleanup', 'cache_hit', 'cleanup'];
  expect((await toolkitEvents()).map(({ operation }) => operation)).toEqual(enabled ? operations : []);
});

test.each(['', ' ', 5])('refuses the name %j', async (name) => {
  const { analytics } = rig();
  await expect(createToolkitCache(analytics).get(name as string, () => ({}))).rejects.toThrow(
    'name: must be a non-blank string',
  );
});

test('refuses what makes nothing', async () => {
  const { analytics, toolkitEvents } = rig();
  const get = createToolkitCache(analytics).get('Shell', new Shell() as never);
  await expect(get).rejects.toThrow('make: must be a function');
  expect(await toolkitEvents()).toEqual([]);
});

test.each([
  [undefined, 'undefined'],
  ['shell', '"shell"'],
  [5, '5'],
])('refuses what is no toolkit: %j', async (made, told) => {
  const { analytics, toolkitEvents } = rig();
  const cache = createToolkitCache(analytics);
  await expect(cache.get('Shell', () => made as never)).rejects.toThrow(
    `make(): must be an object or an array of tools, got ${told}`,
  );
  await cache.close();
  expect((await toolkitEvents()).map(({ operation, success }) => [operation, success])).toEqual([
    ['cache_miss', true],
    ['create', false],
  ]);
});

test('refuses wrong options', () => {
  const { analytics } = rig();
  expect(() => createToolkitCache(analytics, { sampleRate: -1, enabled: 1 } as never)).toThrow(
    /enabled: .*\n?.*sampleRate: /s,
  );
  expect(() => createToolkitCache(analytics, { tools: ['search'] } as never)).toThrow('tools: is not an option');
  expect(() => createToolkitCache(analytics, null as never)).toThrow('options: must be an object, got null');
});
