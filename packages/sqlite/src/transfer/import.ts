import { setImmediate } from 'node:timers/promises';
import { AnalyticsError, type AnalyticsEvent, type Backend, isAnalyticsError } from '@toolweaver/analytics-core';
import { parseEvent, unknownFields } from '@toolweaver/analytics-core/backend';
import { messageOf } from '../failure.ts';
import { refusePromise } from '../not-async.ts';
import { absolutePath } from '../path.ts';
import { deliver } from './deliver.ts';
import { isGzip } from './format.ts';
import {
  type ImportCounts,
  type ImportOptions,
  type ImportReport,
  type ImportSource,
  type Rejection,
  type ResolvedImport,
  resolveImport,
} from './import-options.ts';
import { rowIds } from './row-id.ts';
import { itemRows, type Row, textRows } from './rows.ts';
import { fromPieces, openFile, type TextSource } from './source.ts';

const maxRejections = 100;
/** A batch ends when its rows take more than this. */
const maxBatchSize = 4 * 1024 * 1024;
/** The longest time between two turns of the caller's event loop. */
const turnMs = 4;
const noId = '00000000-0000-0000-0000-000000000000';

/** See `transfer.ts`. */
export async function importEvents(
  target: Backend,
  source: ImportSource,
  options: ImportOptions,
): Promise<ImportReport> {
  const resolved = resolveImport(target, source, options);
  const { signal, format, map } = resolved;
  signal?.throwIfAborted();
  if (format === undefined) {
    return importRows(target, itemRows(source as Iterable<unknown>), resolved, () => 0);
  }
  const text = await openText(source);
  try {
    return await importRows(target, textRows(text.pieces, format, map), resolved, text.readBytes, text.totalBytes);
  } finally {
    const closed = text.close().catch(() => {});
    if (!signal?.aborted) {
      // After an abort, a pending read may wait for its source indefinitely.
      await closed;
    }
  }
}

async function openText(source: ImportSource): Promise<TextSource> {
  if (typeof source !== 'string') {
    return fromPieces(source);
  }
  try {
    return await openFile(absolutePath(source), isGzip(source));
  } catch (error) {
    throw unreadable(error);
  }
}

async function importRows(
  target: Backend,
  rows: AsyncGenerator<Row[]>,
  options: ResolvedImport,
  readBytes: () => number,
  totalBytes?: number,
): Promise<ImportReport> {
  const { signal, strict, patienceMs, maxEvents, onReject, onProgress } = options;
  const idOf = rowIds();
  const rejections: Rejection[] = [];
  let batch: AnalyticsEvent[] = [];
  let lines: number[] = [];
  let batchSize = 0;
  let read = 0;
  let imported = 0;
  let skipped = 0;
  let rejected = 0;

  const counts = (): ImportCounts => ({ read, imported, skipped, rejected, bytes: readBytes() });

  async function reject(line: number, thrown: unknown, unknownField: string): Promise<void> {
    const problem = isAnalyticsError(thrown) ? thrown.problems[0] : undefined;
    const field = problem?.field ?? unknownField;
    const reason = problem?.message ?? messageOf(thrown);
    const rejection = { line, field, reason };
    rejected += 1;
    if (rejections.length < maxRejections) {
      rejections.push(rejection);
    }
    await onReject?.(rejection);
    if (strict) {
      throw stopped('INVALID_EVENT', `line ${line}: ${field} ${reason}`, imported, thrown, [
        { field, message: reason },
      ]);
    }
  }

  /** Takes a row into the batch. If it is rejected, returns a promise that resolves when `onReject` has been told. */
  function take(row: Row): Promise<void> | undefined {
    read += 1;
    let event: AnalyticsEvent;
    try {
      const data = row.read();
      if (data === undefined) {
        skipped += 1;
        return undefined;
      }
      refusePromise(data, 'map must not be async');
      event = toEvent(data, idOf);
    } catch (thrown) {
      return reject(row.line, thrown, 'row');
    }
    batch.push(event);
    lines.push(row.line);
    batchSize += row.size;
    return undefined;
  }

  async function writeBatch(): Promise<void> {
    const events = batch;
    const linesOf = lines;
    batch = [];
    lines = [];
    batchSize = 0;
    const refused: [place: number, error: AnalyticsError][] = [];
    try {
      await deliver(target, events, {
        patienceMs,
        signal,
        taken: (count) => {
          imported += count;
        },
        refused: (place, error) => refused.push([place, error]),
      });
    } catch (error) {
      signal?.throwIfAborted();
      const { code = 'INTERNAL', problems = [] } = isAnalyticsError(error) ? error : {};
      throw stopped(code, messageOf(error), imported, error, problems, target.name);
    }
    for (const [place, error] of refused) {
      await reject(linesOf[place] ?? 0, error, 'event');
    }
    await onProgress?.({ ...counts(), totalBytes });
  }

  let turnEndsAt = performance.now() + turnMs;
  for await (const some of orAbort(rows, signal, () => imported)) {
    for (const row of some) {
      const refused = take(row);
      if (refused !== undefined) {
        await refused;
      }
      if (batch.length >= maxEvents || batchSize > maxBatchSize) {
        await writeBatch();
      } else if (performance.now() > turnEndsAt) {
        await setImmediate();
        turnEndsAt = performance.now() + turnMs;
      }
    }
  }
  if (batch.length > 0) {
    await writeBatch();
  }
  await onProgress?.({ ...counts(), totalBytes });
  return { ...counts(), rejections };
}

