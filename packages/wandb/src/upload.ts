import { AnalyticsError } from '@toolweaver/analytics-core';
import { isRefused, messageOf } from './failure.ts';
import { askUploads, type RunPath } from './operations.ts';
import { bodyOf, type RunFile } from './run-file.ts';
import type { Service } from './service.ts';

const parallelUploads = 4;
const attempts = 3;

interface Uploaded {
  /** Of the files that are there now. */
  readonly names: readonly string[];
  /** Why others are not. */
  readonly failure: unknown;
}

/** Uploads files of a run, each whatever becomes of the others. A URL that has expired is asked for anew. */
export async function uploadFiles(
  service: Service,
  run: RunPath,
  files: readonly RunFile[],
  signal?: AbortSignal,
): Promise<Uploaded> {
  const names: string[] = [];
  let left = files;
  for (let attempt = 1; left.length > 0; attempt += 1) {
    const uploads = await askUploads(
      service,
      run,
      left.map(({ name }) => name),
      signal,
    );
    const failed: RunFile[] = [];
    let failure: unknown;
    await eachOf(left, async (file) => {
      const upload = uploads.get(file.name);
      try {
        if (upload === undefined) {
          throw new AnalyticsError('EVENTS_REJECTED', `the service gave no address to upload ${file.name} to`);
        }
        await service.put(upload, await bodyOf(file.content), signal);
        names.push(file.name);
      } catch (error) {
        failure = error;
        failed.push(file);
      }
    });
    if (failed.length > 0 && (attempt === attempts || signal?.aborted)) {
      return { names, failure: fromStorage(failure) };
    }
    left = failed;
  }
  return { names, failure: undefined };
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
