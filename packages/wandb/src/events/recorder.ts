import type {
  ArtifactEvent,
  ExecutionEvent,
  MetricsEvent,
  RunEvent,
  ToolkitEvent,
  Usage,
} from '@toolweaver/analytics-core';
import { addNumber, addText, endRow, newRows, shapeOf } from '../encoding/batch.ts';
import { stampKeys } from '../encoding/run-state.ts';
import { addExecutionRow } from './execution-row.ts';
import { type KeyBook, type Keys, keyPart } from './keys.ts';
import type { Draft, Recorder, Recording } from './recording.ts';
import { type SummaryKeys, summaryKeysOf } from './summary-keys.ts';
import { countVersion, newTally, setLasts, type Tally } from './tally.ts';
import { addExecution, describeError, summarize, sumOf, type Total, totalIn, usageFields } from './total.ts';
import { addToWindow, copyOf, newWindow, takeFields, type Window } from './window.ts';

interface FullRecording extends Recording {
  /** Including what was kept before. */
  readonly totals: ReadonlyMap<string, Total>;
  readonly window: Window;
}

export const stepKey = 'metrics/step';
/** Limits the metric definitions: they are part of the configuration, which is always sent whole. */
const maxStepped = 1_000;

const overallKeys = summaryKeysOf('');

