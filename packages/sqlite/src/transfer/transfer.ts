import { EventEmitter } from 'node:events';
import type { Backend } from '@toolweaver/analytics-core';
import type { ExportOptions, ExportReport } from './export-options.ts';
import type { ImportOptions, ImportReport, ImportSource } from './import-options.ts';

// Loaded when first called: most programs never are to pay for it.

/**
 * Writes events of a database to a file or a stream, in a thread of its own and at the pace of what they are written to; the
 * database may be in use. What is recorded meanwhile may or may not be among them.
 * @throws AnalyticsError `INVALID_CONFIG` for wrong options, a database that is not there or not ours, or a target that is taken
 *   or cannot be written; `BACKEND_UNAVAILABLE` when the database or the target fails; `STORAGE_FULL`; `UNSUPPORTED`. The
 *   signal's reason when aborted; whatever the callback or a stream throws.
 */
export async function exportEvents(options: ExportOptions): Promise<ExportReport> {
  const { target }: { readonly target?: unknown } = Object(options);
  const stream = target instanceof EventEmitter ? target : undefined;
  // One that cannot be opened says so before anything is written to it, and unheard that would end the process.
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
 * Reads events from a source and has a backend write them, batch by batch: whatever the source's size, no more than a batch is
 * held. The backend must be no client's, which could write at the same time; it stays open.
 *
 * An event that the backend has (same `id`) is not added again, so an import that has ended early is made good by another one.
 * One that only counts, as those of Prometheus and OTLP do, counts it once more.
 * A row without an id gets one that is made of what it says, the same one every time. Rows that are no valid event are left
 * out and reported.
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
