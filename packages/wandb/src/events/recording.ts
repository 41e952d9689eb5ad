import type { AnalyticsEvent, ArtifactEvent, ExecutionEvent, RunEvent } from '@toolweaver/analytics-core';
import type { RowList } from '../encoding/batch.ts';

/** What events of one run add up to. Takes effect only with `keep`. */
export interface Recording {
  /** Rows that have no step yet. */
  readonly rows: RowList;
  /** Time of the last row, in Unix ms. */
  readonly lastAt: number | undefined;
  readonly changes: Map<string, unknown>;
  readonly artifacts: readonly ArtifactEvent[];
  /** Names of metrics that were logged with a step for the first time. */
  readonly stepped: readonly string[];
  /** The last `run` event; `started` is the last one that starts the run, merged with those before it. */
  readonly run: RunEvent | undefined;
  readonly started: RunEvent | undefined;
  readonly firstFailure: { readonly prefix: string; readonly event: ExecutionEvent } | undefined;
}

/** Turns the events of one run into rows and a summary. */
export interface Recorder {
  /** @param expected number of events that will be added. */
  begin(expected?: number): Draft;
  /** A recording of the operations that do not fill a row yet; undefined if there are none. */
  rest(at: number): Recording | undefined;
  keep(recording: Recording): void;
}

export interface Draft {
  add(event: AnalyticsEvent): void;
  /** @param summary the run's current summary. `closeAt`: makes a row of operations that do not fill one. */
  done(summary: ReadonlyMap<string, unknown>, closeAt?: number): Recording;
}
