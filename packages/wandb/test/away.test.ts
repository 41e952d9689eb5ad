import { globSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAnalytics } from '@toolweaver/analytics-core';
import { execution, type FakeClock, fakeClock, ledgerHolds } from '@toolweaver/analytics-testkit';
import { type WandbOptions, wandb } from '@toolweaver/analytics-wandb';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { FakeService, Trouble } from './support/fake-service.ts';
import { type LoggedRun, readRun } from './support/log-reader.ts';
import { backendAt, place } from './support/start.ts';
import { once } from './support/trouble.ts';
import { until } from './support/until.ts';

// The service is away when the client closes, which takes 10 s at most.

const ways: Readonly<Record<string, (fake: FakeService) => unknown>> = {
  'refuses connections': (fake) => fake.breakDown(),
  hangs: (fake) => troubled(fake, 'hang'),
  'answers 503': (fake) => troubled(fake, { status: 503 }),
  'wants to be asked in an hour': (fake) => troubled(fake, { status: 429, headers: { 'Retry-After': '3600' } }),
};

function troubled(fake: FakeService, trouble: Trouble): void {
  fake.trouble = () => trouble;
}

/** All pauses are as long as they can be, or as short. */
async function clientAt(chance: number, options: WandbOptions = {}) {
  const there = await place();
  const clock = fakeClock();
  vi.spyOn(Math, 'random').mockReturnValue(chance);
  onTestFinished(() => void vi.restoreAllMocks());
  const backend = await wandb({ ...there.options, finishTimeoutMs: 30_000, clock, ...options });
  const client = createAnalytics({ backends: [backend], clock, random: () => chance, onError() {} });
  onTestFinished(() => ledgerHolds(client.stats()));
  return { ...there, clock, client };
}

/**
 * Lets time pass until the work is done, and says how long that took. From the first notice on it needs no more time, only a disk,
 * which may be slower than this clock.
 */
async function timeOf<T>(
  clock: FakeClock,
  notices: readonly string[],
  work: Promise<T>,
): Promise<{ readonly result: T; readonly ms: number }> {
  const started = clock.monotonic();
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  while (!isDone && notices.length === 0) {
    expect(clock.monotonic() - started).toBeLessThan(600_000);
    await clock.advance(100);
    await sleep(1);
  }
  return { result: await done, ms: clock.monotonic() - started };
}

