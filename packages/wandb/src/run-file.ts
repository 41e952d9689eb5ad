import { openAsBlob } from 'node:fs';

/** A file of a run: where it goes below the run's folder, and what is in it. */
export interface RunFile {
  /** With forward slashes. */
  readonly name: string;
  readonly content: Uint8Array<ArrayBuffer> | { readonly path: string };
}

/** What is sent, read only as it is sent when it lies in a file. */
export async function bodyOf(content: RunFile['content']): Promise<Uint8Array<ArrayBuffer> | Blob> {
  return content instanceof Uint8Array ? content : openAsBlob(content.path);
}
