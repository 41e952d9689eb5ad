import type { Artifact } from '../files/artifact.ts';
import { imagesOf, isMedia, resolveMedia } from '../files/media.ts';
import type { RunFile } from '../files/run-file.ts';
import { randomName } from '../names.ts';
import type { Run } from '../run/run.ts';
import type { OnSettled } from '../run/run-target.ts';
import { isRejection } from '../service/upload.ts';

/** Pictures, tables and the like, on their way to where the run goes. */
export interface MediaQueue {
  readonly waiting: boolean;
  /** Gives what stands in the row of this step in place of a value, which then waits; undefined for one that is no such thing. */
  takeIn(step: number): (key: string, value: unknown) => unknown;
  /** Sends what waits. One that is refused is left out, and nothing else with it. */
  send(signal?: AbortSignal): Promise<void>;
}

export function createMediaQueue(run: Run, onRefused: (message: string) => void): MediaQueue {
  const salt = randomName(32);
  /** By name, which says what is in them: the same one may be logged twice in a row. */
  const files = new Map<string, RunFile>();
  let artifacts: Artifact[] = [];

  return {
    get waiting() {
      return files.size > 0 || artifacts.length > 0;
    },
    takeIn: (step) => (key, value) => {
      const found = Array.isArray(value) ? imagesOf(value) : isMedia(value) ? value : undefined;
      if (found === undefined) {
        return undefined;
      }
      const resolved = resolveMedia(found, { key, step, runId: run.info.id, salt });
      for (const file of resolved.files) {
        files.set(file.name, file);
      }
      artifacts.push(...resolved.artifacts);
      return resolved.value;
    },
    async send(signal) {
      if (files.size > 0) {
        const settle: OnSettled = (file, refusal) => {
          files.delete(file.name);
          if (refusal !== undefined) {
            onRefused(`a file was refused: ${refusal.message}`);
          }
        };
        await run.putFiles([...files.values()], settle, signal);
      }
      while (artifacts.length > 0) {
        try {
          await run.putArtifact(artifacts[0] as Artifact, signal);
        } catch (error) {
          if (!isRejection(error)) {
            throw error;
          }
          onRefused(`a table was refused: ${error.message}`);
        }
        artifacts = artifacts.slice(1);
      }
    },
  };
}
