import { spawn } from 'node:child_process';
import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execution, type FakeClock, fakeClock, metrics, run as runEvent } from '@toolweaver/analytics-testkit';
import { startRun, type WandbRun } from '@toolweaver/analytics-wandb';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createEncoder } from '../src/encoding/encoder.ts';
import { createFileStream } from '../src/service/file-stream.ts';
import type { Service } from '../src/service/service.ts';
import { apiKey, type FakeService, type Trouble } from './support/fake-service.ts';
import { readRun } from './support/log-reader.ts';
import { backendAt, place, runAt } from './support/start.ts';
import { isStream, once } from './support/trouble.ts';
import { until } from './support/until.ts';

const historyOffset = (body: unknown): number | undefined =>
  (body as { files?: Record<string, { offset: number }> }).files?.['wandb-history.jsonl']?.offset;

/** Lets time pass, a second after the other, until so many requests have come in; the answer to the one before may be on its way. */
async function advanceUntil(clock: FakeClock, fake: FakeService, requests: number): Promise<void> {
  for (let seconds = 0; fake.stream().length < requests; seconds += 1) {
    expect(seconds).toBeLessThan(10_000);
    await clock.advance(1_000);
    await sleep(1);
  }
}

const loggedRows = ({ id, location }: WandbRun): readonly unknown[] =>
  readRun(join(location as string, `run-${id}.wandb`)).rows;

const rowsOf = (lines: readonly string[]): unknown[] => lines.map((line) => JSON.parse(line));

test('the first request goes at once, further rows are sent together after 15 s', async () => {
  const clock = fakeClock();
  const { run, fake } = await runAt({ clock });
  run.log({ loss: 1 });
  run.log({ loss: 0.5 });
  await clock.advance(1);
  await until(() => fake.stream().length === 1, 'the first request');
  await run.flush();
  run.log({ loss: 0.25 });
  await clock.advance(14_999);
  // What is sent before its time, however slowly, does not hold this row.
  run.log({ loss: 0.125 });
  await clock.advance(1);
  await until(() => fake.stream().length === 2, 'the second request');
  await run.flush();
  expect(fake.run('run1').history).toHaveLength(4);
  expect(
    fake
      .stream()
      .map(({ body }) => (body as { files: Record<string, { offset: number }> }).files['wandb-history.jsonl']?.offset),
  ).toEqual([0, 2]);
  const finished = run.finish();
  await clock.advance(1);
  await finished;
  expect(fake.violations).toEqual([]);
});

test('a silent run sends a heartbeat every 30 s, and none after its end', async () => {
  const clock = fakeClock();
  const { run, fake } = await runAt({ clock });
  run.log({ loss: 1 });
  await run.flush();
  await clock.advance(29_000);
  await sleep(30);
  expect(fake.stream()).toHaveLength(1);
  await clock.advance(1_000);
  await until(() => fake.stream().length === 2, 'a heartbeat');
  expect(fake.stream().at(-1)?.body).toEqual({});
  const sentAt = clock.monotonic();
  await advanceUntil(clock, fake, 3);
  expect(clock.monotonic() - sentAt).toBeGreaterThanOrEqual(30_000);
  await run.finish();
  const { length } = fake.stream();
  await clock.advance(120_000);
  await sleep(30);
  expect(fake.stream()).toHaveLength(length);
});

test.each(['client', 'backend'])('a heartbeat that waits behind the end of a run is not sent: %s', async (who) => {
  const clock = fakeClock();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const held: typeof globalThis.fetch = async (url, init) => {
    const response = await fetch(url, init);
    if (Buffer.from((init?.body ?? '') as Uint8Array).includes('"complete":true')) {
      await released;
    }
    return response;
  };
  const options = { clock, fetch: held, finishTimeoutMs: 120_000 };
  const end = async (): Promise<{ fake: FakeService; ended: Promise<unknown> }> => {
    if (who === 'client') {
      const { run, fake } = await runAt(options);
      return { fake, ended: run.finish() };
    }
    const { backend, fake } = await backendAt(options);
    await backend.write([execution()]);
    return { fake, ended: Promise.resolve(backend.write([runEvent({ runId: 'run1', state: 'finished' })])) };
  };
  const { fake, ended } = await end();
  await until(() => 'complete' in ((fake.stream().at(-1)?.body ?? {}) as object), 'the end');
  const { length } = fake.stream();
  await clock.advance(31_000);
  release();
  await ended;
  await sleep(30);
  expect(fake.stream()).toHaveLength(length);
});

