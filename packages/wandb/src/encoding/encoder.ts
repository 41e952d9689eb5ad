import { Worker } from 'node:worker_threads';
import type { Answer, Question, Task } from '../worker.ts';
import type { Rows } from './batch.ts';
import { encodeLines, encodeRecords, type Lines } from './encode.ts';

/** Encodes rows: few of them at once, many in a thread of its own, so that the host's is spared most of the work. */
export interface Encoder {
  lines(rows: Rows): Promise<Lines>;
  records(rows: Rows, position: number, count: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Ends the thread. */
  close(): Promise<void>;
}

/** Fewer are encoded before a thread could have been asked. */
const minRows = 2_048;
/** Shapes that the thread knows, about: so many are far more than a program has that does not make up keys. */
const maxShapes = 20_000;

/** The thread starts when it is first needed. Without it, as where there are no threads, the work is done here. */
export function createEncoder(): Encoder {
  let worker: Worker | undefined;
  let broken = false;
  const waiting = new Map<number, (answer: Answer | undefined) => void>();
  let lastCall = 0;
  /** Places from here on are those of shapes that the thread knows. */
  let firstPlace = 0;
  let nextPlace = 0;

  function start(): Worker {
    const isSource = import.meta.url.endsWith('.ts');
    // The host's own flags and preloaded modules have no business in here, and nothing may come out on its stderr.
    const started = new Worker(new URL(isSource ? '../worker.ts' : './worker.js', import.meta.url), {
      name: 'wandb encoder',
      execArgv: ['--no-warnings'],
      env: {},
      // What passes through is soon garbage: V8 would else keep up to 100 MB for it, and give none back.
      resourceLimits: { maxYoungGenerationSizeMb: 24 },
    });
    started.on('message', (answer: Answer) => settle(answer.call, answer));
    started.on('error', () => {});
    started.on('exit', end);
    // After the listeners, which would undo it.
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

  /** What it has not answered, it never will. */
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
    // They stay with the rows as well, for the case that this comes to nothing.
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

  /** Undefined where no thread can do it. */
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
    // The process lives on until it has answered.
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