/** @throws AnalyticsError for anything but an event, and for a field that such an event does not have. */
function toEvent(data: unknown, idOf: (event: AnalyticsEvent) => string): AnalyticsEvent {
  const event = parsed(data, idOf);
  const [unknown] = unknownFields(data, event);
  if (unknown !== undefined) {
    const message = 'is not a field of such an event: leave it out, or name it otherwise by map';
    throw new AnalyticsError('INVALID_EVENT', `${unknown} ${message}`, { problems: [{ field: unknown, message }] });
  }
  return event;
}

function parsed(data: unknown, idOf: (event: AnalyticsEvent) => string): AnalyticsEvent {
  const hasNoId = typeof data === 'object' && data !== null && ((data as { id?: unknown }).id ?? '') === '';
  if (!hasNoId || Array.isArray(data)) {
    return parseEvent(data);
  }
  const event = parseEvent({ ...data, id: noId });
  return { ...event, id: idOf(event) };
}

/** Passes the rows on, and stops waiting for more when the signal aborts. */
async function* orAbort(
  rows: AsyncGenerator<Row[]>,
  signal: AbortSignal | undefined,
  imported: () => number,
): AsyncGenerator<Row[]> {
  const next = (): Promise<IteratorResult<Row[]>> =>
    new Promise((resolve, reject) => {
      // An abort while nobody was waiting fires no event any more.
      signal?.throwIfAborted();
      const abort = (): void => reject(signal?.reason);
      signal?.addEventListener('abort', abort, { once: true });
      rows
        .next()
        .then(resolve, (error) => reject(unreadable(error, imported())))
        .finally(() => signal?.removeEventListener('abort', abort));
    });
  try {
    for (let item = await next(); !item.done; item = await next()) {
      signal?.throwIfAborted();
      yield item.value;
    }
  } finally {
    const left = rows.return(undefined).catch(() => {});
    if (!signal?.aborted) {
      await left;
    }
  }
}

function unreadable(error: unknown, imported = 0): AnalyticsError {
  // Errors about the header already have a message of their own.
  const { problems = [{ field: 'source', message: `cannot be read: ${messageOf(error)}` }] } = isAnalyticsError(error)
    ? error
    : {};
  const message = problems.map((problem) => `${problem.field} ${problem.message}`).join(', ');
  return stopped('INVALID_CONFIG', message, imported, error, problems);
}

function stopped(
  code: AnalyticsError['code'],
  message: string,
  imported: number,
  cause: unknown,
  problems: AnalyticsError['problems'],
  backend?: string,
): AnalyticsError {
  const progress =
    imported === 0
      ? 'nothing was imported'
      : `${imported} events were imported; import the same source again to go on: a database adds none of them twice`;
  return new AnalyticsError(code, `${message}; ${progress}`, { cause, problems, backend });
}
