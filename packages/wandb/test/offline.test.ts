import { spawn } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { AnalyticsError } from '@toolweaver/analytics-core';
import { artifact, execution, fakeClock, metrics, run as runEvent } from '@toolweaver/analytics-testkit';
import { image, startRun, wandb } from '@toolweaver/analytics-wandb';
import { expect, onTestFinished, test } from 'vitest';
import { newRows } from '../src/encoding/batch.ts';
import { createLogFrames } from '../src/encoding/log-frame.ts';
import { makeFolder } from '../src/log/run-directory.ts';
import { createTransactionLog } from '../src/log/transaction-log.ts';
import { apiKey, fakeService } from './support/fake-service.ts';
import { testFolder } from './support/folder.ts';
import { readLog, readRun } from './support/log-reader.ts';
import { sync, testWithPython } from './support/python.ts';

const recorder = join(import.meta.dirname, 'fixtures', 'recorder.ts');

function child(...args: readonly string[]) {
  return spawn(process.execPath, ['--conditions=@toolweaver/source', recorder, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function logIn(folder: string, id: string): string {
  const [path = ''] = globSync(join(folder, '*', `offline-run-*-${id}`, `run-${id}.wandb`));
  return path;
}

test('an empty record has the bytes of the format', () => {
  const frames = createLogFrames(7);
  frames.add(new Uint8Array());
  expect(frames.take().toString('hex')).toBe('1bdf05a5000001');
});

test.each([0, 1, 32_753, 32_754, 32_755, 32_761, 32_768, 100_000])(
  'records around the edge of a block: %i bytes',
  (length) => {
    const path = join(testFolder(), 'log');
    const frames = createLogFrames(7);
    // A few small ones shift what follows through every distance to the edge.
    const records = [length, 3, length, 32_700, length, 50].map((size, at) => Buffer.alloc(size, at + 1));
    for (const record of records) {
      frames.add(record);
    }
    writeFileSync(path, Buffer.concat([Buffer.from('3a572642e1be00', 'hex'), frames.take()]));
    const read = readLog(path);
    expect(read.isWhole).toBe(true);
    expect(read.records.map((record) => record.equals(records.shift() as Buffer))).toEqual(Array(6).fill(true));
  },
);

test('no distance to the edge of a block tears a record', () => {
  const path = join(testFolder(), 'log');
  for (let shift = 0; shift < 24; shift += 1) {
    const frames = createLogFrames(7);
    const records = [
      Buffer.alloc(32_768 - 7 - 7 - 12 + shift, 1),
      Buffer.from('next'),
      Buffer.alloc(40_000, 2),
      Buffer.from('last'),
    ];
    for (const record of records) {
      frames.add(record);
    }
    writeFileSync(path, Buffer.concat([Buffer.from('3a572642e1be00', 'hex'), frames.take()]));
    expect(readLog(path).records).toEqual(records);
  }
});

test('a write that is under way when the process exits is completed, once, and before what comes then', async () => {
  const seen = new Set<boolean>();
  // Nothing but promises may go on meanwhile: the system's answer comes later than that.
  for (let turns = 0; turns < 50; turns += 1) {
    const path = join(testFolder(), 'log');
    const log = createTransactionLog(path);
    log.appendSync((records) => records.header('test'));
    const rows = newRows();
    const appended = log.append((records) => records.files(['a'.repeat(100_000)]), rows);
    const outcome = appended.then(
      () => true,
      () => false,
    );
    for (let turn = 0; turn < turns; turn += 1) {
      await Promise.resolve();
    }
    const isSettled = log.settleSync(rows);
    seen.add(isSettled);
    log.appendSync((records) => records.files(['after']));
    expect(await outcome).toBe(isSettled);
    await log.append((records) => records.files(['last']));
    await log.close();
    expect(readLog(path).isWhole).toBe(true);
    const names = readRun(path).files.map((name) => name.slice(0, 5));
    expect(names, `after ${turns} turns`).toEqual([...(isSettled ? ['aaaaa'] : []), 'after', 'last']);
  }
  expect(seen).toEqual(new Set([false, true]));
});

test('a batch is in the log once, at whatever moment of its writing the process exits', async () => {
  for (let turns = 0; turns < 60; turns += 1) {
    const dir = testFolder();
    const runId = `r${turns}`;
    const backend = await wandb({ mode: 'offline', dir, runId });
    onTestFinished(() => backend.close?.());
    await backend.write([execution({ kind: 'tool', name: 'first' })]);
    // A metric with a step of its own is written into the description of the run, before the rows.
    const events = [execution({ kind: 'tool', name: 't' }), metrics({ values: { [`m${turns}`]: 1 }, step: 3 })];
    const writing = Promise.resolve(backend.write(events)).catch(() => {});
    for (let turn = 0; turn < turns; turn += 1) {
      await Promise.resolve();
    }
    backend.writeSync?.(events);
    const written = readRun(logIn(dir, runId)).rows;
    expect(
      written.filter((row) => 't/status' in row),
      `after ${turns} turns`,
    ).toHaveLength(1);
    await writing;
  }
});

test('a program that goes on after it has written synchronously, as on a signal, goes on with its run', async () => {
  for (let turns = 0; turns < 30; turns += 1) {
    const dir = testFolder();
    const backend = await wandb({ mode: 'offline', dir, runId: 'r' });
    const first = [metrics({ runId: 'r', values: { at: 1 } })];
    const underWay = Promise.resolve(backend.write(first)).catch(() => {});
    for (let turn = 0; turn < turns; turn += 1) {
      await Promise.resolve();
    }
    backend.writeSync?.(first);
    await underWay;
    await backend.write([metrics({ runId: 'r', values: { at: 2 } })]);
    backend.writeSync?.([metrics({ runId: 'r', values: { at: 3 } })]);
    await backend.write([metrics({ runId: 'r', values: { at: 4 } })]);
    await backend.close?.();
    const { rows, exitCode, isWhole } = readRun(logIn(dir, 'r'));
    expect(
      rows.map(({ at }) => at),
      `after ${turns} turns`,
    ).toEqual([1, 2, 3, 4]);
    expect({ exitCode, isWhole }).toEqual({ exitCode: 0, isWhole: true });
  }
});

test.each(['event', 'close'])(
  'nothing is written twice, or behind the end of a run, at whatever moment of it the process exits: %s',
  async (ending) => {
    const isEvent = ending === 'event';
    const seen = new Set<number>();
    for (let turns = 0; turns < 60; turns += 1) {
      const dir = testFolder();
      const backend = await wandb({ mode: 'offline', dir, runId: 'r', logFrequency: 2 });
      onTestFinished(() => backend.close?.());
      await backend.write([execution({ kind: 'tool', name: 't' })]);
      const end = isEvent ? [runEvent({ runId: 'r', state: 'finished' })] : [];
      const ended = Promise.resolve(isEvent ? backend.write(end) : backend.close?.()).catch(() => {});
      for (let turn = 0; turn < turns; turn += 1) {
        await Promise.resolve();
      }
      backend.writeSync?.([...end, metrics({ runId: 'r', values: { late: 1 } })]);
      const readAll = () =>
        globSync(join(dir, '*', 'offline-run-*', '*.wandb'))
          .sort()
          .map(readRun);
      const logs = readAll();
      const rows = logs.flatMap((log) => log.rows);
      expect(
        rows.filter((row) => 'late' in row),
        `after ${turns} turns`,
      ).toHaveLength(1);
      // The row of the operations that fill none comes with the end.
      expect(rows.filter((row) => 't/operations' in row)).toHaveLength(isEvent || logs.length > 1 ? 1 : 0);
      const summary = Object.assign({}, ...logs.map((log) => log.summary));
      expect(summary).toMatchObject({ late: 1, 'summary/total_operations': 1 });
      seen.add(logs.length);
      await ended;
      await backend.close?.();
      if (isEvent) {
        // A process that has only got a signal goes on, and ends the second one.
        expect(readAll().map(({ exitCode }) => exitCode)).toEqual(logs.map(() => 0));
      }
    }
    expect(seen).toEqual(new Set([1, 2]));
  },
);

test('a run that cannot begin leaves nothing behind', async () => {
  const dir = testFolder();
  const config = {
    get broken(): never {
      throw new Error('of the caller');
    },
  };
  await expect(wandb({ mode: 'offline', dir, config })).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    problems: [{ field: 'config', message: 'must be data for JSON: of the caller' }],
  });
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  await expect(startRun({ mode: 'offline', dir, config: cyclic })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  expect(readdirSync(dir)).toEqual([]);
});

test('an append that was still encoding when the process exits is void', async () => {
  const path = join(testFolder(), 'log');
  const log = createTransactionLog(path);
  const appended = log.append((records) => records.files(['slow']));
  log.appendSync((records) => records.files(['now']));
  await expect(appended).rejects.toMatchObject({ code: 'CLOSED' });
  await log.close();
  expect(readRun(path).files).toEqual(['now']);
});

test('what is recorded stands in the log before the write resolves, for its owner alone', async () => {
  const folder = testFolder();
  const dir = join(folder, 'new');
  const backend = await wandb({ mode: 'offline', dir, runId: 'r', tags: ['t'], config: { lr: 1 } });
  onTestFinished(() => backend.close?.());
  expect(existsSync(dir)).toBe(false);
  await backend.write([execution({ kind: 'tool', name: 't' }), metrics({ values: { loss: 1 } })]);
  const path = logIn(dir, 'r');
  expect(readRun(path)).toMatchObject({ id: 'r', tags: ['t'], config: { lr: 1 }, exitCode: undefined, isWhole: true });
  expect(readRun(path).rows).toMatchObject([{ 't/status': 'success' }, { loss: 1 }]);
  const mode = (file: string): number => statSync(file).mode & 0o777;
  expect([mode(path), mode(dirname(path)), mode(dirname(dirname(path)))]).toEqual([0o600, 0o700, 0o700]);
  expect(backend.settings['runs']).toEqual([dirname(path)]);
  await backend.close?.();
  expect(readRun(path)).toMatchObject({ exitCode: 0, summary: { 'summary/total_operations': 1, loss: 1 } });
});

test('two runs that begin in one second get a directory each', async () => {
  const dir = testFolder();
  for (let at = 0; at < 3; at += 1) {
    const run = await startRun({ mode: 'offline', dir, runId: 'same' });
    run.log({ at });
    await run.finish();
  }
  expect(globSync(join(dir, 'wandb', 'offline-run-*-same'))).toHaveLength(3);
  expect(readdirSync(join(dir, 'wandb'))).toContain('latest-run');
});

test('a key of a nested value may be called as a prototype is', async () => {
  const dir = testFolder();
  const run = await startRun({ mode: 'offline', dir, runId: 'r' });
  run.log({ m: { a: 1 } });
  run.log({ m: JSON.parse('{"__proto__":{"x":1},"b":2}') });
  await run.finish();
  const { summary } = readRun(globSync(join(dir, 'wandb', 'offline-run-*', 'run-r.wandb'))[0] ?? '');
  expect(JSON.stringify(summary['m'])).toBe('{"a":1,"__proto__":{"x":1},"b":2}');
});

test('an id that is too long a name, or that not every file system takes, has a digest in the names of its run', async () => {
  // Windows takes the last two for a device, and for a name without its dot.
  for (const runId of ['漢'.repeat(120), 'a<b*c', 'nul', 'a.']) {
    const dir = testFolder();
    const run = await startRun({ mode: 'offline', dir, runId });
    run.log({ loss: 1 });
    await run.finish();
    const [path = ''] = globSync(join(dir, 'wandb', 'offline-run-*', 'run-*.wandb'));
    expect(basename(dirname(path))).toMatch(/^offline-run-\d{8}_\d{6}-[^<*]+-[0-9a-f]{8}$/);
    expect(basename(path)).toMatch(/^run-[^<*]+-[0-9a-f]{8}\.wandb$/);
    expect(readRun(path)).toMatchObject({ id: runId, rows: [{ loss: 1 }], isWhole: true });
  }
});

test('.wandb is used where it is there; a folder that cannot be written gives way to one of the system, which is told', async () => {
  const dir = testFolder();
  mkdirSync(join(dir, '.wandb'));
  const run = await startRun({ mode: 'offline', dir, runId: 'hidden' });
  await run.finish();
  expect(run.location).toContain(join(dir, '.wandb', 'offline-run-'));

  const file = join(dir, 'file');
  writeFileSync(file, '');
  const notices: string[] = [];
  const onNotice = ({ message }: { message: string }): void => void notices.push(message);
  const elsewhere = await startRun({ mode: 'offline', dir: file, runId: 'elsewhere', onNotice });
  await elsewhere.finish();
  expect(existsSync(elsewhere.location ?? '')).toBe(true);
  // One of its own for each user.
  const name = process.getuid === undefined ? 'wandb' : `wandb-${process.getuid()}`;
  expect(elsewhere.location).toContain(join(tmpdir(), name, 'offline-run-'));
  expect(notices).toEqual([expect.stringContaining(`${join(file, 'wandb')} cannot be written`)]);
});

test.runIf(process.platform === 'linux')('a folder below /proc, where nobody can make any, holds nothing up', () => {
  expect(() => makeFolder('/proc/nothing/wandb')).toThrow('ENOENT');
});

test('a folder is made with those above it, for its owner alone', async () => {
  const dir = testFolder();
  const run = await startRun({ mode: 'offline', dir: join(dir, 'one', 'two') });
  await run.finish();
  const modes = ['one', 'one/two', 'one/two/wandb'].map((path) => statSync(join(dir, path)).mode & 0o777);
  expect(modes).toEqual([0o700, 0o700, 0o700]);
});

test('files, pictures and artifacts are copied; without an entity the artifact stays where it is, and that is told', async () => {
  const dir = testFolder();
  const source = join(dir, 'model.bin');
  writeFileSync(source, 'weights');
  const notices: AnalyticsError[] = [];
  const onNotice = (notice: AnalyticsError): void => void notices.push(notice);
  const run = await startRun({ mode: 'offline', dir, runId: 'r', onNotice });
  const png = Buffer.from('89504e470d0a1a0a0000000d494844520000000200000003', 'hex');
  run.log({ picture: image(png) });
  await run.saveFile('a/model.bin', { path: source });
  await run.logArtifact({ name: 'model', type: 'model', files: { 'model.bin': { path: source } } });
  await run.finish();
  const read = readRun(logIn(dir, 'r'));
  expect(read.files).toEqual(
    expect.arrayContaining(['a/model.bin', expect.stringMatching(/^media\/images\/picture_0_/)]),
  );
  for (const name of read.files) {
    expect(existsSync(join(run.location ?? '', 'files', name)), name).toBe(true);
  }
  expect(read.artifacts).toEqual([]);
  const message = expect.stringContaining('the artifact model stays in');
  expect(notices).toMatchObject([{ code: 'INVALID_CONFIG', message }]);
});

test('a run that goes on after its end has all of it in the summary of its second directory', async () => {
  const dir = testFolder();
  const backend = await wandb({ mode: 'offline', dir });
  const tool = (name: string, nanoUsd: number) =>
    execution({ runId: 'r', kind: 'tool', name, cost: { nanoUsd, source: 'provider' } });
  await backend.write([
    metrics({ runId: 'r', values: { loss: 0.5 }, step: 1 }),
    tool('ocr', 3),
    runEvent({ runId: 'r', state: 'finished', summary: { best: 1 } }),
  ]);
  await backend.write([tool('ocr', 4), tool('late', 5), metrics({ runId: 'r', values: { loss: 0.25 }, step: 2 })]);
  await backend.close?.();
  const [first, second] = globSync(join(dir, 'wandb', 'offline-run-*-r', 'run-r.wandb'))
    .map(readRun)
    .toSorted((one, other) => one.rows.length - other.rows.length);
  expect(first?.rows.map((row) => row['_step'])).toEqual([0, 1]);
  expect(second?.rows.map((row) => row['_step'])).toEqual([2, 3, 4]);
  expect(second?.summary).toMatchObject({
    best: 1,
    loss: 0.25,
    'summary/state': 'finished',
    'summary/total_operations': 3,
    'summary/total_cost': 0.000_000_012,
    'summary/ocr/total_operations': 2,
    'summary/late/total_operations': 1,
  });
});

test('a run that goes on after its end goes on with its running time', async () => {
  const dir = testFolder();
  const clock = fakeClock();
  const backend = await wandb({ mode: 'offline', dir, clock });
  const tool = () => execution({ runId: 'r', at: clock.now(), kind: 'tool', name: 't' });
  for (let times = 0; times < 3; times += 1) {
    await backend.write([tool()]);
    await clock.advance(20_000);
    await backend.write([runEvent({ runId: 'r', at: clock.now(), state: 'finished' })]);
    await clock.advance(3_600_000);
  }
  await backend.close?.();
  const logs = globSync(join(dir, 'wandb', 'offline-run-*-r', 'run-r.wandb')).map(readRun);
  const byTime = logs.toSorted((one, other) => Number(one.runtime) - Number(other.runtime));
  expect(byTime).toMatchObject(
    [0, 20, 40].map((before) => ({
      rows: [{ _runtime: before }],
      summary: { _runtime: before + 20, _wandb: { runtime: before + 20 } },
      runtime: before + 20,
    })),
  );
});

test('the mean duration is right, too, where executions count by parts', async () => {
  const dir = testFolder();
  const backend = await wandb({ mode: 'offline', dir });
  const tool = (weight: number, latencyMs: number) =>
    execution({ runId: 'r', kind: 'tool', name: 't', weight, latencyMs });
  await backend.write([tool(1.25, 1_000), runEvent({ runId: 'r', state: 'finished' })]);
  await backend.write([tool(0.75, 3_000), runEvent({ runId: 'r', state: 'finished' })]);
  const [directory = ''] = backend.settings['runs'] as string[];
  const { summary } = readRun(join(directory, 'run-r.wandb'));
  expect(summary['summary/t/avg_duration']).toBeCloseTo((1.25 * 1 + 0.75 * 3) / 2, 9);
});

test('the last 64 runs that ended are known, whenever they ended before', async () => {
  const dir = testFolder();
  const backend = await wandb({ mode: 'offline', dir });
  const one = (runId: string) =>
    backend.write([execution({ runId, kind: 'tool', name: 't' }), runEvent({ runId, state: 'finished' })]);
  await one('again');
  for (let at = 0; at < 63; at += 1) {
    await one(`r${at}`);
  }
  await one('again');
  await one('one more');
  await one('again');
  const totals = globSync(join(dir, 'wandb', 'offline-run-*-again', 'run-again.wandb')).map(
    (path) => readRun(path).summary['summary/total_operations'],
  );
  expect(totals.toSorted()).toEqual([1, 2, 3]);
});

test('metrics with steps that are too many get no x axis, which is told once', async () => {
  const dir = testFolder();
  const notices: string[] = [];
  const backend = await wandb({ mode: 'offline', dir, onNotice: ({ message }) => notices.push(message) });
  const values = (from: number, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${from + at}`, 1]));
  await backend.write([metrics({ runId: 'r', values: values(0, 1_000), step: 1 })]);
  await backend.write([metrics({ runId: 'r', values: values(0, 1_000), step: 2 })]);
  expect(notices).toEqual([]);
  await backend.write([metrics({ runId: 'r', values: values(999, 5), step: 3 })]);
  await backend.write([metrics({ runId: 'r', values: values(2_000, 5), step: 4 })]);
  expect(notices).toEqual([expect.stringContaining('run r: more than 1000 metrics with a step')]);
  await backend.close?.();
});

test('a torn end loses what was torn, and no more', async () => {
  const dir = testFolder();
  const backend = await wandb({ mode: 'offline', dir, runId: 'r' });
  await backend.write(Array.from({ length: 100 }, () => execution()));
  await backend.close?.();
  const path = logIn(dir, 'r');
  truncateSync(path, statSync(path).size - 300);
  const { rows, isWhole } = readRun(path);
  expect(isWhole).toBe(false);
  expect(rows).toHaveLength(100);
});

test.skipIf(process.platform === 'win32')(
  'a full disk is told to core as such, and what was accepted before is whole',
  async () => {
    const dir = testFolder();
    // A limit on the size of files stands in for the disk; its signal has to be ignored, so that writing fails instead.
    const command = `trap '' XFSZ; ulimit -f 200; exec "$0" "$@"`;
    const args = ['-c', command, process.execPath, '--conditions=@toolweaver/source', recorder, dir, 'fill'];
    const filled = spawn('sh', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    filled.stdout.on('data', (chunk) => {
      output += chunk;
    });
    await new Promise((resolve) => filled.once('close', resolve));
    const { code, accepted } = JSON.parse(output);
    expect(code).toBe('STORAGE_FULL');
    expect(accepted).toBeGreaterThan(0);
    expect(readRun(logIn(dir, 'child')).rows.length).toBeGreaterThanOrEqual(accepted);
  },
);

test('a program that ends without a word has written what was queued', async () => {
  const dir = testFolder();
  const ended = await new Promise((resolve) => child(dir, 'exit', '1000').on('close', resolve));
  expect(ended).toBe(7);
  const { rows, summary, isWhole, exitCode } = readRun(logIn(dir, 'child'));
  expect(rows).toHaveLength(1000);
  expect(summary).toMatchObject({ 'summary/total_operations': 1000, 'summary/failures': 250 });
  expect({ isWhole, exitCode }).toEqual({ isWhole: true, exitCode: undefined });
});

testWithPython('a program that ends while a run is ending has written what came after it, too', async () => {
  const dir = testFolder();
  await new Promise((resolve) => child(dir, 'late', '0').on('close', resolve));
  const directories = globSync(join(dir, 'wandb', 'offline-run-*-child*')).sort();
  expect(directories.map((directory) => readRun(join(directory, 'run-child.wandb')))).toMatchObject([
    { rows: [{ 'tool/status': 'success', _step: 0 }], exitCode: 0, isWhole: true },
    { rows: [{ 'skill/skill/rating': 4, _step: 1 }], summary: { 'summary/total_operations': 1 }, isWhole: true },
  ]);
  const fake = await fakeService();
  onTestFinished(fake.close);
  for (const directory of directories) {
    const { status, output } = await sync(directory, dir, fake.url, apiKey);
    expect(status, output).toBe(0);
  }
  const { history, summary = '' } = fake.run('child');
  expect(history.map((line) => JSON.parse(line))).toMatchObject([
    { 'tool/status': 'success' },
    { 'skill/skill/rating': 4 },
  ]);
  expect(JSON.parse(summary)).toMatchObject({ 'summary/total_operations': 1, 'summary/state': 'finished' });
  expect(fake.violations).toEqual([]);
});

testWithPython(
  'a program that is killed half-way leaves a run that is uploaded up to its last flushed row',
  async () => {
    const dir = testFolder();
    const killed = child(dir, 'kill', '500');
    const directory = await new Promise<string>((resolve) =>
      killed.stdout.once('data', (line) => resolve(String(line).trim())),
    );
    killed.kill('SIGKILL');
    await new Promise((resolve) => killed.once('close', resolve));
    const fake = await fakeService();
    onTestFinished(fake.close);
    const { status, output } = await sync(directory, dir, fake.url, apiKey);
    expect(status, output).toBe(0);
    const { history, summary = '', exitCode } = fake.run('child');
    expect(history.length).toBeGreaterThanOrEqual(500);
    expect(history.length).toBe(readRun(join(directory, 'run-child.wandb')).rows.length);
    expect(JSON.parse(summary)['summary/total_operations']).toBe(history.length);
    // It never said how it ended.
    expect(exitCode).toBe(1);
    expect(fake.violations).toEqual([]);
  },
);

testWithPython('runs, artifacts and metrics with steps that were recorded offline are uploaded', async () => {
  const dir = testFolder();
  const file = join(dir, 'report.md');
  writeFileSync(file, '# report');
  const backend = await wandb({ mode: 'offline', dir, entity: 'ada' });
  await backend.write([
    runEvent({
      runId: 'task',
      state: 'started',
      name: 'receipts',
      project: 'demo',
      config: { batch: 8 },
      tags: ['eu'],
    }),
    execution({ runId: 'task', kind: 'tool', name: 'ocr', latencyMs: 250 }),
    metrics({ runId: 'task', values: { loss: 0.5 }, step: 3 }),
    artifact({ runId: 'task', path: file }),
  ]);
  await backend.write([runEvent({ runId: 'task', state: 'failed', summary: { total: 3 } })]);
  const [directory = ''] = backend.settings['runs'] as string[];
  await backend.close?.();
  const fake = await fakeService();
  onTestFinished(fake.close);
  const { status, output } = await sync(directory, dir, fake.url, apiKey);
  expect(status, output).toBe(0);
  const run = fake.run('task');
  expect(run).toMatchObject({
    displayName: 'receipts',
    project: 'demo',
    tags: ['eu'],
    exitCode: 1,
    config: { batch: { value: 8 } },
  });
  expect(JSON.parse(run.summary ?? '')).toMatchObject({
    total: 3,
    'summary/state': 'failed',
    'summary/ocr/avg_duration': 0.25,
  });
  expect(fake.artifacts).toMatchObject([{ state: 'COMMITTED', input: { artifactCollectionName: 'report.md' } }]);
  expect(fake.artifacts[0]?.files.get('report.md')?.toString()).toBe('# report');
  expect(readFileSync(file, 'utf8')).toBe('# report');
  expect(basename(directory)).toMatch(/^offline-run-\d{8}_\d{6}-task$/);
  expect(fake.violations).toEqual([]);
});
