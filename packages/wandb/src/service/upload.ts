import { AnalyticsError } from '@toolweaver/analytics-core';
import { isRefused, messageOf } from '../failure.ts';
import { bodyOf, type RunFile } from '../files/run-file.ts';
import { askUploads, type RunPath } from './operations.ts';
import type { Service } from './service.ts';

const parallelUploads = 4;
const attempts = 3;

interface Uploaded {
  /** The files that were uploaded. */
  readonly done: readonly RunFile[];
  /** The files that were refused for good, and why. */
  readonly refused: ReadonlyMap<RunFile, AnalyticsError>;
  /** Why the remaining files were not uploaded; a retry may help. */
  readonly failure: unknown;
}

/** Uploads files of a run, independently of each other. Retries with new URLs, because the old ones may have expired. */
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
    if (cannotBeUploaded(error)) {
      refused.set(file, error);
    } else {
      failure = error;
    }
  }
  return { done, refused, failure };
}

/** Whether the error means that a retry would fail, too. */
export function cannotBeUploaded(error: unknown): error is AnalyticsError {
  return error instanceof AnalyticsError && error.code === 'EVENTS_REJECTED';
}

/** Turns a refusal of the storage into that of a single file, because it says nothing about the run. */
export function fromStorage(error: unknown): unknown {
  return isRefused(error)
    ? new AnalyticsError('EVENTS_REJECTED', `an upload was refused: ${messageOf(error)}`, { cause: error })
    : error;
}

/** Runs `work` over all items, a few at a time. */
export async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  await Promise.all(
    Array.from({ length: parallelUploads }, async () => {
      for (const item of waiting) {
        await work(item);
      }
    }),
  );
}
