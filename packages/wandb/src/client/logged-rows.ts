import type { Clock } from '@toolweaver/analytics-core';
import { addText, type Batch, endRow, newRows } from '../encoding/batch.ts';
import { createBatch, merged, stampChanges, stampRow, withoutNulls } from '../encoding/run-state.ts';
import { addFigure, type Figures, summaryOf } from '../metric-definition.ts';
import type { Run } from '../run/run.ts';
import { createShapeBook, type Logged } from './logged.ts';

/** Logged rows and summary values that have not been sent yet. */
export interface LoggedRows {
  /** Number of complete rows. */
  readonly count: number;
  readonly hasWork: boolean;
  /** Adds values to the open row. */
  add(values: ReadonlyMap<string, Logged>): void;
  /** Completes the open row, unless it is empty. */
  endRow(): void;
  /** Undefined removes the value from the summary. */
  setSummary(key: string, value: unknown): void;
  /** Marks a change of the run that has no row, so that it is sent. */
  touch(): void;
  /** Completes the open row, and records the end of the run in the summary. */
  end(): void;
  /** Takes everything out, as a batch; undefined if nothing has changed. */
  take(): Batch | undefined;
}

export function createLoggedRows(run: Run, clock: Clock): LoggedRows {
  const open = new Map<string, Logged>();
  const book = createShapeBook();
  const figures = new Map<string, Figures>();
  /** The last value of each step metric. */
  const lastSteps = new Map<string, Logged>();
  let rows = newRows();
  let changes = new Map<string, unknown>();
  let changed = false;

  function summarize(key: string, value: unknown): void {
    const kinds = run.info.metrics.find(({ name }) => name === key)?.summary ?? [];
    if (kinds.length === 0) {
      const said = withoutNulls(value);
      if (said !== undefined) {
        changes.set(key, merged(changes.has(key) ? changes.get(key) : run.state.summary.get(key), said));
      }
    } else if (typeof value === 'number' || typeof value === 'bigint') {
      const figure = addFigure(figures.get(key), Number(value));
      figures.set(key, figure);
      if (!kinds.includes('none')) {
        changes.set(key, summaryOf(kinds, figure));
      }
    }
  }

  /** Like the Python client, adds missing step metrics to the row, with their last value, or 0. */
  function addSteps(): void {
    const missing = new Map<string, Logged>();
    for (const { name, stepMetric } of run.info.metrics) {
      // Every row has the service's own keys, which begin with an underscore.
      if (stepMetric === undefined || stepMetric.startsWith('_')) {
        continue;
      }
      const given = open.get(stepMetric);
      if (typeof given?.value === 'number' || typeof given?.value === 'bigint') {
        lastSteps.set(stepMetric, given);
      } else if (!lastSteps.has(stepMetric)) {
        lastSteps.set(stepMetric, { value: 0, text: '0' });
      }
      if (given === undefined && open.has(name)) {
        missing.set(stepMetric, lastSteps.get(stepMetric) as Logged);
      }
    }
    for (const [key, step] of missing) {
      open.set(key, step);
    }
  }

  function complete(): void {
    const { state } = run;
    const given = open.get('_timestamp')?.value;
    const at = typeof given === 'number' && Number.isFinite(given) ? given * 1000 : clock.now();
    open.delete('_timestamp');
    if (open.size === 0) {
      return;
    }
    addSteps();
    for (const [key, { value, text }] of open) {
      addText(rows, text);
      summarize(key, value);
    }
    endRow(rows, book.of([...open.keys()]), at);
    stampRow(state, rows, rows.numberCount);
    stampChanges(state, at, changes);
    changed = true;
    open.clear();
  }

  return {
    get count() {
      return rows.shapes.length;
    },
    get hasWork() {
      return changed;
    },
    add(values) {
      for (const [key, value] of values) {
        open.set(key, value);
      }
    },
    endRow: complete,
    setSummary(key, value) {
      changes.set(key, value);
    },
    touch() {
      changed = true;
    },
    end() {
      complete();
      stampChanges(run.state, clock.now(), changes);
      changed = true;
    },
    take() {
      if (!changed) {
        return undefined;
      }
      const batch = createBatch(run.state, rows, changes);
      rows = newRows();
      changes = new Map(changes);
      changed = false;
      return batch;
    },
  };
}
