import { Readable } from 'node:stream';
import type { Backend, EventInput } from '@toolweaver/analytics-core';
import { type Checks, checkOptions, type Names } from '../check.ts';
import { type FileFormat, fileFormats, formatOf } from './format.ts';

/**
 * A path, in which a leading `~` is the home directory; a stream or an iterable of text (with `format`); or an iterable of
 * events as `parseEvent` of core reads them.
 */
export type ImportSource = string | AsyncIterable<unknown> | Iterable<unknown>;

/** How a source is read, what becomes of wrong rows, and who is told. */
export interface ImportOptions {
  /**
   * Of the text. Default: by the path's ending (.jsonl, .ndjson or .csv, and .gz behind it for what is compressed); an iterable
   * is one of events unless this is given.
   */
  readonly format?: FileFormat | undefined;
  /**
   * The event that a row of CSV means, or undefined to leave it out. `row` has the cells by the names in the header, `line` is
   * where it starts. The event has to say its time (`at`). Default: the columns of the view `executions`.
   */
  readonly map?: ((row: Readonly<Record<string, string>>, line: number) => EventInput | undefined) | undefined;
  /** Ends the import at the first row that is refused. Default: false. */
  readonly strict?: boolean | undefined;
  /** How long the target may be unavailable or full before the import is given up, in ms. Default: 60000. */
  readonly patienceMs?: number | undefined;
  /** Told about every row that is refused. A promise is waited for; what it throws or rejects with ends the import. */
  readonly onReject?: ((rejection: Rejection) => unknown) | undefined;
  /** Told after every batch, and at the end, in the same way. */
  readonly onProgress?: ((progress: ImportProgress) => unknown) | undefined;
  /** Ends the import after the batch that is under way; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Why a row was not imported. */
export interface Rejection {
  /** Where it starts, from 1; for an iterable of events, its number. */
  readonly line: number;
  /** Of the event, e.g. `latencyMs`; `row` where it could not be read, `event` where the target refused it. */
  readonly field: string;
  readonly reason: string;
}

export interface ImportCounts {
  /** Rows up to now: `read = imported + skipped + rejected` at the end. */
  readonly read: number;
  /** Events that the target has taken, those included that it had already. */
  readonly imported: number;
  /** Rows that `map` has left out. */
  readonly skipped: number;
  readonly rejected: number;
  /** Of the source, as it is: before it is unpacked. 0 for an iterable of events. */
  readonly bytes: number;
}

/** How far an import has come. */
export interface ImportProgress extends ImportCounts {
  /** Size of the file, where the source is one. */
  readonly totalBytes: number | undefined;
}

/** What became of the rows of an import. */
export interface ImportReport extends ImportCounts {
  /** The first 100. */
  readonly rejections: readonly Rejection[];
}

export interface ResolvedImport extends Omit<ImportOptions, 'strict' | 'patienceMs'> {
  readonly strict: boolean;
  readonly patienceMs: number;
  /** The largest batch. */
  readonly maxEvents: number;
}

/** Many enough that a commit costs little for each, few enough to be held beside the next ones. */
const maxBatch = 4096;

const names: Names<ImportOptions> = {
  format: true,
  map: true,
  strict: true,
  patienceMs: true,
  onReject: true,
  onProgress: true,
  signal: true,
};

export function resolveImport(target: Backend, source: ImportSource, options: ImportOptions | null): ResolvedImport {
  return checkOptions(options, names, (check, given) => {
    const maxEvents = maxEventsOf(check, target);
    const isText = typeof source === 'string' || (source instanceof Readable && !source.readableObjectMode);
    if (!isSource(source)) {
      check.wrong('source', 'must be a path, a stream, or an iterable');
    }
    const { map, onReject, onProgress, signal } = given;
    const said = check.choice('format', given.format, fileFormats);
    const format = said ?? (typeof source === 'string' ? formatOf(source) : undefined);
    if (isText && format === undefined && given.format === undefined) {
      check.wrong('format', `must be given (${fileFormats.join(', ')}): no ending .jsonl, .ndjson or .csv says it`);
    }
    checkCallbacks(check, { map, onReject, onProgress });
    if (map !== undefined && format !== 'csv') {
      check.wrong('map', 'is for rows of CSV only');
    }
    checkSignal(check, signal);
    return {
      format,
      map,
      onReject,
      onProgress,
      signal,
      strict: check.flag('strict', given.strict) ?? false,
      patienceMs: check.number('patienceMs', given.patienceMs, { min: 0 }) ?? 60_000,
      maxEvents,
    };
  });
}

function maxEventsOf(check: Checks, target: Backend | undefined): number {
  if (typeof target?.write !== 'function') {
    const isPromise = typeof (target as { then?: unknown } | undefined)?.then === 'function';
    const isClient = typeof (target as { record?: unknown } | undefined)?.record === 'function';
    const given = isPromise
      ? 'a promise: await it'
      : isClient
        ? 'a client: give it one of its backends'
        : typeof target;
    check.wrong('target', `must be a backend, got ${given}`);
    return 1;
  }
  return target.delivery === 'immediate' ? 1 : Math.min(target.delivery.maxEvents, maxBatch);
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

export function checkCallbacks(check: Checks, callbacks: Readonly<Record<string, unknown>>): void {
  for (const [field, value] of Object.entries(callbacks)) {
    if (value !== undefined && typeof value !== 'function') {
      check.wrong(field, `must be a function, got ${typeof value}`);
    }
  }
}

export function checkSignal(check: Checks, signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    check.wrong('signal', 'must be an AbortSignal');
  }
}
