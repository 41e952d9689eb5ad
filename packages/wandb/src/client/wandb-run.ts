import type { Known } from '../check.ts';
import type { ArtifactInput } from '../files/artifact.ts';
import type { MetricOptions } from '../metric-definition.ts';
import type { Alert } from '../service/operations.ts';
import type { FinishOptions } from './finish-options.ts';

/** Which row the values belong to, and whether it is complete. */
export interface LogOptions {
  /** Of the row; may leave gaps, and must not be lower than that of a row before. Default: one more than the last. */
  readonly step?: number | undefined;
  /** Whether the row is complete. Default: true without a step; with one, it is complete when a later one begins. */
  readonly commit?: boolean | undefined;
}

export const knownInLog: Known<LogOptions> = { step: true, commit: true };

/** A run, held by the program that makes it. After the start only what returns a promise can fail. */
export interface WandbRun extends AsyncDisposable {
  readonly id: string;
  /** The run's page, or its directory when it is offline; undefined when disabled. */
  readonly location: string | undefined;
  readonly online: boolean;
  /** Whether somebody pressed Stop on the run's page. What follows from it is up to the program. */
  readonly stopped: boolean;
  /** Of the next row. */
  readonly step: number;
  /** What was left out: values that are no data, options that there are not, calls with a step that went backwards, calls after the end. */
  readonly skipped: number;
  /**
   * Adds values to the current row: numbers, texts, any JSON data, NaN and infinities, `histogram()`, `table()`, `image()` or
   * a list of images, `plotly()`, `html()`. The last value of each key is in the summary, too.
   */
  log(values: Readonly<Record<string, unknown>>, options?: LogOptions): void;
  /** Sets values of the summary; undefined takes one out. A key that begins with `_` is left out, and counted as `skipped`. */
  setSummary(values: Readonly<Record<string, unknown>>): void;
  /** How a metric is shown; before its first value. */
  defineMetric(name: string, options?: MetricOptions): void;
  /**
   * Sets values of the configuration, key by key; the others stay. What is no JSON data, or has a key that begins with `_`, is left out
   * and counted as `skipped`.
   */
  updateConfig(values: Readonly<Record<string, unknown>>): void;
  /** Replaces all tags. Each is cut at 64 characters; empty ones are left out. */
  setTags(tags: readonly string[]): void;
  /** Keeps a file with the run. `name`: where, with forward slashes. Resolves when it is there. */
  saveFile(name: string, content: Uint8Array | { readonly path: string }): Promise<void>;
  /** Logs a version of an artifact; resolves when it is there. */
  logArtifact(input: ArtifactInput): Promise<void>;
  /** Resolves when the service has taken it, which then sends it. */
  alert(alert: Alert): Promise<void>;
  /** Sends what waits, at once. Rejects with what the service said; nothing is lost by that. */
  flush(): Promise<void>;
  /**
   * Sends the rest and ends the run; when the service cannot be reached in time, the rest goes into a directory. Idempotent. Files,
   * artifacts and alerts that come after it reject with `CLOSED`.
   */
  finish(options?: FinishOptions): Promise<void>;
}
