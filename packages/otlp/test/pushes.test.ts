import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { type AnalyticsError, type Clock, createAnalytics } from '@toolweaver/analytics-core';
import { type OtlpOptions, otlp } from '@toolweaver/analytics-otlp';
import { execution, fakeClock } from '@toolweaver/analytics-testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { liveBytes } from '../../../test/support/memory.ts';
import { answerWith, faultyServer } from './support/faults.ts';
import { observe } from './support/observe.ts';
import { backendOfTest, flush, pointsOf, receiverOfTest } from './support/pushed.ts';
import type { Receiver } from './support/receiver.ts';

/** A backend that pushes every 10 s of a clock that stands still; the first time after 5 s. */
async function ticking(receiver: Receiver, options: OtlpOptions = {}) {
  const clock = fakeClock();
  const timeoutMs = 9000;
  /** How often it was said when to push next. */
  let scheduled = 0;
  const watched: Clock = {
    ...clock,
    setTimeout(callback, delayMs) {
      scheduled += delayMs === timeoutMs ? 0 : 1;
      return clock.setTimeout(callback, delayMs);
    },
  };
  const notices: Error[] = [];
  const backend = await backendOfTest({
    endpoint: receiver.url,
    clock: watched,
    pushIntervalMs: 10_000,
    timeoutMs,
    retry: { maxAttempts: 1 },
    onNotice: (notice) => notices.push(notice),
    ...options,
  });
  return {
    clock,
    notices,
    backend,
    /** Resolves when so many pushes have ended. */
    async ended(pushes: number): Promise<void> {
      while (scheduled <= pushes) {
        await setImmediate();
      }
    },
  };
}

describe('pushes by itself', () => {
  test('somewhere in the first interval, and then at each', async () => {
    const receiver = await receiverOfTest();
    const { clock, backend, ended } = await ticking(receiver);
    backend.write([execution()]);
    await clock.advance(4999);
    expect(receiver.requests).toHaveLength(0);
    await clock.advance(1);
    for (const count of [1, 2, 3]) {
      await ended(count);
      await clock.advance(9_999);
      expect(receiver.requests).toHaveLength(count);
      await clock.advance(1);
    }
  });

  test('beginning at different times where many begin together', async () => {
    const receiver = await receiverOfTest();
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, at) => ticking(receiver, { random: () => (at + 0.5) / 20 })),
    );
    for (const { backend, clock } of all) {
      backend.write([execution()]);
      await clock.advance(4000);
    }
    await Promise.all(all.slice(0, 8).map(({ ended }) => ended(1)));
    expect(receiver.requests).toHaveLength(8);
  });

  test('later when the receiver asks for it', async () => {
    const receiver = await receiverOfTest();
    const { clock, backend, ended } = await ticking(receiver);
    backend.write([execution()]);
    receiver.script((response) => void response.writeHead(429, { 'retry-after': '60' }).end());
    await clock.advance(5000);
    await ended(1);
    for (const stepMs of [10_000, 49_999]) {
      await clock.advance(stepMs);
      // A request would take a moment.
      await sleep(100);
      expect(receiver.requests).toHaveLength(1);
    }
    await clock.advance(1);
    await receiver.received(2);
  });

  test('tells of a push that failed, once a minute at most', async () => {
    const receiver = await receiverOfTest();
    const { clock, backend, notices, ended } = await ticking(receiver);
    backend.write([execution()]);
    receiver.script((response) => void response.writeHead(401).end('who are you?'));
    await clock.advance(5000);
    for (let count = 1; count <= 7; count += 1) {
      await ended(count);
      expect(notices).toHaveLength(count < 7 ? 1 : 2);
      await clock.advance(10_000);
    }
    expect(notices[0]).toMatchObject({ code: 'INVALID_CONFIG', message: expect.stringContaining('who are you?') });
  });

  test('a callback that throws or rejects hurts nobody', async () => {
    const receiver = await receiverOfTest();
    let told = 0;
    const onNotice = (): unknown => {
      told += 1;
      if (told === 1) {
        throw new Error('broken callback');
      }
      return Promise.reject(new Error('broken callback'));
    };
    const { clock, backend, ended } = await ticking(receiver, { onNotice });
    backend.write([execution()]);
    receiver.script((response, index) => void response.writeHead(index === 0 ? 401 : 400).end());
    await clock.advance(5000);
    await ended(1);
    await clock.advance(10_000);
    await ended(2);
    expect(told).toBe(2);
  });
});