/** Lets so much time pass, in which answers may come. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (const end = clock.monotonic() + ms; clock.monotonic() < end; await sleep(1)) {
    await clock.advance(100);
  }
}

function directories(folder: string): LoggedRun[] {
  const runs = globSync(join(folder, 'wandb', 'offline-run-*', '*.wandb')).map(readRun);
  return runs.toSorted((one, other) => (one.id < other.id ? -1 : 1));
}

test.each(
  Object.keys(ways).flatMap((way) =>
    ['from the start', 'after it had worked'].flatMap((since) =>
      [0, 0.999].map((chance) => [way, since, chance] as const),
    ),
  ),
)('close() keeps everything in directories, in its time: the service %s %s, chance %d', async (way, since, chance) => {
  const { clock, client, fake, folder, notices } = await clientAt(chance);
  const runs = ['a', 'b'].map((id) => client.startRun({ id }));
  const record = (): void => {
    for (const run of runs) {
      run.within(() => client.recordToolInvocation({ toolName: 't', success: true, latencyMs: 1 }));
    }
  };
  if (since === 'after it had worked') {
    record();
    expect(await client.flush()).toMatchObject({ ok: true });
  }
  await ways[way]?.(fake);
  record();
  const { result, ms } = await timeOf(clock, notices, client.close());
  expect(result).toMatchObject({ ok: true, backends: { wandb: { dropped: 0, queued: 0 } } });
  expect(ms).toBeLessThanOrEqual(10_000);
  expect(notices).toEqual(['a', 'b'].map((id) => expect.stringContaining(`run ${id} continues offline in`)));
  const first = since === 'after it had worked' ? 1 : 0;
  expect(directories(folder)).toMatchObject(
    ['a', 'b'].map((id) => ({ id, rows: [{ 't/status': 'success', _step: first }], exitCode: 0, isWhole: true })),
  );
  // Nothing holds the process.
  expect(clock.timers).toBe(0);
});

test.each(Object.keys(ways))('close() with nothing to deliver: the service %s', async (way) => {
  const { clock, client, fake, folder, notices } = await clientAt(0.999, { logFrequency: 2 });
  client.recordToolInvocation({ toolName: 't', success: true });
  client.recordToolInvocation({ toolName: 't', success: true });
  expect(await client.flush()).toMatchObject({ ok: true });
  await ways[way]?.(fake);
  const { result, ms } = await timeOf(clock, notices, client.close());
  expect(result).toMatchObject({ ok: true });
  expect(ms).toBeLessThanOrEqual(10_000);
  expect(directories(folder)).toMatchObject([{ rows: [], exitCode: 0, isWhole: true }]);
  expect(clock.timers).toBe(0);
});

test.each(Object.keys(ways))('what makes no whole row yet is not lost either: the service %s', async (way) => {
  const { clock, client, fake, folder, notices } = await clientAt(0.999, { logFrequency: 2 });
  client.recordToolInvocation({ toolName: 't', success: true });
  // Core writes by itself.
  await clock.advance(15_000);
  await until(() => client.stats().backends['wandb']?.queued === 0, 'the delivery');
  await ways[way]?.(fake);
  const { result, ms } = await timeOf(clock, notices, client.close());
  expect(result).toMatchObject({ ok: true, backends: { wandb: { dropped: 0 } } });
  expect(ms).toBeLessThanOrEqual(10_000);
  expect(directories(folder)).toMatchObject([{ rows: [{ 't/operations': 1 }], exitCode: 0, isWhole: true }]);
  expect(clock.timers).toBe(0);
});

test('a failure that passes while the client closes leaves the run online', async () => {
  const { clock, client, fake, folder, notices } = await clientAt(0.5);
  fake.trouble = once({ status: 503 });
  client.recordToolInvocation({ toolName: 't', success: true });
  const { result } = await timeOf(clock, notices, client.close());
  expect(result).toMatchObject({ ok: true });
  expect(fake.run('run1')).toMatchObject({ exitCode: 0, history: { length: 1 } });
  expect([notices, readdirSync(folder)]).toEqual([[], []]);
  expect(clock.timers).toBe(0);
});

test('close() in the middle of an outage does not wait for it', async () => {
  const { clock, client, fake, folder, notices } = await clientAt(0.999);
  await fake.breakDown();
  client.recordToolInvocation({ toolName: 't', success: true });
  await pass(clock, 60_000);
  client.recordToolInvocation({ toolName: 't', success: true });
  const { result, ms } = await timeOf(clock, notices, client.close());
  expect(result).toMatchObject({ ok: true });
  expect(ms).toBeLessThanOrEqual(10_000);
  expect(directories(folder)).toMatchObject([{ rows: [{ _step: 0 }, { _step: 1 }], exitCode: 0 }]);
});

test('a write that hung before close() began is kept, too', async () => {
  const { clock, client, fake, folder, notices } = await clientAt(0.999);
  troubled(fake, 'hang');
  client.recordToolInvocation({ toolName: 't', success: true });
  await clock.advance(15_000);
  await until(() => fake.requests.length === 1, 'a request');
  const { result, ms } = await timeOf(clock, notices, client.close());
  expect(result).toMatchObject({ ok: true, backends: { wandb: { dropped: 0 } } });
  expect(ms).toBeLessThanOrEqual(10_000);
  expect(directories(folder)).toMatchObject([{ rows: [{ 't/status': 'success' }], exitCode: 0, isWhole: true }]);
  expect(clock.timers).toBe(0);
});

test.each(['refuses connections', 'answers 503'])(
  'a flush that waits for less leaves the run online: the service %s',
  async (way) => {
    const { clock, client, fake, folder, notices } = await clientAt(0.5);
    await ways[way]?.(fake);
    client.recordToolInvocation({ toolName: 't', success: true });
    expect((await timeOf(clock, notices, client.flush({ timeoutMs: 2_000 }))).result).toMatchObject({ ok: false });
    await pass(clock, 30_000);
    fake.trouble = () => undefined;
    await fake.repair();
    await timeOf(
      clock,
      notices,
      until(() => client.stats().backends['wandb']?.delivered === 1, 'the delivery'),
    );
    await client.close();
    expect(fake.run('run1')).toMatchObject({ exitCode: 0, history: { length: 1 } });
    expect([notices, readdirSync(folder)]).toEqual([[], []]);
  },
);

test.each(['every answer', 'an upload'])('a service of which %s takes long is not away', async (what) => {
  let asking = 0;
  const slow: typeof globalThis.fetch = async (url, init) => {
    if (what === 'every answer' || init?.method === 'PUT') {
      await new Promise<void>((done) => clock.setTimeout(done, what === 'an upload' ? 20_000 : 4_000));
    }
    // The clock waits for the connection.
    asking += 1;
    const answer = await fetch(url, init);
    const text = await answer.text();
    asking -= 1;
    return new Response(text, { status: answer.status });
  };
  const { clock, client, fake, notices } = await clientAt(0.5, { fetch: slow });
  for (const id of ['a', 'b']) {
    const run = client.startRun({ id });
    run.within(() => client.recordToolInvocation({ toolName: 't', success: true }));
    if (what === 'an upload') {
      run.logArtifact({ name: 'model', kind: 'model', bytes: new Uint8Array([1]) });
    }
  }
  let isDone = false;
  const flushed = client.flush({ timeoutMs: 600_000 }).finally(() => {
    isDone = true;
  });
  for (; !isDone; await sleep(1)) {
    asking === 0 && (await clock.advance(100));
  }
  expect(await flushed).toMatchObject({ ok: true });
  expect(['a', 'b'].map((id) => fake.run(id).history.length)).toEqual([1, 1]);
  expect(notices).toEqual([]);
});

test('runs that are ended as there are too many of them go into directories where the service does not take the end', async () => {
  const { backend, fake, folder } = await backendAt({ finishTimeoutMs: 50 });
  fake.trouble = ({ body }) => ('complete' in (body as object) ? 'hang' : undefined);
  for (let at = 0; at <= 64; at += 1) {
    await backend.write([execution({ runId: `r${at}` })]);
  }
  expect(directories(folder)).toMatchObject([{ id: 'r0', exitCode: 0, isWhole: true }]);
});

test('the last row keeps its number when it goes into a directory', async () => {
  const { backend, fake, folder } = await backendAt({ logFrequency: 2, finishTimeoutMs: 50 });
  fake.trouble = ({ body }) => ('complete' in (body as object) ? 'hang' : undefined);
  await backend.write([execution({ runId: 'r' })]);
  await backend.close?.();
  expect(directories(folder)).toMatchObject([{ rows: [{ _step: 0 }], exitCode: 0, isWhole: true }]);
});
