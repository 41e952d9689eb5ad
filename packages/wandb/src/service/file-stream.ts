import type { Clock } from '@toolweaver/analytics-core';
import { pause } from '../clock.ts';
import type { Batch } from '../encoding/batch.ts';
import { type LineGroup, maxLineBytes } from '../encoding/encode.ts';
import type { Encoder } from '../encoding/encoder.ts';
import { createSummaryWriter } from '../encoding/summary-line.ts';
import { failureOf, messageOf, serviceError } from '../failure.ts';
import { untilAborted } from '../until-aborted.ts';
import type { Service } from './service.ts';

/** The service shows a run as crashed when it hears nothing for some minutes. */
const heartbeatMs = 30_000;
/** The longest wish of the service that is granted. */
const maxWaitMs = 300_000;

/** What a run sends to the service, line by line: each has its number, so that what is sent again is there once. */
export interface FileStream {
  /**
   * Sends the rows and the summary, in as many requests as it takes, and tells of `uploaded` files. Sending the same batch again goes on
   * where it failed.
   */
  send(part: StreamPart, signal?: AbortSignal): Promise<void>;
  /** How many rows of the batch have arrived, of which the rest was not sent yet. */
  arrivedOf(batch: Batch): number;
  /** Whether somebody pressed Stop on the run's page. */
  readonly stopped: boolean;
  /** Sends no more heartbeats. */
  stop(): void;
}

interface StreamPart {
  readonly batch?: Batch | undefined;
  readonly uploaded?: readonly string[];
  /** Makes it the last request. */
  readonly exitCode?: number | undefined;
}

export interface FileStreamOptions {
  readonly service: Service;
  /** Names entity, project and run. */
  readonly path: string;
  /** Lines that the run's history has already. */
  readonly historyLines: number;
  readonly encoder: Encoder;
  readonly clock: Clock;
  /** Is told what was left out, and why. */
  onSkipped(message: string): void;
}

interface Progress {
  readonly batch: Batch;
  /** That have not arrived. */
  readonly groups: LineGroup[];
  /** How many rows have. */
  arrived: number;
  readonly summary: Uint8Array | undefined;
}

const noLines: LineGroup = { count: 0, end: 0, lines: new Uint8Array() };

export function createFileStream(options: FileStreamOptions): FileStream {
  const { service, path, historyLines, encoder, clock, onSkipped } = options;
  const summaryWriter = createSummaryWriter();
  let offset = historyLines;
  let stopped = false;
  let ended = false;
  let progress: Progress | undefined;
  /** The request under way, or the last one: there is only one at a time. */
  let latest: Promise<unknown> = Promise.resolve();
  /** Not to be asked before, by `clock.monotonic()`. */
  let notBefore = 0;
  let timer: unknown;
  /** Of the last heartbeat: nothing waits for one. */
  let heartbeat = new AbortController();

  function beat(): void {
    clock.clearTimeout(timer);
    if (!ended) {
      const next = clock.setTimeout(() => {
        heartbeat = new AbortController();
        // Whoever has something to say will find out for himself.
        request('{}', heartbeat.signal).catch(() => {});
      }, heartbeatMs);
      next.unref?.();
      timer = next;
    }
  }

  /**
   * Nothing follows what was sent: also not a heartbeat that waited for its turn, which might go before whoever ended the run can
   * let go of it.
   */
  function end(): void {
    ended = true;
    clock.clearTimeout(timer);
    heartbeat.abort();
  }

  function request(body: string | Uint8Array<ArrayBuffer>, signal: AbortSignal | undefined): Promise<void> {
    const previous = latest;
    const sent = (async () => {
      await untilAborted(previous, signal);
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
      }
    })().finally(beat);
    // One that was given up while it waited must not let the next one go before its time.
    latest = Promise.allSettled([previous, sent]);
    return sent;
  }

  async function prepare(batch: Batch): Promise<Progress> {
    const { groups, skippedBytes } = await encoder.lines(batch.rows);
    for (const bytes of skippedBytes) {
      onSkipped(`a row of ${bytes} bytes was left out: the service takes ${maxLineBytes}`);
    }
    const summary = summaryWriter.write(batch.summary, batch.changes);
    // Inside another text it takes more than by itself.
    const isTooLong =
      summary.length > maxLineBytes && Buffer.byteLength(JSON.parse(Buffer.from(summary).toString())) > maxLineBytes;
    if (isTooLong) {
      onSkipped(`the summary was not sent: the service takes ${maxLineBytes} bytes`);
    }
    return { batch, groups: [...groups], arrived: 0, summary: isTooLong ? undefined : summary };
  }

  // A run may have nothing to say for its first minutes, too.
  beat();
  return {
    arrivedOf: (batch) => (progress?.batch === batch ? progress.arrived : 0),
    get stopped() {
      return stopped;
    },
    async send({ batch, uploaded = [], exitCode }, signal) {
      if (batch !== undefined && progress?.batch !== batch) {
        progress = await prepare(batch);
      }
      const current = batch === undefined ? undefined : progress;
      const { groups, summary } = current ?? { groups: [noLines], summary: undefined };
      const wasWhole = groups.length;
      while (groups.length > 0) {
        const group = groups[0] as LineGroup;
        const isLast = groups.length === 1;
        heartbeat.abort();
        try {
          await request(bodyOf(offset, group, isLast ? { summary, uploaded, exitCode } : {}), signal);
        } catch (error) {
          // Of what began to arrive, the rest has to follow.
          throw groups.length < wasWhole ? halfArrived(error) : error;
        }
        offset += group.count;
        groups.shift();
        if (current !== undefined) {
          current.arrived = group.end;
        }
      }
      if (progress === current) {
        progress = undefined;
      }
      if (exitCode !== undefined) {
        end();
      }
    },
    stop: end,
  };
}

interface Extras extends Pick<StreamPart, 'uploaded' | 'exitCode'> {
  readonly summary?: Uint8Array | undefined;
}

function bodyOf(
  offset: number,
  { count, lines }: LineGroup,
  { summary, uploaded = [], exitCode }: Extras,
): Uint8Array<ArrayBuffer> {
  const files: Uint8Array[] = [];
  if (count > 0) {
    files.push(Buffer.from(`"wandb-history.jsonl":{"offset":${offset},"content":[`), lines, Buffer.from(']}'));
  }
  if (summary !== undefined) {
    const comma = count > 0 ? ',' : '';
    files.push(Buffer.from(`${comma}"wandb-summary.json":{"offset":0,"content":[`), summary, Buffer.from(']}'));
  }
  const fields = [
    ...(uploaded.length > 0 ? [`"uploaded":${JSON.stringify(uploaded)}`] : []),
    ...(exitCode === undefined ? [] : [`"complete":true,"exitcode":${exitCode}`]),
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
