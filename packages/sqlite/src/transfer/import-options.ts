import { Readable } from 'node:stream';
import type { Backend, EventInput } from '@toolweaver/analytics-core';
import { checkOptions, type OptionChecks, type OptionNames } from '@toolweaver/analytics-core/backend';
import { type FileFormat, fileFormats, formatOf } from './format.ts';

/**
 * A path, in which a leading `~` is the home directory; a stream or an iterable of text (with `format`); or an iterable of events
 * in the form that `parseEvent` of core reads.
 */
export type ImportSource = string | AsyncIterable<unknown> | Iterable<unknown>;

/** How a source is read, what happens to invalid rows, and who is notified. */
export interface ImportOptions {
  /**
   * Format of the text. Default: by the path's ending (.jsonl, .ndjson or .csv, followed by .gz if compressed); an iterable
   * without a format yields events.
   */
  readonly format?: FileFormat | undefined;
  /**
   * Returns the event for a row of CSV, or undefined to skip it. `row` has the cells by the names in the header, `line` is where
   * it starts. The event must have a time (`at`). Default: the columns of the view `executions`.
   */
  readonly map?: ((row: Readonly<Record<string, string>>, line: number) => EventInput | undefined) | undefined;
  /** Ends the import at the first rejected row. Default: false. */
  readonly strict?: boolean | undefined;
  /** How long the target may be unavailable or full before the import gives up, in ms. Default: 60000. */
  readonly patienceMs?: number | undefined;
  /** Called for every rejected row. A promise is awaited; what it throws or rejects with ends the import. */
  readonly onReject?: ((rejection: Rejection) => unknown) | undefined;
  /** Called after every batch, and at the end, in the same way. */
  readonly onProgress?: ((progress: ImportProgress) => unknown) | undefined;
  /** Aborts the import after the current batch; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Why a row was not imported. */
export interface Rejection {
  /** Line where the row starts, from 1; for an iterable of events, the number of the event. */
  readonly line: number;
  /** Field of the event, e.g. `latencyMs`; `row` if the row could not be read, `event` if the target rejected it. */
  readonly field: string;
  readonly reason: string;
}

export interface ImportCounts {
  /** Rows so far: `read = imported + skipped + rejected` at the end. */
  readonly read: number;
  /** Events that the target accepted, including those that it already had. */
  readonly imported: number;
  /** Rows that `map` skipped. */
  readonly skipped: number;
  readonly rejected: number;
  /** Bytes of the source, before decompression. 0 for an iterable of events. */
  readonly bytes: number;
}

/** The progress of an import. */
export interface ImportProgress extends ImportCounts {
  /** Size of the file, if the source is one. */
  readonly totalBytes: number | undefined;
}

/** What happened to the rows of an import. */
export interface ImportReport extends ImportCounts {
  /** The first 100 rejections. */
  readonly rejections: readonly Rejection[];
}

export interface ResolvedImport extends Omit<ImportOptions, 'strict' | 'patienceMs'> {
  readonly strict: boolean;
  readonly patienceMs: number;
  /** The size of the largest batch. */
  readonly maxEvents: number;
}

/** Large enough for a small cost of the commit per event, small enough to hold a batch beside the rows read next. */
const maxBatch = 4096;

const names: OptionNames<ImportOptions> = {
  format: true,
  map: true,
  strict: true,
  patienceMs: true,
  onReject: true,
  onProgress: true,
  signal: true,
};

export function resolveImport(target: Backend, source: ImportSource, options: ImportOptions): ResolvedImport {
  return checkOptions(options, names, (check, given) => {
    const maxEvents = maxEventsOf(check, target);
    const isText = typeof source === 'string' || (source instanceof Readable && !source.readableObjectMode);
    if (!isSource(source)) {
      check.problem('source', 'must be a path, a stream, or an iterable');
    }
    const map = check.callback('map', given.map);
    const said = check.choice('format', given.format, fileFormats);
    const format = said ?? (typeof source === 'string' ? formatOf(source) : undefined);
    if (isText && format === undefined && given.format === undefined) {
      check.problem('format', `must be given (${fileFormats.join(', ')}): no ending .jsonl, .ndjson or .csv says it`);
    }
    if (map !== undefined && format !== 'csv') {
      check.problem('map', 'is for rows of CSV only');
    }
    return {
      format,
      map,
      onReject: check.callback('onReject', given.onReject),
      onProgress: check.callback('onProgress', given.onProgress),
      signal: checkSignal(check, given.signal),
      strict: check.flag('strict', given.strict) ?? false,
      patienceMs: check.number('patienceMs', given.patienceMs, { min: 0 }) ?? 60_000,
      maxEvents,
    };
  });
}

function maxEventsOf(check: OptionChecks, target: Backend | undefined): number {
  if (typeof target?.write !== 'function') {
    const isPromise = typeof (target as { then?: unknown } | undefined)?.then === 'function';
    const isClient = typeof (target as { record?: unknown } | undefined)?.record === 'function';
    const given = isPromise
      ? 'a promise: await it'
      : isClient
        ? 'a client: give it one of its backends'
        : typeof target;
    check.problem('target', `must be a backend, got ${given}`);
    return 1;
  }
  return typeof target.delivery === 'string' ? 1 : Math.min(target.delivery.maxEvents, maxBatch);
}

function isSource(source: unknown): source is ImportSource {
  if (typeof source === 'string') {
    return source !== '';
  }
  return (
    typeof source === 'object' &&
    source !== null &&
    !ArrayBuffer.isView(source) &&
    (Symbol.asyncIterator in source || Symbol.iterator in source)
  );
}

export function checkSignal(check: OptionChecks, signal: AbortSignal | undefined): AbortSignal | undefined {
  return check.expect('signal', signal, signal === undefined || signal instanceof AbortSignal, 'an AbortSignal');
}
