import type { Clock } from '@toolweaver/analytics-core';
import { pause, untilAborted } from '@toolweaver/analytics-core/backend';
import type { Batch } from '../encoding/batch.ts';
import { type LineGroup, maxLineBytes } from '../encoding/encode.ts';
import type { Encoder } from '../encoding/encoder.ts';
import { createSummaryWriter } from '../encoding/summary-line.ts';
import { failureOf, messageOf, serviceError } from '../failure.ts';
import { jsonText } from '../json-text.ts';
import type { Service } from './service.ts';

/** The service shows a run as crashed when it hears nothing for some minutes. */
const heartbeatMs = 30_000;

/** Sends the lines of a run to the service. Lines are numbered, so that resent ones are stored once. */
export interface FileStream {
  /**
   * Sends the rows and the summary, in as many requests as necessary, and reports `uploaded` files. Sending the same batch
   * again continues where it failed.
   */
  send(part: StreamPart, signal?: AbortSignal): Promise<void>;
  /** How many rows of a batch that was sent in part have arrived. */
  arrivedOf(batch: Batch): number;
  /** Whether somebody pressed Stop on the run's page. */
  readonly stopped: boolean;
  /** Stops the heartbeats. */
  stop(): void;
}

interface StreamPart {
  readonly batch?: Batch | undefined;
  readonly uploaded?: readonly string[];
  /** Marks the last request. */
  readonly exitCode?: number | undefined;
}

export interface FileStreamOptions {
  readonly service: Service;
  /** Names entity, project and run. */
  readonly path: string;
  /** Number of lines that the run's history already has. */
  readonly historyLines: number;
  readonly encoder: Encoder;
  readonly clock: Clock;
  /** Called with the kind of each row and value that is left out, and why. */
  onLeftOut(kind: string, message: string): void;
}

interface Progress {
  readonly batch: Batch;
  /** The groups that have not arrived. */
  readonly groups: LineGroup[];
  /** How many rows have arrived. */
  arrived: number;
  readonly summary: Uint8Array | undefined;
}

const noLines: LineGroup = { count: 0, end: 0, lines: new Uint8Array() };

export function createFileStream(options: FileStreamOptions): FileStream {
  const { service, path, historyLines, encoder, clock, onLeftOut } = options;
  const summaryWriter = createSummaryWriter();
  /** Keys of the summary that were left out. */
  const leftOut = new Set<string>();
  let offset = historyLines;
  let stopped = false;
  let ended = false;
  let progress: Progress | undefined;
  /** The request under way, or the last one: there is only one at a time. */
  let latest: Promise<unknown> = Promise.resolve();
  /** Earliest time of the next request, by `clock.monotonic()`. */
  let notBefore = 0;
  let timer: unknown;
  /** Aborts the last heartbeat, which nothing waits for. */
  let heartbeat = new AbortController();

  function beat(): void {
    clock.clearTimeout(timer);
    if (!ended) {
      const next = clock.setTimeout(() => {
        heartbeat = new AbortController();
        // The next request that matters reports its own failure.
        request('{}', heartbeat.signal).catch(() => {});
      }, heartbeatMs);
      next.unref?.();
      timer = next;
    }
  }

  /**
   * Stops all further requests, including a heartbeat that waits for its turn: it could otherwise be sent before the caller
   * that ended the run releases it.
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
      const waitMs = notBefore - clock.monotonic();
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
    // A request that is aborted while it waits must not let the next one overtake the previous one.
    latest = Promise.allSettled([previous, sent]);
    return sent;
  }

  async function prepare(batch: Batch): Promise<Progress> {
    const { groups, skippedBytes } = await encoder.lines(batch.rows);
    for (const bytes of skippedBytes) {
      onLeftOut('row', `a row of ${bytes} bytes was left out: it may have ${maxLineBytes} at most`);
    }
    return { batch, groups: [...groups], arrived: 0, summary: summaryOf(batch) };
  }

  /** Leaves out the largest values of a summary that is too long: without any, the page would show an old summary. */
  function summaryOf({ summary, changes }: Batch): Uint8Array {
    const whole = summaryWriter.write(summary, changes);
    // The limit applies to the unescaped text, which is shorter.
    let excess =
      whole.length > maxLineBytes ? Buffer.byteLength(JSON.parse(Buffer.from(whole).toString())) - maxLineBytes : 0;
    if (excess <= 0) {
      return whole;
    }
    const values = new Map([...summary, ...changes]);
    const sizes = Array.from(values, ([key, value]) => [key, Buffer.byteLength(jsonText(value) ?? '')] as const);
    for (const [key, bytes] of sizes.toSorted(([, one], [, other]) => other - one)) {
      if (excess <= 0) {
        break;
      }
      values.delete(key);
      excess -= bytes;
      if (!leftOut.has(key)) {
        leftOut.add(key);
        const what = `the value of ${JSON.stringify(key)} (${bytes} bytes) was left out of the summary`;
        onLeftOut('summary', `${what}, which may have ${maxLineBytes} bytes at most`);
      }
    }
    return summaryWriter.write(values, new Map());
  }

  // A run may send nothing else in its first minutes.
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
          // Part of the batch has arrived, so the rest has to follow.
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