/** @param onFull called once, when there are too many metrics with a step and further ones get no x axis. */
export function createRecorder(book: KeyBook, logFrequency: number, onFull: (most: number) => void): Recorder {
  const totals = new Map<string, Total>();
  const stepped = new Set<string>();
  let isFull = false;
  let window = newWindow();

  function begin(expected?: number): Draft {
    const rows = newRows(logFrequency === 1 ? expected : undefined);
    let lastAt: number | undefined;
    const changes = new Map<string, unknown>();
    /** By `Keys.index`. */
    const tallies: (Tally | undefined)[] = [];
    const artifacts: ArtifactEvent[] = [];
    const newlyStepped = new Set<string>();
    const open = logFrequency > 1 ? copyOf(window) : window;
    let lastUsage: Usage | undefined;
    let run: RunEvent | undefined;
    let started: RunEvent | undefined;
    let firstFailure: Recording['firstFailure'];

    /** Adds a row of these values, and sets them in the summary. */
    function addRow(at: number, fields: readonly (readonly [key: string, value: number | string])[]): void {
      for (const [key, value] of fields) {
        if (typeof value === 'number') {
          addNumber(rows, value);
        } else {
          addText(rows, JSON.stringify(value));
        }
        changes.set(key, value);
      }
      endRow(rows, shapeOf([...fields.map(([key]) => key), ...stampKeys]), at);
      lastAt = at;
    }

    function tallyOf(keys: Keys, event: ExecutionEvent): Tally {
      let tally = tallies[keys.index];
      if (tally === undefined) {
        tally = newTally(keys, event);
        tallies[keys.index] = tally;
      }
      return tally;
    }

    function closeWindow(at: number): void {
      addRow(at, takeFields(open));
    }

    function addExecutionEvent(event: ExecutionEvent): void {
      const keys = book.of(event.kind, event.name);
      const tally = tallyOf(keys, event);
      addExecution(tally.total, event);
      if (event.version !== undefined) {
        countVersion(tally, book, event.version, event);
      }
      if (!event.success) {
        firstFailure ??= { prefix: keys.prefix, event };
      }
      if (logFrequency === 1) {
        addExecutionRow(rows, tally, event);
        lastUsage = event.usage ?? lastUsage;
        lastAt = event.at;
      } else {
        addToWindow(open, keys, event);
        if (open.count >= logFrequency) {
          closeWindow(event.at);
        }
      }
    }

    function addToolkit({ at, toolkit, operation, durationMs, success: isSuccess, error }: ToolkitEvent): void {
      const prefix = `${book.of('toolkit', toolkit).prefix}/${operation}`;
      addRow(at, [
        [`${prefix}/status`, isSuccess ? 'success' : 'failure'],
        [`${prefix}/duration`, durationMs / 1000],
        ...(error === undefined ? [] : [[`${prefix}/error`, describeError(error)] as const]),
      ]);
    }

    function addMetrics({ at, values: given, step }: MetricsEvent): void {
      const fields = Object.entries(given).map(([name, value]) => [metricKey(name), value] as const);
      if (step === undefined) {
        addRow(at, fields);
        return;
      }
      for (const [key] of fields) {
        if (key === stepKey || stepped.has(key) || newlyStepped.has(key)) {
          continue;
        }
        if (stepped.size + newlyStepped.size < maxStepped) {
          newlyStepped.add(key);
        } else if (!isFull) {
          isFull = true;
          onFull(maxStepped);
        }
      }
      addRow(at, [...fields.filter(([key]) => key !== stepKey), [stepKey, step]]);
    }

    function addRun(event: RunEvent): void {
      run = event;
      if (event.state === 'started') {
        started = started === undefined ? event : continued(started, event);
      }
      changes.set('summary/state', event.state);
      for (const [key, value] of Object.entries(event.summary ?? {})) {
        changes.set(key.startsWith('_') ? `summary/${key}` : key, value);
      }
    }

    return {
      add(event) {
        switch (event.type) {
          case 'execution':
            return addExecutionEvent(event);
          case 'rating':
            return addRow(event.at, [[`${book.of('skill', event.skillId).prefix}/rating`, event.rating]]);
          case 'health':
            return addRow(event.at, [[`${book.of('skill', event.skillId).prefix}/health`, event.score]]);
          case 'toolkit':
            return addToolkit(event);
          case 'metrics':
            return addMetrics(event);
          case 'run':
            return addRun(event);
          case 'artifact':
            artifacts.push(event);
        }
      },
      done(summary, closeAt = run === undefined || run.state === 'started' ? undefined : run.at) {
        if (closeAt !== undefined && open.count > 0) {
          closeWindow(closeAt);
        }
        const sums = new Map<string, Total>();
        function addSum(prefix: string, total: Total, keys: SummaryKeys): void {
          // The counts of an earlier process are in the summary that it left.
          const sum = sumOf(totals.get(prefix) ?? totalIn(summary, keys), total);
          sums.set(prefix, sum);
          summarize(keys, sum, changes);
        }
        const used = tallies.filter((tally) => tally !== undefined);
        if (used.length > 0) {
          addSum('', used.map(({ total }) => total).reduce(sumOf), overallKeys);
        }
        for (const tally of used) {
          const { keys, total, versions = [] } = tally;
          addSum(keys.prefix, total, keys.summary);
          for (const [version, ofVersion] of versions) {
            const prefix = `${keys.prefix}@${keyPart(version)}`;
            addSum(prefix, ofVersion, summaryKeysOf(prefix));
          }
          if (logFrequency === 1) {
            setLasts(tally, changes);
          }
        }
        if (lastUsage !== undefined) {
          for (const [key, value] of usageFields(lastUsage)) {
            changes.set(key, value);
          }
        }
        const recording: FullRecording = {
          rows,
          lastAt,
          changes,
          artifacts,
          stepped: [...newlyStepped],
          run,
          started,
          firstFailure,
          totals: sums,
          window: open,
        };
        return recording;
      },
    };
  }

  return {
    begin,
    rest: (at) => (window.count === 0 ? undefined : begin().done(new Map(), at)),
    keep(recording) {
      const { totals: sums, window: reached, stepped: names } = recording as FullRecording;
      for (const [prefix, sum] of sums) {
        totals.set(prefix, sum);
      }
      for (const name of names) {
        stepped.add(name);
      }
      window = reached;
    },
  };
}

/** Keys that begin with an underscore are reserved for the service. */
function metricKey(name: string): string {
  return name.startsWith('_') ? `metrics/${name}` : name;
}

/** Merges a later start, e.g. one that logs a parameter, into the earlier one: what it does not give stays. */
function continued({ name, project, config, tags }: RunEvent, later: RunEvent): RunEvent {
  return {
    ...later,
    name: later.name ?? name,
    project: later.project ?? project,
    config: later.config === undefined ? config : { ...config, ...later.config },
    tags: later.tags ?? tags,
  };
}
