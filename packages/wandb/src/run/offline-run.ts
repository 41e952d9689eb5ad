import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '@toolweaver/analytics-core';
import { agent } from '../agent.ts';
import type { Batch, Rows } from '../encoding/batch.ts';
import type { Encoder } from '../encoding/encoder.ts';
import type { Artifact } from '../files/artifact.ts';
import type { RunFile } from '../files/run-file.ts';
import type { Records } from '../log/records.ts';
import { makeRunDirectory, makeWandbFolder } from '../log/run-directory.ts';
import { createTransactionLog, type TransactionLog, toStorageError } from '../log/transaction-log.ts';
import type { MetricDefinition } from '../metric-definition.ts';
import { toPathPart } from '../names.ts';
import type { Notify } from '../notices.ts';
import type { RunInfo } from '../run-info.ts';
import type { RunTarget } from './run-target.ts';

/** A run that is written into a directory. */
export interface OfflineRun extends RunTarget {
  /** For a process that is exiting. The last call if it has an exit code. */
  appendSync(batch: Batch, exitCode?: number): void;
  putArtifactSync(artifact: Artifact): void;
  describeSync(info: RunInfo): void;
  /** Completes the pending append, and with it the end that it may have. Returns whether these rows are in the log. */
  settleSync(rows: Rows): boolean;
}

export interface OfflineRunOptions {
  /** Parent of the folder `wandb`. */
  readonly dir: string;
  readonly encoder: Encoder;
  readonly clock: Clock;
  /** Step of the first row. */
  readonly startingStep: number;
  /** The existing summary of the run. */
  readonly startingSummary: ReadonlyMap<string, unknown>;
  /** Seconds that the run took before. */
  readonly earlierRuntime: number;
  /** Called with what was done differently or left out, and why. */
  readonly onSkipped: Notify;
}

/** Creates the run's directory at once. */
export function createOfflineRun(
  info: RunInfo,
  { dir, encoder, clock, startingStep, startingSummary, earlierRuntime, onSkipped }: OfflineRunOptions,
): OfflineRun {
  /** The description as written to the log. */
  let current = info;
  const directory = ((): string => {
    try {
      return makeRunDirectory(makeWandbFolder(dir, onSkipped), info.id, clock.now());
    } catch (error) {
      throw toStorageError(error, dir);
    }
  })();

  function addMetrics(records: Records, metrics: readonly MetricDefinition[]): void {
    for (const metric of metrics) {
      records.metric(metric);
    }
  }

  function addDescription(records: Records, changed: RunInfo): void {
    if (changed.config !== current.config) {
      records.config(changed.config);
    }
    records.run(changed, startingStep);
    addMetrics(
      records,
      changed.metrics.filter((metric) => !current.metrics.includes(metric)),
    );
  }

  function addSummary(records: Records, changes: Batch['changes']): void {
    if (changes.size > 0) {
      records.summary(changes);
    }
  }

  const log = beginLog(directory, info.id, encoder, (records) => {
    records.header(agent());
    records.run(info, startingStep);
    addMetrics(records, info.metrics);
    addSummary(records, startingSummary);
  });

  let hasEnd = false;

  function addEnd(records: Records, exitCode: number): void {
    const seconds = Math.max(0, clock.now() - current.startedAt) / 1000;
    records.exit(exitCode, Math.round(earlierRuntime + seconds));
    records.final();
    records.footer();
  }

  async function copy({ name, content }: RunFile, folder: string): Promise<void> {
    const path = join(folder, toPathPart(name));
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await (content instanceof Uint8Array ? writeFile(path, content, { mode: 0o600 }) : copyFile(content.path, path));
    } catch (error) {
      throw toStorageError(error, path);
    }
  }

  function copySync({ name, content }: RunFile, folder: string): void {
    const path = join(folder, toPathPart(name));
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, content instanceof Uint8Array ? content : readFileSync(content.path), { mode: 0o600 });
    } catch (error) {
      throw toStorageError(error, path);
    }
  }

  /** Holds our own copies: some versions of `wandb sync` delete the files that they have uploaded. */
  function artifactFolder({ clientId }: Artifact): string {
    return join(directory, 'artifacts', clientId.slice(0, 16));
  }

  function addArtifact(records: Records, artifact: Artifact): void {
    records.artifact(artifact, current, (path) => join(artifactFolder(artifact), toPathPart(path)));
  }

  function canUpload(artifact: Artifact): boolean {
    if (current.entity === undefined) {
      const where = artifactFolder(artifact);
      const message = `the artifact ${artifact.name} stays in ${where}: offline, its upload needs an entity (WANDB_ENTITY)`;
      onSkipped(message, undefined, 'INVALID_CONFIG');
      return false;
    }
    return true;
  }

  return {
    location: directory,
    online: false,
    append: ({ rows, changes }) => log.append((records) => addSummary(records, changes), rows),
    appendSync: (batch, exitCode) =>
      log.appendSync((records) => {
        records.history(batch.rows);
        addSummary(records, batch.changes);
        if (exitCode !== undefined) {
          addEnd(records, exitCode);
        }
      }),
    settleSync: log.settleSync,
    async describe(changed) {
      await log.append((records) => addDescription(records, changed));
      current = changed;
    },
    describeSync(changed) {
      if (changed !== current) {
        log.appendSync((records) => addDescription(records, changed));
        current = changed;
      }
    },
    async putFiles(files, onSettled) {
      for (const file of files) {
        await copy(file, join(directory, 'files'));
      }
      await log.append((records) => records.files(files.map(({ name }) => toPathPart(name))));
      for (const file of files) {
        onSettled(file);
      }
    },
    async putArtifact(artifact) {
      for (const { path, content } of artifact.entries) {
        if (!('ref' in content)) {
          await copy({ name: path, content }, artifactFolder(artifact));
        }
      }
      if (canUpload(artifact)) {
        await log.append((records) => addArtifact(records, artifact));
      }
    },
    putArtifactSync(artifact) {
      for (const { path, content } of artifact.entries) {
        if (!('ref' in content)) {
          copySync({ name: path, content }, artifactFolder(artifact));
        }
      }
      if (canUpload(artifact)) {
        log.appendSync((records) => addArtifact(records, artifact));
      }
    },
    alert: (alert) => log.append((records) => records.alert(alert)),
    async finish(exitCode, batch) {
      // What follows may have failed the last time: nothing is read behind the end, so it must not be written again.
      if (!hasEnd) {
        await log.append((records) => {
          if (batch !== undefined) {
            addSummary(records, batch.changes);
          }
          addEnd(records, exitCode);
        }, batch?.rows);
        hasEnd = true;
      }
      await log.sync();
      await log.close();
    },
    release: log.close,
  };
}

/** Creates a log that begins with these records. If that fails, removes the directory: the next attempt makes its own. */
function beginLog(directory: string, id: string, encoder: Encoder, encode: (records: Records) => void): TransactionLog {
  let log: TransactionLog | undefined;
  try {
    log = createTransactionLog(join(directory, `run-${toPathPart(id)}.wandb`), encoder.records);
    log.appendSync(encode);
    return log;
  } catch (error) {
    void log?.close();
    rmSync(directory, { recursive: true, force: true });
    throw toStorageError(error, directory);
  }
}