test('a run that an event has ended sends no heartbeats, however long its process goes on', async () => {
  const clock = fakeClock();
  const { backend, fake } = await backendAt({ clock });
  await backend.write([runEvent({ runId: 'run1', state: 'finished' })]);
  const { length } = fake.stream();
  expect(fake.stream().at(-1)?.body).toMatchObject({ complete: true });
  await clock.advance(120_000);
  await sleep(30);
  expect(fake.stream()).toHaveLength(length);
});

test('a run that has logged nothing yet sends heartbeats, too', async () => {
  const clock = fakeClock();
  const { run, fake } = await runAt({ clock });
  await clock.advance(30_000);
  await until(() => fake.stream().length === 1, 'a heartbeat');
  expect(fake.stream()[0]?.body).toEqual({});
  await run.finish();
  expect(fake.violations).toEqual([]);
});

test('a heartbeat that gets no answer holds up neither rows nor the end', async () => {
  const clock = fakeClock();
  const { run, fake } = await runAt({ clock });
  fake.trouble = (request) =>
    isStream(request) && Object.keys(request.body as object).length === 0 ? 'hang' : undefined;
  for (let beats = 1; beats <= 2; beats += 1) {
    run.log({ beats });
    await run.flush();
    await clock.advance(30_000);
    await until(() => fake.stream().length === 2 * beats, 'a heartbeat');
  }
  await run.finish();
  expect(run.online).toBe(true);
  expect(fake.run('run1')).toMatchObject({ exitCode: 0, history: { length: 2 } });
  expect(fake.violations).toEqual([]);
});

test('what waits for its turn does so no longer than its signal allows, and the next one still waits', async () => {
  const answers: ((answer: { stopped: boolean; waitMs: number }) => void)[] = [];
  const stream = createFileStream({
    service: { fileStream: () => new Promise((resolve) => answers.push(resolve)) } as Partial<Service> as Service,
    path: 'ada/p/r',
    historyLines: 0,
    encoder: createEncoder(),
    clock: fakeClock(),
    onLeftOut() {},
  });
  const first = stream.send({ uploaded: ['first'] });
  const abort = new AbortController();
  const second = stream.send({ uploaded: ['second'] }, abort.signal);
  abort.abort(new Error('late'));
  await expect(second).rejects.toThrow('late');
  const third = stream.send({ uploaded: ['third'] });
  await sleep(5);
  expect(answers).toHaveLength(1);
  answers[0]?.({ stopped: false, waitMs: 0 });
  await first;
  await until(() => answers.length === 2, 'the third request');
  answers[1]?.({ stopped: false, waitMs: 0 });
  await third;
});

test('a heartbeat that waits for its turn is not sent once the run is let go of', async () => {
  const clock = fakeClock();
  const bodies: unknown[] = [];
  const stream = createFileStream({
    service: {
      fileStream: async (_path: string, body: unknown) => {
        bodies.push(String(body));
        return { stopped: false, waitMs: 60_000 };
      },
    } as Partial<Service> as Service,
    path: 'ada/p/r',
    historyLines: 0,
    encoder: createEncoder(),
    clock,
    onLeftOut() {},
  });
  await stream.send({ uploaded: ['first'] });
  await clock.advance(30_000);
  await sleep(5);
  stream.stop();
  await clock.advance(120_000);
  await sleep(5);
  expect(bodies).toEqual(['{"uploaded":["first"]}']);
  expect(clock.timers).toBe(0);
});

