import { parentPort } from 'node:worker_threads';
import { type Field, type Rows, type Shape, shapeOf } from './encoding/batch.ts';
import { encodeLines, encodeRecords, type Lines } from './encoding/encode.ts';

// The worker thread that encodes rows. It keeps only their shapes.

export type Task =
  | { readonly kind: 'lines' }
  | { readonly kind: 'records'; readonly position: number; readonly count: number };

/** Rows, and how to encode them. */
export interface Question {
  readonly call: number;
  readonly task: Task;
  /** Shapes at places before this one are no longer needed. */
  readonly firstPlace: number;
  /** Fields of the shapes at the next places. */
  readonly added: readonly (readonly Field[])[];
  /** Place of each row's shape. */
  readonly places: Uint32Array<ArrayBuffer>;
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly texts: readonly string[];
}

/** Holds the result of the task, or none if it failed. */
export interface Answer {
  readonly call: number;
  readonly lines?: Lines;
  readonly records?: Uint8Array<ArrayBuffer>;
}

let firstPlace = 0;
let known: Shape[] = [];

async function answer({ call, task }: Question, rows: Rows): Promise<void> {
  try {
    if (task.kind === 'lines') {
      const lines = await encodeLines(rows);
      send({ call, lines }, new Set(lines.groups.map((group) => group.lines.buffer)));
    } else {
      const records = await encodeRecords(rows, task.position, task.count);
      send({ call, records }, new Set([records.buffer]));
    }
  } catch {
    send({ call }, new Set());
  }
}

function send(message: Answer, buffers: ReadonlySet<ArrayBuffer>): void {
  parentPort?.postMessage(message, [...buffers]);
}

parentPort?.on('message', (question: Question) => {
  if (question.firstPlace !== firstPlace) {
    firstPlace = question.firstPlace;
    known = [];
  }
  known.push(...question.added.map(shapeOf));
  const shapes = Array.from(question.places, (place) => known[place - firstPlace] as Shape);
  const { numbers, texts } = question;
  void answer(question, { shapes, numbers, numberCount: numbers.length, texts });
});
