import { parentPort, workerData } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { openExisting } from './database.ts';
import { loadDriver } from './driver.ts';
import { type Failure, toFailure } from './failure.ts';
import { executionHeader, toExecutionLine } from './transfer/csv-executions.ts';
import type { FileFormat } from './transfer/format.ts';
import { toJsonLine } from './transfer/jsonl.ts';
import { type EventFilter, readEvents } from './transfer/stored-events.ts';

// A thread that reads the events of a database as text, one step per request: the requester sets the pace.

export interface ExportTask {
  /** Absolute. */
  readonly path: string;
  readonly busyTimeoutMs: number;
  readonly filter: EventFilter;
  readonly format: FileFormat;
  readonly gzip: boolean;
}

export type ExportStep =
  | {
      readonly text: Uint8Array<ArrayBuffer>;
      /** Events in this step. */
      readonly events: number;
      /** Events in total at the start. */
      readonly total: number;
      readonly done: boolean;
    }
  | { readonly failure: Failure };

/** A step ends when its text is longer than this. */
const stepLength = 512 * 1024;

const task = workerData as ExportTask;
const port = parentPort as NonNullable<typeof parentPort>;
let steps: AsyncGenerator<Exclude<ExportStep, { failure: Failure }>> | undefined;

port.on('message', async () => {
  const isStart = steps === undefined;
  steps ??= run();
  try {
    const { value } = await steps.next();
    port.postMessage(value, [value.text.buffer]);
  } catch (error) {
    port.postMessage({ failure: toFailure(error, task.path, isStart) } satisfies ExportStep);
  }
});

async function* run(): AsyncGenerator<Exclude<ExportStep, { failure: Failure }>> {
  const db = openExisting(await loadDriver(), { ...task, synchronous: 'full' }, true);
  const { total, groups } = readEvents(db, task.filter);
  let text = task.format === 'csv' ? executionHeader : '';
  let events = 0;
  for (const group of groups()) {
    for (const event of group) {
      text += toLine(event);
    }
    events += group.length;
    if (text.length > stepLength) {
      yield { text: encode(text), events, total, done: false };
      text = '';
      events = 0;
    }
  }
  db.close();
  yield { text: encode(text), events, total, done: true };
}

function toLine(event: AnalyticsEvent): string {
  return task.format === 'csv' && event.type === 'execution' ? toExecutionLine(event) : toJsonLine(event);
}

/** Returns bytes with a buffer of their own, which can be transferred. Compressed pieces can be concatenated to one file. */
function encode(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(text);
  return task.gzip ? new Uint8Array(gzipSync(bytes)) : bytes;
}
