import { EventEmitter } from 'node:events';
import type { Backend } from '@toolweaver/analytics-core';
import type { ExportOptions, ExportReport } from './export-options.ts';
import type { ImportOptions, ImportReport, ImportSource } from './import-options.ts';

// The implementations are loaded on first use, as most programs never need them.

/**
 * Writes events of a database to a file or a stream. Reads in a thread of its own, at the pace of the target; the database may be
 * in use. Events recorded meanwhile may or may not be included.
 * @throws AnalyticsError `INVALID_CONFIG` for wrong options, a database that is not there or not ours, or a target that is taken
 *   or cannot be written; `BACKEND_UNAVAILABLE` when the database or the target fails; `STORAGE_FULL`; `UNSUPPORTED`. The
 *   signal's reason when aborted; whatever the callback or a stream throws.
 */
export async function exportEvents(options: ExportOptions): Promise<ExportReport> {
  const { target }: { readonly target?: unknown } = Object(options);
  const stream = target instanceof EventEmitter ? target : undefined;
  // A stream that cannot be opened emits an error before anything is written; without a listener that would end the process.
  const hear = (): void => {};
  stream?.on('error', hear);
  try {
    const implementation = await import('./export.ts');
    return await implementation.exportEvents(options);
  } finally {
    stream?.off('error', hear);
  }
}

/**
 * Reads events from a source and writes them to a backend, batch by batch: whatever the size of the source, at most one batch is
 * held in memory. The backend must not belong to a client, which could write at the same time; it stays open.
 *
 * An event that the backend has (same `id`) is not added again, so an import that ended early can be repeated. A backend that
 * only counts, as those of Prometheus and OTLP do, counts it again. A row without an id gets one derived from its content, the
 * same every time. Rows that are not valid events are left out and reported.
 * @throws AnalyticsError `INVALID_CONFIG` for wrong options or a source that cannot be read; `INVALID_EVENT` for the first wrong
 *   row when `strict`; the backend's own error when it does not take what is valid. The message says how far the import has
 *   come. The signal's reason when aborted; whatever the callbacks throw.
 */
export async function importEvents(
  target: Backend,
  source: ImportSource,
  options: ImportOptions = {},
): Promise<ImportReport> {
  const implementation = await import('./import.ts');
  return implementation.importEvents(target, source, options);
}
