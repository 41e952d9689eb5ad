import { AnalyticsError } from '@toolweaver/analytics-core';
import type { Artifact } from './artifact.ts';
import type { ResolvedMedia } from './media.ts';
import type { Run } from './run.ts';
import type { RunFile } from './run-file.ts';

/** Pictures, tables and the like, on their way to where the run goes. */
export interface MediaQueue {
  readonly waiting: boolean;
  add(media: ResolvedMedia): void;
  /** Sends what waits. One that is refused is left out, and nothing else with it. */
  send(signal?: AbortSignal): Promise<void>;
}

export function createMediaQueue(run: Run, onRefused: (message: string) => void): MediaQueue {
  let files: RunFile[] = [];
  let artifacts: Artifact[] = [];

  async function attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof AnalyticsError) || error.code !== 'EVENTS_REJECTED') {
        throw error;
      }
      onRefused(`${what} was refused: ${error.message}`);
    }
  }

  return {
    get waiting() {
      return files.length > 0 || artifacts.length > 0;
    },
    add(media) {
      files.push(...media.files);
      artifacts.push(...media.artifacts);
    },
    async send(signal) {
      if (files.length > 0) {
        const sent = [...files];
        await attempt('a file', () => run.putFiles(sent, signal));
        files = files.slice(sent.length);
      }
      while (artifacts.length > 0) {
        await attempt('a table', () => run.putArtifact(artifacts[0] as Artifact, signal));
        artifacts = artifacts.slice(1);
      }
    },
  };
}
