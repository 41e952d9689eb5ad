import { Worker } from 'node:worker_threads';
import type { Answer, Question, Task } from '../worker.ts';
import type { Rows } from './batch.ts';
import { encodeLines, encodeRecords, type Lines } from './encode.ts';

/** Encodes rows: small batches directly, large ones in a worker thread, to relieve the host's thread. */
export interface Encoder {
  lines(rows: Rows): Promise<Lines>;
  records(rows: Rows, position: number, count: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Ends the thread. */
  close(): Promise<void>;
}

/** Fewer rows are encoded faster than they could be passed to a thread. */
const minRows = 2_048;
/** Approximate limit of the shapes that the thread keeps; far more than a program has that does not generate keys. */
const maxShapes = 20_000;

/** The thread starts when it is first needed. If it cannot start or fails, this thread does the work. */
export function createEncoder(): Encoder {
  let worker: Worker | undefined;
  let broken = false;
  const waiting = new Map<number, (answer: Answer | undefined) => void>();
  let lastCall = 0;
  /** The thread knows the shapes at places from this one on. */
  let firstPlace = 0;
  let nextPlace = 0;

  function start(): Worker {
    const isSource = import.meta.url.endsWith('.ts');
    // The thread must not inherit the host's flags and preloaded modules, nor print warnings to its stderr.
    const started = new Worker(new URL(isSource ? '../worker.ts' : './worker.js', import.meta.url), {
      name: 'wandb encoder',
      execArgv: ['--no-warnings'],
      env: {},
      // The data is short-lived: without this limit, V8 would keep up to 100 MB for it, and never release any.
      resourceLimits: { maxYoungGenerationSizeMb: 24 },
    });
    started.on('message', (answer: Answer) => settle(answer.call, answer));
    started.on('error', () => {});
    started.on('exit', end);
    // Must come after the listeners, which would undo it.
    started.unref();
    return started;
  }

  function settle(call: number, answer: Answer | undefined): void {
    const done = waiting.get(call);
    waiting.delete(call);
    if (waiting.size === 0) {
      worker?.unref();
    }
    done?.(answer);
  }

  /** Settles all pending calls without an answer. */
  function end(): void {
    broken = true;
    worker = undefined;
    for (const call of [...waiting.keys()]) {
      settle(call, undefined);
    }
  }

  function questionOf(rows: Rows, task: Task): Question {
    if (nextPlace - firstPlace > maxShapes) {
      firstPlace = nextPlace;
    }
    const { shapes, texts } = rows;
    // A copy, because the original is needed if the thread fails.
    const numbers = rows.numbers.slice(0, rows.numberCount);
    const added: Question['added'][number][] = [];
    const places = new Uint32Array(shapes.length);
    for (let row = 0; row < shapes.length; row += 1) {
      const shape = shapes[row] as Rows['shapes'][number];
      if (shape.place < firstPlace) {
        shape.place = nextPlace;
        nextPlace += 1;
        added.push(shape.fields);
      }
      places[row] = shape.place;
    }
    lastCall += 1;
    return { call: lastCall, task, firstPlace, added, places, numbers, texts };
  }

  /** Resolves to undefined if the thread cannot do it, or there are few rows. */
  async function ask(rows: Rows, task: Task): Promise<Answer | undefined> {
    if (broken || rows.shapes.length < minRows) {
      return undefined;
    }
    try {
      worker ??= start();
    } catch {
      broken = true;
      return undefined;
    }
    const question = questionOf(rows, task);
    const answer = new Promise<Answer | undefined>((resolve) => waiting.set(question.call, resolve));
    // Keeps the process alive until the thread has answered.
    worker.ref();
    worker.postMessage(question, [question.places.buffer, question.numbers.buffer]);
    return answer;
  }

  return {
    async lines(rows) {
      const answer = await ask(rows, { kind: 'lines' });
      return answer?.lines ?? encodeLines(rows);
    },
    async records(rows, position, count) {
      const answer = await ask(rows, { kind: 'records', position, count });
      return answer?.records ?? encodeRecords(rows, position, count);
    },
    async close() {
      const running = worker;
      end();
      await running?.terminate();
    },
  };
}
