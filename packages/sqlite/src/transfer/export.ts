import { stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import type { Worker } from 'node:worker_threads';
import { AnalyticsError, type EventType } from '@toolweaver/analytics-core';
import {
  checkOptions,
  configError,
  executionKinds,
  type OptionChecks,
  type OptionNames,
} from '@toolweaver/analytics-core/backend';
import { checkRuntime } from '../driver.ts';
import type { ExportStep, ExportTask } from '../export-worker.ts';
import { type Failure, toFailure } from '../failure.ts';
import { absolutePath, checkPath, databasePath } from '../path.ts';
import { checkRange } from '../reader/options.ts';
import { startWorker } from '../start-worker.ts';
import type { ExportOptions, ExportReport } from './export-options.ts';
import { type FileFormat, fileFormats, formatOf, isGzip } from './format.ts';
import { checkSignal } from './import-options.ts';
import { fileSink, type Sink, streamSink } from './sink.ts';

const allTypes: readonly EventType[] = ['execution', 'rating', 'health', 'toolkit', 'metrics', 'run', 'artifact'];
const busyTimeoutMs = 5_000;

/** See `transfer.ts`. */
export async function exportEvents(options: ExportOptions): Promise<ExportReport> {
  const { task, target, overwrite, onProgress, signal } = resolveExport(options);
  signal?.throwIfAborted();
  checkRuntime();
  const source = await stat(task.path).catch(() => undefined);
  if (!source?.isFile()) {
    const what = source === undefined ? 'not there' : 'no file';
    throw configError([{ field: 'path', message: `${task.path} is ${what}` }]);
  }
  const sink = typeof target === 'string' ? await fileSink(target, overwrite, task.path) : streamSink(target);
  try {
    const report = await pump(task, sink, signal, onProgress);
    await sink.commit();
    return report;
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

async function pump(
  task: ExportTask,
  sink: Sink,
  signal: AbortSignal | undefined,
  onProgress: ExportOptions['onProgress'],
): Promise<ExportReport> {
  const thread = startThread(task);
  let events = 0;
  let bytes = 0;
  try {
    for (let done = false; !done; ) {
      const step = await thread.next(signal);
      await sink.write(step.text, signal);
      ({ done } = step);
      events += step.events;
      bytes += step.text.byteLength;
      // Events recorded since the start may be included.
      await onProgress?.({ events, total: Math.max(events, step.total) });
    }
    return { events, bytes };
  } finally {
    await thread.stop();
  }
}

interface ExportThread {
  next(signal: AbortSignal | undefined): Promise<Exclude<ExportStep, { failure: unknown }>>;
  stop(): Promise<unknown>;
}

function startThread(task: ExportTask): ExportThread {
  const worker = startExportWorker(task);
  let settle: ((step: ExportStep | Error) => void) | undefined;
  let died: Error | undefined;
  const die = (error: Error): void => {
    died = error;
    settle?.(error);
  };
  worker.on('message', (step: ExportStep) => settle?.(step));
  worker.on('error', die);
  worker.on('exit', () => die(died ?? new Error('no reason known')));

  return {
    next: (signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const abort = (): void => reject(signal?.reason);
        signal?.addEventListener('abort', abort, { once: true });
        settle = (step) => {
          signal?.removeEventListener('abort', abort);
          if (step instanceof Error) {
            const message = `the thread that reads ${task.path} ended unexpectedly (${step.message})`;
            reject(new AnalyticsError('BACKEND_UNAVAILABLE', message, { cause: step }));
          } else if ('failure' in step) {
            reject(toError(step.failure));
          } else {
            resolve(step);
          }
        };
        if (died === undefined) {
          worker.postMessage('next');
        } else {
          settle(died);
        }
      }),
    stop: () => worker.terminate(),
  };
}

function startExportWorker(task: ExportTask): Worker {
  const isSource = import.meta.url.endsWith('.ts');
  try {
    const url = new URL(isSource ? '../export-worker.ts' : './export-worker.js', import.meta.url);
    return startWorker(url, { name: 'sqlite export', data: task });
  } catch (thrown) {
    throw toError(toFailure(thrown, task.path, false));
  }
}

function toError({ code, message, cause }: Failure): AnalyticsError {
  return code === 'INVALID_CONFIG'
    ? configError([{ field: 'path', message }])
    : new AnalyticsError(code, message, { cause });
}

interface ResolvedExport {
  readonly task: ExportTask;
  readonly target: string | Writable;
  readonly overwrite: boolean;
  readonly onProgress: ExportOptions['onProgress'];
  readonly signal: AbortSignal | undefined;
}

const names: OptionNames<ExportOptions> = {
  path: true,
  target: true,
  format: true,
  overwrite: true,
  type: true,
  from: true,
  to: true,
  orgId: true,
  userId: true,
  runId: true,
  kind: true,
  name: true,
  onProgress: true,
  signal: true,
};

function resolveExport(options: ExportOptions): ResolvedExport {
  return checkOptions(options, names, (check, given) => {
    const { target = '' } = given;
    const path = databasePath(checkPath(check, given.path));
    if (path === ':memory:') {
      check.problem('path', 'must be a file: what is in memory cannot be read by others');
    }
    const isFile = typeof target === 'string';
    if (isFile ? target === '' : typeof target?.write !== 'function' || typeof target.once !== 'function') {
      check.problem('target', 'must be a path or a stream that can be written to');
    }
    const format = check.choice('format', given.format, fileFormats) ?? (isFile ? formatOf(target) : undefined);
    if (format === undefined && given.format === undefined) {
      check.problem('format', `must be given (${fileFormats.join(', ')}): no ending .jsonl, .ndjson or .csv says it`);
    }
    const { from, to } = checkRange(check, given);
    const types = checkTypes(check, given.type, format);
    checkHas(check, 'kind', given.kind, types, ['execution']);
    checkHas(check, 'name', given.name, types, ['execution', 'rating', 'health']);
    return {
      task: {
        path,
        busyTimeoutMs,
        format: format ?? 'jsonl',
        gzip: isFile && isGzip(target),
        filter: {
          types,
          from,
          to,
          orgId: check.id('orgId', given.orgId),
          userId: check.id('userId', given.userId),
          runId: check.id('runId', given.runId),
          kind: check.choice('kind', given.kind, executionKinds),
          name: check.id('name', given.name),
        },
      },
      target: isFile ? absolutePath(target) : target,
      overwrite: check.flag('overwrite', given.overwrite) ?? false,
      onProgress: check.callback('onProgress', given.onProgress),
      signal: checkSignal(check, given.signal),
    };
  });
}

function checkTypes(
  check: OptionChecks,
  given: ExportOptions['type'],
  format: FileFormat | undefined,
): readonly EventType[] {
  if (given === undefined) {
    return format === 'csv' ? ['execution'] : allTypes;
  }
  // `Array.from` turns holes into undefined, so that they are checked, too.
  const wanted: readonly EventType[] = Array.isArray(given) ? Array.from(given) : [given as EventType];
  if (wanted.length === 0) {
    check.problem('type', `must be one or several of ${allTypes.join(', ')}, got an empty list`);
  }
  for (const type of wanted) {
    check.required.choice('type', type, allTypes);
  }
  if (format === 'csv' && wanted.some((type) => type !== 'execution')) {
    check.problem('type', 'must be execution for CSV, which has room for nothing else: export the others as jsonl');
  }
  return allTypes.filter((type) => wanted.includes(type));
}

/** Rejects a condition that none of the wanted events can meet: the file would be empty. */
function checkHas(
  check: OptionChecks,
  field: string,
  value: unknown,
  types: readonly EventType[],
  having: readonly EventType[],
): void {
  if (value !== undefined && types.length > 0 && !types.some((type) => having.includes(type))) {
    check.problem(field, `is for events of type ${having.join(', ')}, none of which type asks for`);
  }
}
