import type { Artifact } from './artifact.ts';
import type { ResolvedMedia } from './media.ts';
import type { Run } from './run.ts';
import type { RunFile } from './run-file.ts';
import type { OnSettled } from './run-target.ts';
import { isRejection } from './upload.ts';

/** Pictures, tables and the like, on their way to where the run goes. */
export interface MediaQueue {
  readonly waiting: boolean;
  add(media: ResolvedMedia): void;
  /** Sends what waits. One that is refused is left out, and nothing else with it. */
  send(signal?: AbortSignal): Promise<void>;
}

export function createMediaQueue(run: Run, onRefused: (message: string) => void): MediaQueue {
  const files = new Set<RunFile>();
  let artifacts: Artifact[] = [];

  return {
    get waiting() {
      return files.size > 0 || artifacts.length > 0;
    },
    add(media) {
      for (const file of media.files) {
        files.add(file);
      }
      artifacts.push(...media.artifacts);
    },
    async send(signal) {
      if (files.size > 0) {
        const settle: OnSettled = (file, refusal) => {
          files.delete(file);
          if (refusal !== undefined) {
            onRefused(`a file was refused: ${refusal.message}`);
          }
        };
        await run.putFiles([...files], settle, signal);
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
