import type { AnalyticsError } from '@toolweaver/analytics-core';
import type { Batch } from '../encoding/batch.ts';
import type { Artifact } from '../files/artifact.ts';
import type { RunFile } from '../files/run-file.ts';
import type { RunInfo } from '../run-info.ts';
import type { Alert } from '../service/operations.ts';

export type OnSettled = (file: RunFile, refusal?: AnalyticsError) => void;

/** For a caller that waits for a single file. */
export const throwRefusal: OnSettled = (_file, refusal) => {
  if (refusal !== undefined) {
    throw refusal;
  }
};

/** Where a run goes: the service, or a directory. Each call resolves when its data has arrived. */
export interface RunTarget {
  /** URL of the run's page, or its directory. */
  readonly location: string;
  readonly online: boolean;
  append(batch: Batch, signal?: AbortSignal): Promise<void>;
  /** Changes the description of the run. */
  describe(info: RunInfo, signal?: AbortSignal): Promise<void>;
  /** Calls `onSettled` for each file that has arrived or is refused. Rejects when the others have to be sent again. */
  putFiles(files: readonly RunFile[], onSettled: OnSettled, signal?: AbortSignal): Promise<void>;
  /** `step`: the last step of the history. */
  putArtifact(artifact: Artifact, step: number | undefined, signal?: AbortSignal): Promise<void>;
  alert(alert: Alert, signal?: AbortSignal): Promise<void>;
  /** The last call. */
  finish(exitCode: number, last: Batch | undefined, signal?: AbortSignal): Promise<void>;
  /** Releases all resources, even while calls are pending. */
  release(): Promise<void>;
}
