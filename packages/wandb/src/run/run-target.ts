import type { AnalyticsError } from '@toolweaver/analytics-core';
import type { Batch } from '../encoding/batch.ts';
import type { Artifact } from '../files/artifact.ts';
import type { RunFile } from '../files/run-file.ts';
import type { RunInfo } from '../run-info.ts';
import type { Alert } from '../service/operations.ts';

export type OnSettled = (file: RunFile, refusal?: AnalyticsError) => void;

/** For who waits for a single file. */
export const throwRefusal: OnSettled = (_file, refusal) => {
  if (refusal !== undefined) {
    throw refusal;
  }
};

/** Where one run goes: to the service, or into a directory. Each call resolves when what it was given is there. */
export interface RunTarget {
  /** The page of the run, or its directory. */
  readonly location: string;
  readonly online: boolean;
  /** Whether somebody pressed Stop on the run's page. */
  readonly stopped: boolean;
  append(batch: Batch, signal?: AbortSignal): Promise<void>;
  /** Changes what is shown of the run. */
  describe(info: RunInfo, signal?: AbortSignal): Promise<void>;
  /** Tells of each file that is there, or is refused, and why; rejects when others have to be put again. */
  putFiles(files: readonly RunFile[], onSettled: OnSettled, signal?: AbortSignal): Promise<void>;
  /** `step`: the last one of the history. */
  putArtifact(artifact: Artifact, step: number | undefined, signal?: AbortSignal): Promise<void>;
  alert(alert: Alert, signal?: AbortSignal): Promise<void>;
  /** The last call. */
  finish(exitCode: number, last: Batch | undefined, signal?: AbortSignal): Promise<void>;
  /** Lets go of everything, in the middle of whatever it does. */
  release(): Promise<void>;
}
