import { parentPort } from 'node:worker_threads';
import { type Field, type Rows, type Shape, shapeOf } from './encoding/batch.ts';
import { encodeLines, encodeRecords, type Lines } from './encoding/encode.ts';

// The thread that encodes rows. It keeps nothing but their shapes.

export type Task =
  | { readonly kind: 'lines' }
  | { readonly kind: 'records'; readonly position: number; readonly count: number };

/** Rows, and what to make of them. */
export interface Question {
  readonly call: number;
  readonly task: Task;
  /** Shapes at places before this one are not needed any more. */
  readonly firstPlace: number;
  /** Those of the next places. */
  readonly added: readonly (readonly Field[])[];
  /** Of the shape of each row. */
  readonly places: Uint32Array<ArrayBuffer>;
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly texts: readonly string[];
}

/** With what its task asks for; without, when that failed. */
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
