import { openAsBlob } from 'node:fs';
import { AnalyticsError } from '@toolweaver/analytics-core';

/** A file of a run: its path below the run's folder, and its content. */
export interface RunFile {
  /** With forward slashes. */
  readonly name: string;
  readonly content: Uint8Array<ArrayBuffer> | { readonly path: string };
}

/**
 * Returns the request body. A file is read only while it is sent.
 * @throws AnalyticsError `EVENTS_REJECTED` for a file that is not there any more.
 */
export async function bodyOf(content: RunFile['content']): Promise<Uint8Array<ArrayBuffer> | Blob> {
  if (content instanceof Uint8Array) {
    return content;
  }
  try {
    return await openAsBlob(content.path);
  } catch (cause) {
    throw new AnalyticsError('EVENTS_REJECTED', `${content.path} cannot be read any more`, { cause });
  }
}
