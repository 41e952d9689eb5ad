import { AnalyticsError } from '@toolweaver/analytics-core';
import { isRefused, messageOf } from '../failure.ts';
import { bodyOf, type RunFile } from '../files/run-file.ts';
import { askUploads, type RunPath } from './operations.ts';
import type { Service } from './service.ts';

const parallelUploads = 4;
const attempts = 3;

interface Uploaded {
  /** The files that are there now. */
  readonly done: readonly RunFile[];
  /** Those that will never be, and why. */
  readonly refused: ReadonlyMap<RunFile, AnalyticsError>;
  /** Why others are not there yet. */
  readonly failure: unknown;
}

/** Uploads files of a run, each whatever becomes of the others. A URL that has expired is asked for anew. */
export async function uploadFiles(
  service: Service,
  run: RunPath,
  files: readonly RunFile[],
  signal?: AbortSignal,
): Promise<Uploaded> {
  const done: RunFile[] = [];
  let failed = new Map<RunFile, unknown>();
  let left = files;
  for (let attempt = 1; left.length > 0 && attempt <= attempts; attempt += 1) {
    const uploads = await askUploads(
      service,
      run,
      left.map(({ name }) => name),
      signal,
    );
    failed = new Map();
    await eachOf(left, async (file) => {
      const upload = uploads.get(file.name);
      try {
        if (upload === undefined) {
          throw new AnalyticsError('EVENTS_REJECTED', `the service gave no address to upload ${file.name} to`);
        }
        await service.put(upload, await bodyOf(file.content), signal);
        done.push(file);
      } catch (error) {
        failed.set(file, fromStorage(error));
      }
    });
    left = [...failed.keys()];
  }
  const refused = new Map<RunFile, AnalyticsError>();
  let failure: unknown;
  for (const [file, error] of failed) {
    if (isRejection(error)) {
      refused.set(file, error);
    } else {
      failure = error;
    }
  }
  return { done, refused, failure };
}

/** Whether it says that the same will never be taken. */
export function isRejection(error: unknown): error is AnalyticsError {
  return error instanceof AnalyticsError && error.code === 'EVENTS_REJECTED';
}

/** A storage that refuses one file says nothing about the run. */
export function fromStorage(error: unknown): unknown {
  return isRefused(error)
    ? new AnalyticsError('EVENTS_REJECTED', `an upload was refused: ${messageOf(error)}`, { cause: error })
    : error;
}

/** Runs `work` over all items, a few at a time. */
export async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  await Promise.all(
    Array.from({ length: Math.min(parallelUploads, items.length) }, async () => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
        await work(item);
      }
    }),
  );
}
