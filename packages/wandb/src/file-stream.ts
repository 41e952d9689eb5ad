import { setImmediate } from 'node:timers/promises';
import type { Clock } from '@toolweaver/analytics-core';
import { type Batch, startOfRows } from './batch.ts';
import { pause } from './clock.ts';
import { failureOf, messageOf, serviceError } from './failure.ts';
import { createLineWriter } from './line-writer.ts';
import type { Service } from './service.ts';

/** The service shows a run as crashed when it hears nothing for some minutes. */
const heartbeatMs = 30_000;
/** The longest line that the service takes, and about the longest request. */
const maxLineBytes = 10_383_360;
const maxRequestBytes = 10_485_760;
/** The longest wish of the service that is granted. */
const maxWaitMs = 300_000;
/** Rows that are encoded at a time; the host's event loop gets its turn in between. */
const sliceRows = 256;

interface Ending {
  readonly exitCode: number;
}

/** What a run sends to the service, line by line: each has its number, so that what is sent again is there once. */
export interface FileStream {
  /**
   * Sends the rows and the summary, in as many requests as it takes, and tells of `uploaded` files. Sending the same batch again goes on
   * where it failed.
   */
  send(part: StreamPart, signal?: AbortSignal): Promise<void>;
  /** Whether somebody pressed Stop on the run's page. */
  readonly stopped: boolean;
  /** Sends no more heartbeats. */
  stop(): void;
}

interface StreamPart {
  readonly batch?: Batch | undefined;
  readonly uploaded?: readonly string[];
  /** Makes it the last request. */
  readonly ending?: Ending | undefined;
}

export interface FileStreamOptions {
  readonly service: Service;
  /** Names entity, project and run. */
  readonly path: string;
  /** Lines that the run's history has already. */
  readonly historyLines: number;
  readonly clock: Clock;
  /** Is told what was left out, and why. */
  onSkipped(message: string): void;
}

/** Lines that one request sends. */
interface Group {
  readonly count: number;
  /** JSON texts with commas between. */
  readonly lines: Uint8Array;
}

interface Progress {
  readonly batch: Batch;
  readonly groups: Group[];
  readonly summary: string | undefined;
}

const noLines: Group = { count: 0, lines: new Uint8Array() };

