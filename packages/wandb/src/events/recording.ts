import type { AnalyticsEvent, ArtifactEvent, ExecutionEvent, RunEvent } from '@toolweaver/analytics-core';
import type { RowList } from '../encoding/batch.ts';

/** What events of one run come to; nothing of it counts before `keep`. */
export interface Recording {
  /** Rows that have no number yet. */
  readonly rows: RowList;
  /** Time of the last row, in Unix ms. */
  readonly lastAt: number | undefined;
  readonly changes: Map<string, unknown>;
  readonly artifacts: readonly ArtifactEvent[];
  /** Names of metrics that were logged with a step for the first time. */
  readonly stepped: readonly string[];
  /** The last of the run's own events, and of those that start it. */
  readonly run: RunEvent | undefined;
  readonly started: RunEvent | undefined;
  readonly firstFailure: { readonly prefix: string; readonly event: ExecutionEvent } | undefined;
}

/** Turns the events of one run into rows and a summary. */
export interface Recorder {
  /** @param expected events that will be added. */
  begin(expected?: number): Draft;
  /** What is left of operations that make no whole row yet. */
  rest(at: number): Recording | undefined;
  keep(recording: Recording): void;
}

export interface Draft {
  add(event: AnalyticsEvent): void;
  /** @param summary what the run's summary is. `closeAt`: makes a row of what makes no whole one. */
  done(summary: ReadonlyMap<string, unknown>, closeAt?: number): Recording;
}
