import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AnalyticsError } from '@toolweaver/analytics-core';
import { fakeClock } from '@toolweaver/analytics-testkit';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { addNumber, endRow, newRows, shapeOf } from '../src/encoding/batch.ts';
import { createEncoder } from '../src/encoding/encoder.ts';
import { stampKeys } from '../src/encoding/run-state.ts';
import { artifactOf, bytesEntry } from '../src/files/artifact.ts';
import { testFolder } from './support/folder.ts';
import { readLog, readRun } from './support/log-reader.ts';
import { until } from './support/until.ts';

/** No file can be written beyond `end`, and no folder made below `quota`. With `torn` set the next record gets so many bytes, and no more. The next `failingSyncs` calls of fsync fail. */
const disk: { end: number; quota: string | undefined; torn: number | undefined; failingSyncs: number } = {
  end: Number.POSITIVE_INFINITY,
  quota: undefined,
  torn: undefined,
  failingSyncs: 0,
};

async function limitedFs(): Promise<object> {
  const fs = await vi.importActual<typeof import('node:fs')>('node:fs');
  const check = (length: number, position: number): void => {
    if (position + length > disk.end) {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    }
  };
  const writeLater = promisify(fs.write);
  async function write(fd: number, bytes: Uint8Array, offset: number, length: number, position: number) {
    check(length, position);
    if (disk.torn !== undefined) {
      disk.end = position + disk.torn;
      disk.torn = undefined;
      return writeLater(fd, bytes, offset, disk.end - position, position);
    }
    return writeLater(fd, bytes, offset, length, position);
  }
  function writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    check(length, position);
    return fs.writeSync(fd, bytes, offset, length, position);
  }
  function writeFileSync(path: string, bytes: Uint8Array, options: object): void {
    check(bytes.length, 0);
    fs.writeFileSync(path, bytes, options);
  }
  function mkdirSync(path: string, options: object): void {
    if (disk.quota !== undefined && path.startsWith(disk.quota)) {
      throw Object.assign(new Error('EDQUOT: disk quota exceeded, mkdir'), { code: 'EDQUOT' });
    }
    fs.mkdirSync(path, options);
  }
  function fsync(fd: number, done: (error: Error | null) => void): void {
    if (disk.failingSyncs > 0) {
      disk.failingSyncs -= 1;
      done(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }));
    } else {
      fs.fsync(fd, done);
    }
  }
  return {
    ...fs,
    fsync,
    mkdirSync,
    writeFileSync,
    write: Object.assign(() => {}, { [promisify.custom]: write }),
    writeSync,
  };
}

/** Modules of their own on that disk: other files of tests share this thread and its modules. */
async function load() {
  const { startRun } = await import('@toolweaver/analytics-wandb');
  const { createRun } = await import('../src/run/run.ts');
  const { createTransactionLog } = await import('../src/log/transaction-log.ts');
  return { startRun, createRun, createTransactionLog };
}
let onDisk: Awaited<ReturnType<typeof load>>;

beforeAll(async () => {
  vi.resetModules();
  vi.doMock('node:fs', limitedFs);
  onDisk = await load();
  vi.doUnmock('node:fs');
});

afterAll(() => void vi.resetModules());

beforeEach(() => {
  disk.end = Number.POSITIVE_INFINITY;
  disk.quota = undefined;
  disk.torn = undefined;
  disk.failingSyncs = 0;
});

