import type { Clock } from '@toolweaver/analytics-core';
import type { Batch } from '../encoding/batch.ts';
import type { Encoder } from '../encoding/encoder.ts';
import type { RunInfo } from '../run-info.ts';
import { uploadArtifact } from '../service/artifact-upload.ts';
import { createFileStream, type FileStreamOptions } from '../service/file-stream.ts';
import { type EarlierRun, pathOf, sendAlert, upsertRun } from '../service/operations.ts';
import type { Service } from '../service/service.ts';
import { uploadFiles } from '../service/upload.ts';
import type { RunTarget } from './run-target.ts';

/** A run at the service. */
export interface RemoteRun extends RunTarget {
  /** The names that the service gave them. */
  readonly entity: string;
  readonly project: string;
  /** Whether somebody pressed Stop on the run's page. */
  readonly stopped: boolean;
  /** How many rows of a batch that was sent in part have arrived. */
  arrivedOf(batch: Batch): number;
}

export interface RemoteRunOptions {
  readonly service: Service;
  readonly appUrl: string;
  readonly encoder: Encoder;
  readonly clock: Clock;
  onLeftOut: FileStreamOptions['onLeftOut'];
}

/** Creates the run at the service, or updates the existing one, and returns the target for its data. */
export async function startRemoteRun(
  info: RunInfo,
  earlier: EarlierRun | undefined,
  { service, appUrl, encoder, clock, onLeftOut }: RemoteRunOptions,
  signal?: AbortSignal,
): Promise<RemoteRun> {
  const stored = await upsertRun(service, info, earlier?.storageId, signal);
  const { storageId, entity, project } = stored;
  const run = { entity, project, id: info.id };
  const stream = createFileStream({
    service,
    path: pathOf(run, '/'),
    // Even without a resume, rows of an existing run with this id must not be overwritten.
    historyLines: Math.max(stored.historyLines, earlier?.historyLines ?? 0),
    encoder,
    clock,
    onLeftOut,
  });

  return {
    location: `${appUrl}/${pathOf(run, '/runs/')}`,
    online: true,
    entity,
    project,
    get stopped() {
      return stream.stopped;
    },
    arrivedOf: stream.arrivedOf,
    append: (batch, signal) => stream.send({ batch }, signal),
    async describe(changed, signal) {
      await upsertRun(service, { ...changed, entity, project }, storageId, signal);
    },
    async putFiles(files, onSettled, signal) {
      const { done, refused, failure } = await uploadFiles(service, run, files, signal);
      if (done.length > 0) {
        await stream.send({ uploaded: done.map(({ name }) => name) }, signal);
      }
      for (const file of done) {
        onSettled(file);
      }
      for (const [file, refusal] of refused) {
        onSettled(file, refusal);
      }
      if (failure !== undefined) {
        throw failure;
      }
    },
    putArtifact: (artifact, step, signal) => uploadArtifact(service, run, artifact, step, signal),
    alert: (alert, signal) => sendAlert(service, run, alert, signal),
    finish: (exitCode, batch, signal) => stream.send({ batch, exitCode }, signal),
    async release() {
      stream.stop();
    },
  };
}
