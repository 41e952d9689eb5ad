import type { OptionNames } from '@toolweaver/analytics-core/backend';
import type { ArtifactInput } from '../files/artifact.ts';
import type { MetricOptions } from '../metric-definition.ts';
import type { Alert } from '../service/operations.ts';
import type { FinishOptions } from './finish-options.ts';

/** Which row the values belong to, and whether it is complete. */
export interface LogOptions {
  /** Step of the row. Gaps are allowed; it must not be lower than `run.step`. Default: `run.step`. */
  readonly step?: number | undefined;
  /** Whether the row is complete. Default: true without a step; with one, the row is complete when a later step begins. */
  readonly commit?: boolean | undefined;
}

export const knownInLog: OptionNames<LogOptions> = { step: true, commit: true };

/**
 * A run that your program has started. Only methods that return a promise can fail. `await using` ends it with the exit code of
 * the process, because it cannot see an exception.
 */
export interface WandbRun extends AsyncDisposable {
  readonly id: string;
  /** URL of the run's page, or its directory when it is offline; undefined when disabled. */
  readonly location: string | undefined;
  readonly online: boolean;
  /** Whether somebody pressed Stop on the run's page. How to react is up to the program. */
  readonly stopped: boolean;
  /** Step of the current row, to which `log()` adds. */
  readonly step: number;
  /**
   * How many inputs were left out: values that are not data, rows and values that are too large, refused media, unknown options,
   * calls with a step that goes backwards, calls after the end and the like.
   */
  readonly skipped: number;
  /**
   * Adds values to the current row: any JSON data, NaN and infinities, `histogram()`, `table()`, `image()` or a list of
   * images, `plotly()`, `html()`. The summary keeps the last value of each key, unless `defineMetric()` says otherwise.
   */
  log(values: Readonly<Record<string, unknown>>, options?: LogOptions): void;
  /** Sets values of the summary; undefined removes one. Keys that begin with `_` are left out and counted in `skipped`. */
  setSummary(values: Readonly<Record<string, unknown>>): void;
  /**
   * Defines how a metric is shown. Call it before you log the first value. Empty names, and those with a *, are left out and
   * counted in `skipped`.
   */
  defineMetric(name: string, options?: MetricOptions): void;
  /**
   * Sets values of the configuration; other keys keep theirs. Values that are not JSON data, and keys that begin with `_`, are
   * left out and counted in `skipped`.
   */
  updateConfig(values: Readonly<Record<string, unknown>>): void;
  /** Replaces all tags. Each is cut at 64 characters; empty ones are left out. */
  setTags(tags: readonly string[]): void;
  /**
   * Stores a file with the run. `name` is its path in the run, with forward slashes, and neither `config.yaml` nor
   * `wandb-summary.json`. Resolves when it is stored.
   */
  saveFile(name: string, content: Uint8Array | { readonly path: string }): Promise<void>;
  /** Logs a version of an artifact. Resolves when it is stored. */
  logArtifact(input: ArtifactInput): Promise<void>;
  /** Sends an alert. Resolves when the service, which delivers it, has accepted it. */
  alert(alert: Alert): Promise<void>;
  /** Sends waiting data at once. Rejects with the error of the service; the data is then kept and sent again. */
  flush(): Promise<void>;
  /**
   * Sends the rest and ends the run. If the service cannot be reached in time, the rest goes into a directory. Idempotent.
   * Later files, artifacts and alerts reject with `CLOSED`.
   */
  finish(options?: FinishOptions): Promise<void>;
}