/** The files that this process has open, whether they are still there or not. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // That of the listing itself.
      return [];
    }
  });
}

function offlineRun(dir: string, startingSummary: ReadonlyMap<string, string> = new Map()) {
  return onDisk.createRun({
    info: {
      id: 'run1',
      project: 'p',
      entity: undefined,
      name: undefined,
      notes: undefined,
      tags: [],
      config: {},
      group: undefined,
      jobType: undefined,
      host: 'h',
      program: undefined,
      startedAt: 0,
      metrics: [],
    },
    resume: undefined,
    service: undefined,
    appUrl: '',
    dir,
    offlineAfterMs: 1,
    encoder: createEncoder(),
    clock: fakeClock(),
    startingSummary,
    onNotice() {},
    onLeftOut() {},
  });
}
const emptyBatch = () => ({ rows: newRows(), changes: new Map(), summary: new Map() });

test('an end that was not confirmed to be on the disk is not written again', async () => {
  const run = offlineRun(testFolder());
  const batch = emptyBatch();
  disk.failingSyncs = 1;
  await expect(run.finish(0, batch)).rejects.toThrow('EIO');
  await run.finish(0, batch);
  expect(readRun(join(run.location ?? '', 'run-run1.wandb'))).toMatchObject({ exitCode: 0, isWhole: true });
  await run.release();
});

test('a run beyond the quota of its folder waits for room, and goes nowhere else', async () => {
  const dir = testFolder();
  const run = offlineRun(dir);
  disk.quota = dir;
  await expect(run.append(emptyBatch())).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  expect(run.location).toBeUndefined();
  await run.release();
});

test('an artifact that finds no room when the process exits says so', async () => {
  const run = offlineRun(testFolder());
  const entries = [bytesEntry('model.bin', new Uint8Array(10))];
  const artifact = artifactOf({ name: 'model', type: 'model' }, entries, 'seed');
  const offline = run.openSync();
  disk.end = 5;
  expect(() => offline?.putArtifactSync(artifact)).toThrow(expect.objectContaining({ code: 'STORAGE_FULL' }));
  await run.release();
});

test.skipIf(process.platform !== 'linux')(
  'a run that cannot go on offline leaves neither file nor folder',
  async () => {
    const dir = testFolder();
    const run = offlineRun(dir, new Map([['text', 'x'.repeat(4_000)]]));
    const batch = emptyBatch();
    disk.end = 2_000;
    for (let attempts = 0; attempts < 5; attempts += 1) {
      await expect(run.append(batch)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    }
    expect(openFiles().filter((path) => path.startsWith(dir))).toEqual([]);
    expect(readdirSync(join(dir, 'wandb')).filter((name) => name.startsWith('offline-run'))).toEqual([]);
    disk.end = Number.POSITIVE_INFINITY;
    await run.append(batch);
    expect(readRun(join(run.location ?? '', 'run-run1.wandb')).summary).toEqual({ text: 'x'.repeat(4_000) });
    await run.release();
  },
);

test('rows that find no room wait, are told of once, and are bounded', async () => {
  const clock = fakeClock();
  const notices: AnalyticsError[] = [];
  const run = await onDisk.startRun({
    mode: 'offline',
    dir: testFolder(),
    runId: 'run1',
    clock,
    onNotice: (notice) => notices.push(notice),
  });
  disk.end = 0;
  run.log({ row: 0 });
  await clock.advance(1);
  await until(() => notices.length > 0, 'a notice');
  expect(notices).toMatchObject([
    {
      code: 'STORAGE_FULL',
      message: expect.stringContaining('logged data waits, because it can be neither sent nor stored'),
    },
  ]);
  for (let row = 1; row < 400_010; row += 1) {
    run.log({ row });
  }
  await expect(run.flush()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  await clock.advance(15_000);
  expect(run).toMatchObject({ skipped: 10, step: 400_000 });
  expect(notices.slice(1)).toMatchObject([{ message: expect.stringContaining('400000 rows wait already') }]);
  disk.end = Number.POSITIVE_INFINITY;
  await run.flush();
  run.log({ last: 1 });
  await run.finish();
  expect(run.skipped).toBe(10);
  const { records, isWhole } = readLog(join(run.location ?? '', 'run-run1.wandb'));
  // Beside the rows: header, run, three summaries, and three for the end.
  expect([isWhole, records.length]).toEqual([true, 400_001 + 8]);
});

test('definitions and configuration that found no room are written once there is some', async () => {
  const clock = fakeClock();
  const dir = testFolder();
  const run = await onDisk.startRun({ mode: 'offline', dir, runId: 'run1', clock });
  disk.end = 0;
  run.defineMetric('loss', { stepMetric: 'epoch' });
  run.updateConfig({ lr: 0.1 });
  await expect(run.flush()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  disk.end = Number.POSITIVE_INFINITY;
  await run.finish();
  const path = join(run.location ?? '', 'run-run1.wandb');
  expect(readRun(path).config).toMatchObject({ lr: 0.1 });
  const { records } = readLog(path);
  // A definition has the number 12 in the envelope.
  expect(records.filter((record) => record[2] === 12 * 8 + 2)).toHaveLength(2);
});

test('what was written of a record that found no room does not stay behind a shorter one', async () => {
  const path = join(testFolder(), 'log');
  const log = onDisk.createTransactionLog(path);
  log.appendSync((records) => records.header('test'));
  disk.torn = 20_000;
  await expect(log.append((records) => records.files(['a'.repeat(100_000)]))).rejects.toMatchObject({
    code: 'STORAGE_FULL',
  });
  disk.end = Number.POSITIVE_INFINITY;
  await log.append((records) => records.files(['b'.repeat(1_000)]));
  await log.close();
  expect(readLog(path)).toMatchObject({ isWhole: true, records: { length: 2 } });
});

test('what could not be completed when the process exits is there once, or not at all', async () => {
  const path = join(testFolder(), 'log');
  const log = onDisk.createTransactionLog(path);
  const rows = newRows();
  addNumber(rows, 1);
  endRow(rows, shapeOf(['loss', ...stampKeys]), 0);
  // The row fits, and what comes after it does not.
  const appended = log.append((records) => records.files(['a'.repeat(1_000)]), rows);
  disk.end = 300;
  let refused: unknown;
  for (let turn = 0; turn < 50 && refused === undefined; turn += 1) {
    await Promise.resolve();
    try {
      // Other rows, as these are not to be taken over before they are being written.
      log.settleSync(newRows());
    } catch (error) {
      refused = error;
    }
  }
  expect(refused).toMatchObject({ code: 'STORAGE_FULL' });
  await expect(appended).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  disk.end = Number.POSITIVE_INFINITY;
  log.appendSync((records) => records.header('test'));
  await log.append((records) => records.files(['b'.repeat(1_000)]));
  await log.close();
  expect(readLog(path)).toMatchObject({ isWhole: true, records: { length: 2 } });
});