test('whoever flushes does not wait for a push that nobody waits for', async () => {
  const receiver = await receiverOfTest();
  const { clock, backend, notices } = await ticking(receiver);
  backend.write([execution()]);
  receiver.script((response, index) => (index === 0 ? undefined : response.end()));
  await clock.advance(5000);
  await receiver.received(1);
  await flush(backend);
  expect(observe(receiver.requests).executions).toContainEqual(expect.objectContaining({ count: 1 }));
  expect(notices).toEqual([]);
});

test('two flushes at once are two pushes, one after the other', async () => {
  const receiver = await receiverOfTest();
  const backend = await backendOfTest({ endpoint: receiver.url });
  backend.write([execution()]);
  let open = 0;
  receiver.script((response) => {
    open += 1;
    expect(open).toBe(1);
    setTimeout(() => {
      open -= 1;
      response.end();
    }, 20);
  });
  await Promise.all([flush(backend), flush(backend)]);
  expect(receiver.requests).toHaveLength(2);
});

describe('an outage', () => {
  test('costs no total and no memory, whatever is recorded meanwhile', async () => {
    const receiver = await receiverOfTest();
    const { clock, backend, notices, ended } = await ticking(receiver);
    const client = createAnalytics({ backends: [backend], onError: () => {} });
    await receiver.pause();
    let heap = 0;
    for (let push = 0; push < 60; push += 1) {
      for (let count = 0; count < 1000; count += 1) {
        client.recordSkillExecution({ skillId: `skill-${count % 50}`, success: count % 10 !== 0, latencyMs: count });
      }
      await clock.advance(10_000);
      await ended(push + 1);
      if (push === 20) {
        heap = liveBytes();
      }
    }
    // 40 000 more events: kept, they would take some 10 MB.
    expect(liveBytes() - heap).toBeLessThan(4 * 1024 * 1024);
    // One a minute of ten.
    expect(notices.length).toBeGreaterThanOrEqual(9);
    expect(notices.length).toBeLessThanOrEqual(11);
    await receiver.start();
    expect(await client.flush()).toMatchObject({ ok: true });
    const total = observe(receiver.requests).executions.reduce((sum, { count }) => sum + count, 0);
    expect(total).toBe(60_000);
    expect(client.stats().backends['otlp']).toMatchObject({ accepted: 60_000, delivered: 60_000, queued: 0 });
  });

  test('is nothing that a closing client waits for', async () => {
    const connected = Promise.withResolvers<void>();
    const server = await faultyServer(() => connected.resolve());
    // Stands still: the flush has exactly its time, and neither the client nor the sender ends the last push.
    const clock = fakeClock();
    const backend = await otlp({ endpoint: server.url, clock });
    const client = createAnalytics({ backends: [backend], clock });
    client.recordSkillExecution({ skillId: 'summarise', success: true });
    const closed = client.close({ timeoutMs: 200 });
    await connected.promise;
    await clock.advance(200);
    const { ok, backends } = await closed;
    expect(ok).toBe(false);
    // The flush had its time, and closing the backend says nothing else about it.
    expect(backends['otlp']?.error?.message).toMatch(
      /^otlp: flush took longer than 200 ms: 127\.0\.0\.1:\d+\/v1\/metrics has not answered$/,
    );
  });
});