export function createFileStream({ service, path, historyLines, clock, onSkipped }: FileStreamOptions): FileStream {
  let offset = historyLines;
  let stopped = false;
  let ended = false;
  let progress: Progress | undefined;
  const writer = createLineWriter();
  /** The request under way, or the last one: there is only one at a time. */
  let latest: Promise<unknown> = Promise.resolve();
  /** Not to be asked before, by `clock.monotonic()`. */
  let notBefore = 0;
  let timer: unknown;

  function beat(): void {
    clock.clearTimeout(timer);
    if (!ended) {
      const next = clock.setTimeout(() => {
        // Whoever has something to say will find out for himself.
        request('{}').catch(() => {});
      }, heartbeatMs);
      next.unref?.();
      timer = next;
    }
  }

  function request(body: string | Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<void> {
    const previous = latest;
    const sent = (async () => {
      await previous.catch(() => {});
      const waitMs = Math.min(notBefore - clock.monotonic(), maxWaitMs);
      if (waitMs > 0) {
        await pause(clock, waitMs, signal);
      }
      signal?.throwIfAborted();
      try {
        const answer = await service.fileStream(path, body, signal);
        stopped ||= answer.stopped;
        notBefore = clock.monotonic() + answer.waitMs;
      } catch (error) {
        const { retryAfterMs = 0 } = error as { retryAfterMs?: number };
        notBefore = clock.monotonic() + retryAfterMs;
        throw error;
      } finally {
        beat();
      }
    })();
    latest = sent;
    return sent;
  }

  /** Groups the lines of a batch into requests, leaving out what no request can hold. */
  async function prepare(batch: Batch): Promise<Progress> {
    const groups: Group[] = [];
    let count = 0;
    let bytes = 0;
    const close = (): void => {
      groups.push({ count, lines: writer.take() });
      count = 0;
      bytes = 0;
    };
    writer.reset();
    const { rows } = batch;
    const cursor = startOfRows();
    const addAgain = (number: number, text: number): void => {
      Object.assign(cursor, { row: cursor.row - 1, number, text });
      writer.add(rows, cursor);
    };
    while (cursor.row < rows.shapes.length) {
      if (cursor.row > 0 && cursor.row % sliceRows === 0) {
        await setImmediate();
      }
      const { number, text } = cursor;
      const lineBytes = writer.add(rows, cursor);
      if (lineBytes > maxLineBytes) {
        // Inside another text it takes more than by itself.
        const bare = Buffer.byteLength(JSON.parse(`"${writer.undo(lineBytes)}"`));
        if (bare > maxLineBytes) {
          onSkipped(`a row of ${bare} bytes was left out: the service takes ${maxLineBytes}`);
          continue;
        }
        if (count > 0) {
          close();
        }
        addAgain(number, text);
      } else if (bytes + lineBytes > maxRequestBytes && count > 0) {
        writer.undo(lineBytes);
        close();
        addAgain(number, text);
      }
      count += 1;
      bytes += lineBytes;
    }
    close();
    const summary = batch.summaryText();
    if (Buffer.byteLength(summary) > maxLineBytes) {
      onSkipped(`the summary was not sent: the service takes ${maxLineBytes} bytes`);
      return { batch, groups, summary: undefined };
    }
    return { batch, groups, summary };
  }

  return {
    get stopped() {
      return stopped;
    },
    async send({ batch, uploaded = [], ending }, signal) {
      if (batch !== undefined && progress?.batch !== batch) {
        progress = await prepare(batch);
      }
      const { groups, summary } =
        batch === undefined ? { groups: [noLines], summary: undefined } : (progress as Progress);
      const wasWhole = groups.length;
      while (groups.length > 0) {
        const group = groups[0] as Group;
        const isLast = groups.length === 1;
        try {
          await request(bodyOf(offset, group, isLast ? { summary, uploaded, ending } : {}), signal);
        } catch (error) {
          // Of what began to arrive, the rest has to follow.
          throw groups.length < wasWhole ? halfArrived(error) : error;
        }
        offset += group.count;
        groups.shift();
      }
      progress = undefined;
      if (ending !== undefined) {
        ended = true;
        clock.clearTimeout(timer);
      }
    },
    stop() {
      ended = true;
      clock.clearTimeout(timer);
    },
  };
}

interface Extras {
  readonly summary?: string | undefined;
  readonly uploaded?: readonly string[];
  readonly ending?: Ending | undefined;
}

function bodyOf(
  offset: number,
  { count, lines }: Group,
  { summary, uploaded = [], ending }: Extras,
): Uint8Array<ArrayBuffer> {
  const files: Uint8Array[] = [];
  if (count > 0) {
    files.push(Buffer.from(`"wandb-history.jsonl":{"offset":${offset},"content":[`), lines, Buffer.from(']}'));
  }
  if (summary !== undefined) {
    const comma = count > 0 ? ',' : '';
    files.push(Buffer.from(`${comma}"wandb-summary.json":{"offset":0,"content":[${JSON.stringify(summary)}]}`));
  }
  const fields = [
    ...(uploaded.length > 0 ? [`"uploaded":${JSON.stringify(uploaded)}`] : []),
    ...(ending === undefined ? [] : [`"complete":true,"exitcode":${ending.exitCode}`]),
  ];
  const parts = files.length > 0 ? [Buffer.from('{"files":{'), ...files, Buffer.from('}')] : [Buffer.from('{')];
  const rest = `${files.length > 0 && fields.length > 0 ? ',' : ''}${fields.join()}}`;
  return Buffer.concat([...parts, Buffer.from(rest)]);
}

function halfArrived(error: unknown): unknown {
  const failure = failureOf(error);
  const { retryAfterMs } = error as { retryAfterMs?: number };
  return failure === undefined
    ? error
    : serviceError({ ...failure, mayHaveArrived: true, message: messageOf(error), cause: error, retryAfterMs });
}
