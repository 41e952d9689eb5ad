import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ownTime } from '../../../test/support/own-time.ts';
import { observe } from './support/observe.ts';
import { parse } from './support/parse.ts';

interface Program {
  readonly url: string;
  /** Each is done when the next begins. */
  order(...lines: readonly string[]): Promise<void>;
  /** What an order is answered with. */
  ask(line: string): Promise<string>;
  scrape(): Promise<string>;
  /** Executions by skill. */
  counts(): Promise<Record<string, number>>;
  /** Those that one scrape shows, whoever is late. */
  countsAtOnce(): Promise<Record<string, number>>;
}

async function start(argument = '', env: NodeJS.ProcessEnv = {}): Promise<Program> {
  const program = join(import.meta.dirname, 'fixtures', 'workers.ts');
  const child: ChildProcess = spawn(process.execPath, ['--conditions=@toolweaver/source', program, argument], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface(child.stdout as NodeJS.ReadableStream)[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => (await lines.next()).value ?? expect.fail('the program ended');
  const url = await nextLine();
  const scrapeOnce = async (): Promise<string> => (await fetch(url)).text();
  /** One that took so long did not wait for everybody, who were late as the machine stood still. */
  async function scrape(): Promise<string> {
    for (;;) {
      const startedAt = performance.now();
      const text = await scrapeOnce();
      if (performance.now() - startedAt < 500) {
        return text;
      }
    }
  }
  const countsOf = (text: string): Record<string, number> => {
    const samples = parse(text).get('toolweaver_skill_executions_total')?.samples ?? [];
    return Object.fromEntries(samples.map(({ labels, value }) => [labels['skill_id'], value]));
  };
  async function ask(line: string): Promise<string> {
    child.stdin?.write(`${line}\n`);
    return nextLine();
  }
  return {
    url,
    ask,
    async order(...orders) {
      for (const order of orders) {
        expect(await ask(order)).toBe('done');
      }
    },
    scrape,
    counts: async () => countsOf(await scrape()),
    countsAtOnce: async () => countsOf(await scrapeOnce()),
  };
}

test.each(['fork', 'thread'])(
  'one scrape shows what all have counted, also those that have ended (%s)',
  async (how) => {
    const { order, counts, scrape } = await start();
    await order(`${how} a`, `${how} b`, 'record main', 'record a', 'record b', 'record b');
    const all = { shared: 4, 'of-main': 1, 'of-a': 1, 'of-b': 2 };
    expect(await counts()).toEqual(all);
    const { executions } = observe(await scrape());
    const latencies = Object.fromEntries(executions.map(({ name, latency }) => [name, latency]));
    expect(latencies).toMatchObject({ shared: { count: 4, sumMs: 80 }, 'of-b': { count: 2, sumMs: 400 } });

    // What it counted since the last scrape is handed over when it closes.
    await order('record a', 'close a');
    expect(await counts()).toEqual({ ...all, shared: 5, 'of-a': 2 });
    await order('leave a', `${how} c`, 'record c');
    expect(await counts()).toEqual({ ...all, shared: 6, 'of-a': 2, 'of-c': 1 });

    // One that ends without a word leaves what the last scrape saw.
    await order('record b', 'leave b');
    await vi.waitFor(async () => expect((await counts())['of-c']).toBe(1), 30_000);
    expect(await counts()).toMatchObject({ 'of-b': expect.toSatisfy((count) => count === 2 || count === 3) });
  },
);

test.each(['fork', 'thread'])('of scores the lowest is shown, while there is one who gave it (%s)', async (how) => {
  const { order, scrape } = await start();
  const score = async () => observe(await scrape()).health;
  await order(`${how} a`, 'well main', 'ill a');
  expect(await score()).toEqual([{ skillId: 'shared', score: 40 }]);
  await order('close a');
  expect(await score()).toEqual([{ skillId: 'shared', score: 90 }]);
});

test.each(['fork', 'thread'])('one that ends without a word is gone, and nobody else is (%s)', async (how) => {
  const { order, scrape, counts } = await start();
  const score = async () => observe(await scrape()).health;
  await order(`${how} a`, `${how} b`, 'ill a', 'well b');
  expect(await score()).toEqual([{ skillId: 'shared', score: 40 }]);
  await order('leave a');
  await vi.waitFor(async () => expect(await score()).toEqual([{ skillId: 'shared', score: 90 }]), 30_000);
  // Whoever has ended is not heard after a second.
  await sleep(1_500);
  expect(await score()).toEqual([{ skillId: 'shared', score: 90 }]);
  await order('record b');
  expect(await counts()).toEqual({ shared: 1, 'of-b': 1 });
});

test('a thread that is older than the metrics of its process ends, too', async () => {
  const { order, scrape, counts } = await start('early');
  const score = async () => observe(await scrape()).health;
  await order('well main', 'ill early', 'record early');
  expect(await score()).toEqual([{ skillId: 'shared', score: 40 }]);
  await order('leave early');
  await vi.waitFor(async () => expect(await score()).toEqual([{ skillId: 'shared', score: 90 }]), 30_000);
  expect(await counts()).toEqual({ shared: 1, 'of-early': 1 });
});

test.each(['fork', 'thread'])(
  'a label set keeps its series, whoever ends: a counter must not fall (%s)',
  async (how) => {
    const { order, counts } = await start('', { MAX_LABEL_SETS: '2' });
    await order(`${how} a`, `${how} b`, 'record a', 'record b');
    let before = await counts();
    expect(Object.keys(before)).toHaveLength(3);
    for (const orders of [['close a'], ['record b'], ['close b'], [`${how} c`, 'record c']]) {
      await order(...orders);
      const now = await counts();
      for (const [skill, count] of Object.entries(before)) {
        expect(now[skill], `${skill} after ${orders}`).toBeGreaterThanOrEqual(count);
      }
      before = now;
    }
    expect(Object.values(before).reduce((sum, count) => sum + count, 0)).toBe(8);
    expect(before).toMatchObject({ shared: 4, undefined: expect.any(Number) });
  },
);

test('histograms with other buckets are left out', async () => {
  const { order, scrape } = await start();
  await order('other a', 'record main', 'record a');
  const buckets = parse(await scrape()).get('toolweaver_skill_latency_milliseconds')?.samples ?? [];
  const counted = buckets.filter(({ labels, name }) => labels['skill_id'] === 'shared' && name.endsWith('_count'));
  expect(counted.map(({ value }) => value)).toEqual([1]);
});

test.each(['fork', 'thread'])('one that is busy holds nobody up, and shows what it showed before (%s)', async (how) => {
  const { order, counts, countsAtOnce } = await start();
  await order(`${how} a`, 'record a');
  expect(await counts()).toMatchObject({ shared: 1 });
  await order('block a', 'record main');
  const own = ownTime();
  expect(await countsAtOnce()).toMatchObject({ shared: 2 });
  expect(own.ms()).toBeLessThan(2500);
});

test('cluster workers and threads, and threads of cluster workers, are shown together', async () => {
  const { order, ask, counts } = await start();
  await order('fork a', 'thread t', 'record a', 'record t', 'record main', 'thread a/u', 'record a/u');
  expect(await ask('check a/u')).toBe('healthy');
  expect(await counts()).toEqual({ shared: 4, 'of-a': 1, 'of-t': 1, 'of-main': 1, 'of-u': 1 });
});

test('no sum falls in its last digit as threads of a cluster worker end, and then the worker', async () => {
  const { order, scrape } = await start();
  const paid = async () => parse(await scrape()).get('toolweaver_tool_cost_usd_total')?.samples[0]?.value;
  // Once `u` has ended, what it counted is added before what `t` has: 0.3 + 0.2 + 0.1 is less.
  await order('fork a', 'pay a 0.3', 'thread a/t', 'pay a/t 0.1', 'thread a/u', 'pay a/u 0.2');
  const before = await paid();
  expect(before).toBe(0.3 + 0.1 + 0.2);
  for (const end of ['close a/u', 'leave a/t', 'close a']) {
    await order(end);
    expect(await paid(), end).toBe(before);
  }
});

test.each(['fork', 'thread'])('one whose figures nobody shows is not healthy (%s)', async (how) => {
  const { order, ask } = await start();
  await order(`${how} a`);
  expect(await ask('check a')).toBe('healthy');
  await order('close main');
  expect(await ask('check a')).toMatch(/^BACKEND_UNAVAILABLE: prometheus: nobody shows what this worker counts: /);
  await order('thread a/t');
  expect(await ask('check a/t')).toMatch(/^BACKEND_UNAVAILABLE: /);
});