describe('close', () => {
  test('pushes what was not pushed yet, and nothing when all was', async () => {
    const receiver = await receiverOfTest();
    const backend = await backendOfTest({ endpoint: receiver.url });
    backend.write([execution()]);
    await backend.close?.();
    expect(receiver.requests).toHaveLength(1);

    const other = await backendOfTest({ endpoint: receiver.url });
    other.write([execution()]);
    await flush(other);
    await other.close?.();
    expect(receiver.requests).toHaveLength(2);
  });

  test('a client pushes once, and with it what it says of itself', async () => {
    const receiver = await receiverOfTest();
    const client = createAnalytics({ backends: [await backendOfTest({ endpoint: receiver.url })] });
    client.recordSkillExecution({ skillId: 'summarise', success: true });
    expect(await client.close()).toMatchObject({ ok: true });
    expect(receiver.requests).toHaveLength(1);
    const decoded = receiver.requests[0]?.decoded();
    expect(decoded && pointsOf(decoded, 'toolweaver_analytics_events_total')).toContainEqual(
      expect.objectContaining({ attributes: { backend: 'otlp', outcome: 'delivered' }, asDouble: 1 }),
    );
  });
});

test('what is told of a receiver that is away is why, and not that there was no time left', async () => {
  const notices: string[] = [];
  const onNotice = ({ message }: AnalyticsError): void => void notices.push(message);
  // Neither so long that there is no second attempt, nor so short that all are made in time.
  const random = (): number => 0.5;
  const client = createAnalytics({ backends: [await otlp({ endpoint: 'http://127.0.0.1:1', onNotice, random })] });
  client.recordSkillExecution({ skillId: 'summarise', success: true });
  const { ok, backends } = await client.close({ timeoutMs: 1000 });
  expect(ok).toBe(false);
  const why = '127.0.0.1:1/v1/metrics no answer: connect ECONNREFUSED 127.0.0.1:1';
  expect(notices).toEqual([`otlp: ${why}`]);
  expect(backends['otlp']?.error?.message).toMatch(/^otlp: flush took longer than \d+ ms: /);
  expect(backends['otlp']?.error?.message).toContain(why);
});

describe('at the end of the process', () => {
  /** Where it leaves it waits for `left`, and then for no more than that it ends. */
  function run(
    endpoint: string,
    ending: 'close' | 'leave',
    left?: Promise<void>,
  ): Promise<{ code: number | null; printed: string; elapsedMs: number }> {
    const program = join(import.meta.dirname, 'fixtures', 'host.ts');
    const child = spawn(process.execPath, ['--conditions=@toolweaver/source', program, endpoint, ending]);
    let started = performance.now();
    void left?.then(() => {
      started = performance.now();
      child.stdin.end('leave');
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let printed = '';
    child.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    child.stderr.on('data', (chunk) => {
      printed += chunk;
    });
    return new Promise((resolve) => {
      child.on('close', (code) => resolve({ code, printed, elapsedMs: performance.now() - started }));
    });
  }

  test('close delivers the last interval', async () => {
    const receiver = await receiverOfTest();
    expect(await run(receiver.url, 'close')).toMatchObject({ code: 0, printed: 'true\n' });
    expect(observe(receiver.requests).executions).toContainEqual(
      expect.objectContaining({ name: 'summarise', count: 1 }),
    );
  });

  test.each([
    ['a push that is under way', (_: Socket) => {}],
    [
      'its pause before it tries again',
      answerWith('HTTP/1.1 503 Busy\r\nretry-after: 50\r\ncontent-length: 0\r\n\r\n'),
    ],
  ])('%s keeps no process that ends', async (_, handle) => {
    const asked = Promise.withResolvers<void>();
    const server = await faultyServer((socket) => {
      handle(socket);
      socket.once('data', () => asked.resolve());
    });
    const { code, printed, elapsedMs } = await run(server.url, 'leave', asked.promise);
    expect({ code, printed }).toEqual({ code: 0, printed: '' });
    expect(server.connections).toBe(1);
    // Its deadline would be after a minute.
    expect(elapsedMs).toBeLessThan(15_000);
  });
});
