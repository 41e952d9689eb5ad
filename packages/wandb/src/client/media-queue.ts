import type { Artifact } from '../files/artifact.ts';
import { imagesOf, isMedia, resolveMedia } from '../files/media.ts';
import type { RunFile } from '../files/run-file.ts';
import { randomName } from '../names.ts';
import type { Run } from '../run/run.ts';
import type { OnSettled } from '../run/run-target.ts';
import { cannotBeUploaded } from '../service/upload.ts';

/** While uploads fail and this much waits, further media are left out, to bound memory. */
const maxWaitingBytes = 64 * 1024 ** 2;

/** Queue of images, tables and other media that wait for their upload. */
export interface MediaQueue {
  readonly waiting: boolean;
  /** Queues a media value of this step and returns what stands for it in the row; undefined for any other value. */
  takeIn(step: number): (key: string, value: unknown) => unknown;
  /**
   * Sends the queue, with what is queued meanwhile: resolves once nothing waits. Calls share one attempt. A refused file or table
   * is left out alone.
   */
  send(signal?: AbortSignal): Promise<void>;
}

export function createMediaQueue(run: Run, onRefused: (message: string) => void): MediaQueue {
  const salt = randomName(32);
  /** By name, which includes a digest of the content, so the same file is queued once. */
  const files = new Map<string, RunFile>();
  let artifacts: Artifact[] = [];
  let sending: Promise<void> | undefined;
  /** Whether the last attempt failed. */
  let failed = false;

  function waitingBytes(): number {
    return [...files.values()].reduce(
      (sum, { content }) => sum + ('byteLength' in content ? content.byteLength : 0),
      0,
    );
  }

  function isWaiting(): boolean {
    return files.size > 0 || artifacts.length > 0;
  }

  async function sendQueued(signal: AbortSignal | undefined): Promise<void> {
    if (files.size > 0) {
      const settle: OnSettled = (file, refusal) => {
        files.delete(file.name);
        if (refusal !== undefined) {
          onRefused(`a file was refused: ${refusal.message}`);
        }
      };
      await run.putFiles([...files.values()], settle, signal, 'media');
    }
    while (artifacts.length > 0) {
      try {
        await run.putArtifact(artifacts[0] as Artifact, signal, 'media');
      } catch (error) {
        if (!cannotBeUploaded(error)) {
          throw error;
        }
        onRefused(`a table was refused: ${error.message}`);
      }
      artifacts = artifacts.slice(1);
    }
  }

  async function attempt(signal: AbortSignal | undefined): Promise<void> {
    try {
      while (isWaiting()) {
        await sendQueued(signal);
        failed = false;
      }
    } catch (error) {
      failed = true;
      throw error;
    } finally {
      sending = undefined;
    }
  }

  return {
    get waiting() {
      return isWaiting();
    },
    takeIn: (step) => (key, value) => {
      const found = Array.isArray(value) ? imagesOf(value) : isMedia(value) ? value : undefined;
      if (found === undefined) {
        return undefined;
      }
      if (failed && waitingBytes() >= maxWaitingBytes) {
        throw new Error(`uploads fail, and ${maxWaitingBytes} bytes wait already`);
      }
      const resolved = resolveMedia(found, { key, step, runId: run.info.id, salt });
      for (const file of resolved.files) {
        files.set(file.name, file);
      }
      artifacts.push(...resolved.artifacts);
      return resolved.value;
    },
    send(signal) {
      sending ??= attempt(signal);
      return sending;
    },
  };
}