test('two failures and then success: each row is there once, in requests of one content', async () => {
  const { backend, fake } = await backendAt();
  fake.trouble = once({ status: 500 }, { status: 502, body: '<html>' });
  const events = [execution(), execution({ name: 'other' })];
  await expect(backend.write(events)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', backend: 'wandb' });
  await expect(backend.write(events)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  await backend.write(events);
  expect(fake.run('run1').history).toHaveLength(2);
  const bodies = fake.stream().map(({ body }) => body);
  expect(bodies).toHaveLength(3);
  expect(bodies[1]).toEqual(bodies[0]);
  expect(bodies[2]).toEqual(bodies[0]);
  expect(fake.violations).toEqual([]);
});

test('what was surely refused is not sent after all', async () => {
  const { backend, fake } = await backendAt();
  await backend.write([execution({ name: 'a' })]);
  fake.trouble = once({ status: 429 });
  await expect(backend.write([execution({ name: 'b' })])).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  await backend.write([execution({ name: 'c' })]);
  expect(fake.run('run1').history.join()).not.toContain('skill/b');
  expect(fake.run('run1').history).toHaveLength(2);
});

test('what was answered has arrived, whatever the answer breaks off with: it is sent again as it was', async () => {
  let breaks = 1;
  const cause = Object.assign(new Error('bad record mac'), { code: 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC' });
  const body = () =>
    new ReadableStream({ start: (controller) => controller.error(new TypeError('terminated', { cause })) });
  const { backend, fake } = await backendAt({
    async fetch(url, init) {
      const response = await fetch(url, init);
      return String(url).endsWith('/file_stream') && breaks-- > 0 ? new Response(body()) : response;
    },
  });
  await expect(backend.write([execution({ name: 'a' })])).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  await backend.write([execution({ name: 'b' })]);
  const { history } = fake.run('run1');
  expect(history.map((line) => /skill\/[ab]/.exec(line)?.[0])).toEqual(['skill/a', 'skill/b']);
  expect(fake.violations).toEqual([]);
});

test('the rest of what has begun to arrive is sent, also when core has given it up', async () => {
  const { backend, fake } = await backendAt();
  const names = Array.from({ length: 1_000 }, (_, at) => `${'x'.repeat(240)}${at}`);
  const values = Object.fromEntries(names.map((name) => [name, 1]));
  const large = Array.from({ length: 60 }, () => metrics({ values }));
  fake.trouble = ({ body }) => ((historyOffset(body) ?? 0) > 0 ? { status: 429 } : undefined);
  await expect(backend.write(large)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  expect(fake.run('run1').history.length).toBeGreaterThan(0);
  fake.trouble = () => undefined;
  await backend.write([metrics({ values: { after: 1 } })]);
  expect(fake.run('run1').history).toHaveLength(61);
  expect(fake.violations).toEqual([]);
});

test('Retry-After is told to core, and waited for by everything that is sent', async () => {
  const clock = fakeClock();
  const { backend, fake } = await backendAt({ clock });
  fake.trouble = once({ status: 429, headers: { 'Retry-After': '7' } });
  const events = [execution()];
  await expect(backend.write(events)).rejects.toMatchObject({ retryAfterMs: 7_000 });
  const written = backend.write(events);
  await clock.advance(6_900);
  await sleep(30);
  expect(fake.stream()).toHaveLength(1);
  await clock.advance(200);
  await written;
  expect(fake.stream()).toHaveLength(2);
});

test('Stop on the page is a flag for the program, and nothing else', async () => {
  const { run, fake } = await runAt();
  run.log({ a: 1 });
  await run.flush();
  expect(run.stopped).toBe(false);
  fake.stopped = true;
  run.log({ a: 2 });
  await run.flush();
  fake.stopped = false;
  run.log({ a: 3 });
  await run.flush();
  expect(run.stopped).toBe(true);
  expect(fake.run('run1').history).toHaveLength(3);

  fake.trouble = () => ({ status: 401 });
  run.log({ a: 4 });
  await run.flush();
  expect(run).toMatchObject({ online: false, stopped: true });
});

test('a row of more than 10 MiB is left out and told, and the run goes on', async () => {
  const { run, fake, notices } = await runAt();
  run.log({ before: 1 });
  run.log({ large: 'x'.repeat(10_400_000) });
  run.log({ after: 1 });
  run.setSummary({ large: undefined });
  await run.finish();
  expect(rowsOf(fake.run('run1').history).map((row) => Object.keys(row as object)[0])).toEqual(['before', 'after']);
  expect(notices).toEqual([expect.stringMatching(/a row of 104\d{5} bytes was left out/)]);
  expect(run.skipped).toBe(1);
});

test('a summary that is too long lacks its largest values, which are counted and told, until it fits', async () => {
  const { run, fake, notices } = await runAt();
  run.setSummary({
    small: 1,
    largest: 'x'.repeat(6_000_000),
    large: '"'.repeat(2_600_000),
    other: 'y'.repeat(200_000),
  });
  await run.flush();
  // The same value is counted once.
  run.log({ loss: 1 });
  await run.flush();
  expect(Object.keys(JSON.parse(fake.run('run1').summary ?? ''))).toEqual(
    expect.arrayContaining(['small', 'large', 'other', 'loss']),
  );
  expect(JSON.parse(fake.run('run1').summary ?? '')).not.toHaveProperty('largest');
  expect(run.skipped).toBe(1);
  expect(notices).toEqual([
    expect.stringMatching(
      /run run1: the value of "largest" \(6000002 bytes\) was left out of the summary, .* 10383360/,
    ),
  ]);
  run.setSummary({ largest: undefined });
  await run.finish();
  expect(fake.violations).toEqual([]);
});

test('what a backend leaves out as too large is told as such', async () => {
  const codes: unknown[] = [];
  const { backend, fake } = await backendAt({ onNotice: ({ code, message }) => codes.push([code, message]) });
  await backend.write([metrics({ runId: 'r', values: { before: 1 } })]);
  const summary = { fits: 1, long: 'x'.repeat(10_400_000) };
  await backend.write([runEvent({ runId: 'r', state: 'finished', summary })]);
  expect(codes).toEqual([['INVALID_EVENT', expect.stringContaining('run r: the value of "long"')]]);
  const stored = JSON.parse(fake.run('r').summary ?? '');
  expect(stored).toMatchObject({ before: 1, fits: 1 });
  expect(stored).not.toHaveProperty('long');
});

test('rows of more than 10 MiB together go in several requests, with offsets that follow each other', async () => {
  const { run, fake } = await runAt();
  for (let at = 0; at < 6; at += 1) {
    run.log({ at, text: String(at).repeat(4_000_000) });
  }
  run.setSummary({ text: undefined });
  await run.flush();
  const parts = fake
    .stream()
    .map(
      ({ body }) =>
        (body as { files: Record<string, { offset: number; content: string[] }> }).files['wandb-history.jsonl'],
    );
  expect(parts.map((part) => [part?.offset, part?.content.length])).toEqual([
    [0, 2],
    [2, 2],
    [4, 2],
  ]);
  expect(fake.run('run1').history).toHaveLength(6);
  expect(fake.violations).toEqual([]);
});

test('of several requests the last one says that the run is over', async () => {
  const { run, fake } = await runAt();
  logLarge(run);
  await run.finish();
  const ends = fake.stream().map(({ body }) => 'complete' in (body as object));
  expect(ends).toEqual([...ends.slice(1).map(() => false), true]);
  expect(ends.length).toBeGreaterThan(1);
});

test('the second of several requests fails: the next attempt goes on with it', async () => {
  const { run, fake } = await runAt();
  fake.trouble = once({ status: 200, after: true, body: '{}' }, { status: 500 });
  for (let at = 0; at < 4; at += 1) {
    run.log({ at, text: String(at).repeat(4_000_000) });
  }
  run.setSummary({ text: undefined });
  await expect(run.flush()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  await run.flush();
  expect(fake.run('run1').history).toHaveLength(4);
  expect(fake.stream()).toHaveLength(3);
  expect(fake.violations).toEqual([]);
});

/** Two rows for one request, one for another, and between the first two one that no request can hold. */
function logLarge(run: WandbRun): void {
  for (const [at, bytes] of [4_000_000, 11_000_000, 4_000_000, 4_000_000].entries()) {
    run.log({ at, text: String(at).repeat(bytes) });
  }
  run.setSummary({ text: undefined });
}

test('a file that is saved meanwhile does not make the rows that have arrived go again', async () => {
  const { run, fake } = await runAt();
  let failures = 1;
  fake.trouble = ({ body }) =>
    historyOffset(body) === 2 && failures-- > 0 ? { status: 503, headers: { 'Retry-After': '0.01' } } : undefined;
  logLarge(run);
  await Promise.allSettled([run.flush(), run.saveFile('a.txt', Buffer.from('a'))]);
  await run.finish();
  expect(rowsOf(fake.run('run1').history)).toMatchObject([{ at: 0 }, { at: 2 }, { at: 3 }]);
  expect(fake.run('run1').uploaded).toEqual(['a.txt']);
  expect(fake.violations).toEqual([]);
});

test.each([
  ['refuses the rest', 401],
  ['is out of reach until the deadline', 503],
])('rows that the service has do not go into the directory, too, when it %s', async (_why, status) => {
  const { run, fake } = await runAt();
  fake.trouble = ({ body }) => (historyOffset(body) === 2 ? { status } : undefined);
  logLarge(run);
  await run.flush().catch(() => {});
  await run.finish({ timeoutMs: 100 });
  expect(rowsOf(fake.run('run1').history)).toMatchObject([{ at: 0 }, { at: 2 }]);
  const logged = readRun(join(run.location as string, 'run-run1.wandb'));
  expect(logged.rows).toMatchObject([{ at: 3, _step: 3 }]);
  expect(logged.rows[0]?.['text']).toHaveLength(4_000_000);
  expect(logged.summary).toMatchObject({ at: 3, _step: 3 });
  expect(logged.exitCode).toBe(0);
});

test('the end carries what is left, the exit code, and nothing follows it', async () => {
  const { run, fake } = await runAt();
  run.log({ loss: 1 });
  await run.finish({ exitCode: 3 });
  run.log({ late: 1 });
  await sleep(20);
  const last = fake.stream().at(-1)?.body;
  expect(last).toMatchObject({ complete: true, exitcode: 3 });
  expect(fake.run('run1')).toMatchObject({ exitCode: 3 });
  expect(fake.run('run1').history).toHaveLength(1);
  expect(run.skipped).toBe(1);
});

test.each(['online', 'offline'] as const)(
  'what comes after the end of a run that is %s is counted, and nothing else',
  async (mode) => {
    const clock = fakeClock();
    const { run, fake, notices } = await runAt({ clock, mode });
    run.log({ loss: 1 });
    await run.finish();
    const [asked, timers] = [fake.requests.length, clock.timers];
    run.log({ late: 1 });
    run.setSummary({ late: 1 });
    run.setTags(['late']);
    run.updateConfig({ late: 1 });
    run.defineMetric('late');
    await clock.advance(60_000);
    await sleep(20);
    expect({ skipped: run.skipped, asked: fake.requests.length, timers: clock.timers }).toEqual({
      skipped: 5,
      asked,
      timers,
    });
    expect(notices.filter((notice) => notice.includes('after the end'))).toHaveLength(1);
  },
);

test.each(['online', 'offline'] as const)(
  'flush after the end of a run that is %s sends nothing again',
  async (mode) => {
    const { run, fake } = await runAt({ mode });
    run.log({ loss: 1 });
    await run.finish();
    const asked = fake.requests.length;
    await run.flush();
    expect(fake.requests).toHaveLength(asked);
    const rows = mode === 'online' ? fake.run('run1').history : loggedRows(run);
    expect(rows).toHaveLength(1);
  },
);

test.each(['online', 'offline'] as const)('flush beside the end of a run that is %s doubles no row', async (mode) => {
  for (let turns = 0; turns < 12; turns += 1) {
    const { run, fake } = await runAt({ mode });
    run.log({ a: 1 });
    const flushed = run.flush();
    for (let turn = 0; turn < turns; turn += 1) {
      await Promise.resolve();
    }
    run.log({ b: 1 });
    await Promise.all([flushed, run.finish()]);
    const rows = mode === 'online' ? rowsOf(fake.run('run1').history) : loggedRows(run);
    expect(rows, `${turns} turns`).toMatchObject([
      { a: 1, _step: 0 },
      { b: 1, _step: 1 },
    ]);
    expect(fake.violations).toEqual([]);
  }
});

test('the end comes after what was begun before it, and nothing begins after it', async () => {
  const { run, fake } = await runAt();
  const begun = [
    run.saveFile('a.txt', Buffer.from('a')),
    run.logArtifact({ name: 'model', type: 'model', files: { m: Buffer.from('m') } }),
    run.alert({ title: 'before', text: 'the end' }),
  ];
  const ended = run.finish();
  const late = [
    run.saveFile('b.txt', Buffer.from('b')),
    run.logArtifact({ name: 'late', type: 'model', files: { m: Buffer.from('late') } }),
    run.alert({ title: 'after', text: 'the end' }),
  ];
  for (const call of late) {
    await expect(call).rejects.toMatchObject({ code: 'CLOSED', backend: 'wandb' });
  }
  await Promise.all([...begun, ended]);
  expect(fake.run('run1')).toMatchObject({ uploaded: ['a.txt'], exitCode: 0 });
  expect(fake.artifacts).toMatchObject([{ state: 'COMMITTED', input: { artifactCollectionName: 'model' } }]);
  expect(fake.alerts).toMatchObject([{ title: 'before' }]);
  expect(fake.requests.at(-1)?.body).toMatchObject({ complete: true });
  const asked = fake.requests.length;
  await expect(run.saveFile('c.txt', Buffer.from('c'))).rejects.toMatchObject({ code: 'CLOSED' });
  expect(fake.requests).toHaveLength(asked);
  expect(fake.violations).toEqual([]);
});

test('calls that get no answer hold up the end by half of its time, and do not take it offline', async () => {
  const clock = fakeClock();
  const { run, fake } = await runAt({ clock });
  fake.trouble = ({ operation }) => (operation === 'NotifyScriptableRunAlert' ? 'hang' : undefined);
  const alerted = expect(run.alert({ title: 'loss', text: 'is NaN' })).rejects.toThrow('not within 1000 ms of the end');
  run.log({ loss: 1 });
  const finished = run.finish({ timeoutMs: 2000 });
  await clock.advance(1000);
  await alerted;
  await finished;
  expect(run.online).toBe(true);
  expect(fake.run('run1')).toMatchObject({ exitCode: 0, history: { length: 1 } });
});

test('calls that fail together take the run offline once, and all of them arrive there', async () => {
  const { run, fake, folder, notices } = await runAt();
  fake.trouble = () => ({ status: 401 });
  run.log({ loss: 1 });
  const files = ['x', 'y', 'z'].map((name) => run.saveFile(name, Buffer.from(name)));
  await Promise.all([run.flush(), ...files]);
  await run.finish();
  expect(notices).toEqual([expect.stringContaining('continues offline in')]);
  expect(globSync(join(folder, 'wandb', 'offline-run-*'))).toHaveLength(1);
  const logged = readRun(join(run.location as string, 'run-run1.wandb'));
  expect(logged.rows).toMatchObject([{ loss: 1 }]);
  expect(logged.files.toSorted()).toEqual(['x', 'y', 'z']);
  expect(logged).toMatchObject({ exitCode: 0, isWhole: true });
});

test('many calls at once do not make a short outage a long one', async () => {
  const { run, fake } = await runAt();
  let isDown = true;
  fake.trouble = () => (isDown ? { status: 503, headers: { 'Retry-After': '0.1' } } : undefined);
  const names = Array.from({ length: 12 }, (_, at) => `${at}.txt`);
  const files = names.map((name) => run.saveFile(name, Buffer.from(name)));
  await until(() => fake.requests.length > 100, 'several failures of each');
  isDown = false;
  await Promise.all(files);
  await run.finish();
  expect(run.online).toBe(true);
  expect(fake.run('run1').uploaded.toSorted()).toEqual(names.toSorted());
});

test('a program that waits for its calls lives until they are through', async () => {
  const { fake, folder } = await place();
  const later = { status: 503, headers: { 'Retry-After': '0.05' } };
  const troubles: Record<string, Trouble[]> = {
    PUT: [later, later, later],
    NotifyScriptableRunAlert: [later],
    CommitArtifact: [later],
    POST: [{ ...later, status: 200, body: '{}', after: true }],
  };
  fake.trouble = ({ method, operation, path }) =>
    troubles[operation ?? (path.endsWith('/file_stream') ? 'POST' : method)]?.shift();
  const waiter = join(import.meta.dirname, 'fixtures', 'waiter.ts');
  const args = ['--conditions=@toolweaver/source', waiter, fake.url, apiKey, folder];
  const ended = await new Promise((resolve) => spawn(process.execPath, args).on('close', resolve));
  expect(ended).toBe(0);
  expect(fake.run('child')).toMatchObject({ exitCode: 0, uploaded: ['a.txt'], history: { length: 2 } });
  expect(fake.alerts).toHaveLength(1);
});

test.each([
  [-1, -1],
  [null, 0],
  ['2', 2],
  [Number.NaN, 1],
  [0.5, 1],
  ['failed', 1],
  [Object.create(null), 1],
  [Symbol('failed'), 1],
  [10n, 1],
])('the exit code %s ends the run with %i', async (given, exitCode) => {
  const { run, fake } = await runAt();
  await run.finish({ exitCode: given as number });
  expect(fake.run('run1').exitCode).toBe(exitCode);
});

test('files that are not there say nothing about the service', async () => {
  const { run, fake, folder } = await runAt();
  for (let at = 0; at < 9; at += 1) {
    await expect(run.saveFile(`${at}`, { path: join(folder, 'nothing') })).rejects.toThrow();
  }
  run.log({ loss: 1 });
  await run.finish();
  expect(run.online).toBe(true);
  expect(fake.run('run1')).toMatchObject({ exitCode: 0, history: { length: 1 } });
});

test('rows that fit nowhere wait on, and the program lives on', async () => {
  const clock = fakeClock();
  const { options, fake, folder, notices } = await place();
  const file = join(folder, 'file');
  writeFileSync(file, '');
  vi.stubEnv('TMPDIR', file);
  onTestFinished(() => void vi.unstubAllEnvs());
  const run = await startRun({ ...options, clock, dir: file });
  fake.trouble = (request) => (isStream(request) ? { status: 503 } : undefined);
  run.log({ row: 0 });
  await clock.advance(1);
  await until(() => fake.stream().length === 1, 'a failure');
  for (let row = 1; row <= 200_001; row += 1) {
    run.log({ row });
  }
  for (let attempts = 2; attempts <= 4; attempts += 1) {
    await advanceUntil(clock, fake, attempts);
  }
  await until(() => notices.length > 0, 'a notice');
  expect(notices).toEqual([expect.stringContaining('it cannot continue offline')]);
  fake.trouble = () => undefined;
  await run.finish();
  expect(fake.run('run1')).toMatchObject({ exitCode: 0, history: { length: 200_002 } });
});

test('rows of a request that failed, and rows after it, are all there at the end', async () => {
  const { run, fake } = await runAt();
  fake.trouble = once('take and drop', { status: 503, headers: { 'Retry-After': '0.01' } });
  run.log({ a: 1 });
  await expect(run.flush()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  run.log({ b: 1 });
  run.log({ c: 1 });
  await run.finish();
  expect(rowsOf(fake.run('run1').history).map((row) => Object.keys(row as object)[0])).toEqual(['a', 'b', 'c']);
  expect(fake.run('run1').exitCode).toBe(0);
  expect(JSON.parse(fake.run('run1').summary ?? '')).toMatchObject({ a: 1, b: 1, c: 1, _step: 2 });
  expect(fake.violations).toEqual([]);
});

test('much that waits is sent before its time, but not before the pause after a failure is over', async () => {
  const clock = fakeClock();
  const { run, fake } = await runAt({ clock });
  run.log({ first: 1 });
  await run.flush();
  for (let row = 0; row < 20_000; row += 1) {
    run.log({ row });
  }
  fake.trouble = once({ status: 429, headers: { 'Retry-After': '100' } });
  await clock.advance(2);
  await until(() => fake.stream().length === 2, 'a request before its time');
  for (let row = 0; row < 50; row += 1) {
    run.log({ row });
    await clock.advance(1_000);
  }
  expect(fake.stream()).toHaveLength(2);
  await advanceUntil(clock, fake, 3);
  await run.flush();
  expect(fake.run('run1').history).toHaveLength(20_051);
  expect(fake.violations).toEqual([]);
});

test('a stream that never answers is an outage like any other', async () => {
  const clock = fakeClock();
  const { run, fake } = await runAt({ clock });
  fake.trouble = (request) => (isStream(request) ? 'hang' : undefined);
  const started = clock.monotonic();
  run.log({ loss: 1 });
  while (run.online) {
    await clock.advance(1_000);
    await sleep(1);
  }
  // Two minutes after the first failure, which is after one.
  expect(clock.monotonic() - started).toBeLessThan(240_000);
  await run.finish();
  expect(loggedRows(run)).toMatchObject([{ loss: 1 }]);
});

test.each(['begins', 'is under way'])(
  'an end that the service does not take in time goes into a directory, when what hangs %s',
  async (when) => {
    const { run, fake, notices } = await runAt();
    run.log({ loss: 1 });
    await run.flush();
    fake.trouble = (request) => (isStream(request) ? 'hang' : undefined);
    run.log({ loss: 0.5 });
    if (when === 'is under way') {
      run.flush().catch(() => {});
      await until(() => fake.stream().length === 2, 'the request that hangs');
    }
    const started = performance.now();
    await run.finish({ timeoutMs: 150 });
    // The request itself would wait for a minute.
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(run.online).toBe(false);
    expect(loggedRows(run)).toMatchObject([{ loss: 0.5 }]);
    expect(notices).toEqual([expect.stringContaining('continues offline in')]);
  },
);

test.each([
  ['never answers', (): Promise<Response> => new Promise(() => {})],
  ['never ends its answer', async (): Promise<Response> => new Response(new ReadableStream())],
])('a fetch that ignores its signal and %s holds up no end', async (_how, answer) => {
  const fetch: typeof globalThis.fetch = (url, init) =>
    String(url).endsWith('/file_stream') ? answer() : globalThis.fetch(url, init);
  const { run, notices } = await runAt({ fetch });
  run.log({ loss: 0.5 });
  await run.finish({ timeoutMs: 150 });
  expect(loggedRows(run)).toMatchObject([{ loss: 0.5 }]);
  expect(notices).toEqual([expect.stringContaining('not within 150 ms')]);
});

test('only requests to the service itself carry the key', async () => {
  const { run, fake } = await runAt({ username: 'bot', userEmail: 'bot@example.org', headers: { 'X-Route': 'a' } });
  await run.saveFile('a/b.txt', Buffer.from('hello'));
  await run.finish();
  for (const { method, headers, path } of fake.requests) {
    expect(headers.authorization === undefined, path).toBe(method === 'PUT');
    expect(headers['x-wandb-username'], path).toBe(method === 'PUT' ? undefined : 'bot');
    expect(headers['x-route'], path).toBe(method === 'PUT' ? undefined : 'a');
    expect(headers['user-agent']).toMatch(/^analytics-wandb\/\d+\.\d+\.\d+ \(node \d+/);
  }
  expect(fake.requests.filter(({ method }) => method === 'PUT')).toHaveLength(1);
  expect(fake.violations).toEqual([]);
});
