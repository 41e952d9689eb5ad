import { randomUUID } from 'node:crypto';
import { setImmediate as giveWay, setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, threadId } from 'node:worker_threads';
import type { Metric } from '@toolweaver/analytics-metrics';
import { sliceMs } from '../render.ts';
import type { FamilySnapshot } from '../snapshot.ts';
import { type Link, type LinkEvents, primaryLink, threadLink, workerLink } from './link.ts';
import { fromWire, type Report, toWire, type WireFamily } from './message.ts';
import { admitFirst, createTotals } from './totals.ts';

export interface GroupOptions {
  /** The same in all processes and threads that show one set of metrics. */
  readonly group: string;
  readonly metrics: readonly Metric[];
  /** Label sets that a metric of all together has, before the rest share its overflow series. */
  readonly maxLabelSets: number;
  /** What this thread has counted. */
  take(): FamilySnapshot[];
}

/** The clients of several processes and threads that show what they count as one. */
export interface Group {
  /** Whether others show what this one counts. */
  readonly isWorker: boolean;
  /** What this thread and all below it have counted. */
  collect(): Promise<FamilySnapshot[]>;
  /** Whether somebody shows what is counted here, all the way up. */
  isShown(): Promise<boolean>;
  /** Hands over the last figures. */
  close(): Promise<void>;
}

interface Member {
  readonly process: number;
  readonly threadId: number;
  families: readonly FamilySnapshot[];
  /** That they answered. */
  request: number;
  /** Questions in a row that it has not answered. */
  missed: number;
  /** When its process or thread ended, in ms of `performance.now()`. */
  endedAt: number | undefined;
}

/** For an answer; a worker that is busy for longer shows what it showed before. */
const longestWaitMs = 1_000;
/** Those below a worker have to answer sooner than it. */
const shareBelow = 0.6;
/** Whoever misses so many questions is not waited for any more, until it answers again. */
const patience = 3;
/** What somebody sent before its end may come after the news of it. */
const lateMs = 1_000;
const maxFinished = 1_000;

/**
 * The main thread of a cluster's primary is at the top; below it are its threads and the main threads of the cluster's
 * workers; below these are theirs.
 */
export function joinGroup({ group, metrics, maxLabelSets, take }: GroupOptions): Group {
  const metricOf = new Map(metrics.map((metric) => [metric.name, metric]));
  const members = new Map<string, Member>();
  /** Of those that have ended: a counter must not fall. */
  const isAdmitted = admitFirst(maxLabelSets);
  const ended = createTotals(isAdmitted);
  const finished = new Set<string>();
  const me = randomUUID();
  const waiting = new Map<number, (member: string) => void>();
  /** Who waits to hear that somebody is there above. */
  const probing = new Set<() => void>();
  let requests = 0;
  let isClosed = false;

  function finish(id: string, { families }: Member): void {
    members.delete(id);
    finished.add(id);
    if (finished.size > maxFinished) {
      finished.delete(finished.values().next().value as string);
    }
    for (const family of families.filter(isCounted)) {
      ended.add(family);
    }
  }

  function received({ member: id, threadId, request, families, isLast }: Report, process: number): void {
    if (finished.has(id)) {
      return;
    }
    const member = members.get(id) ?? { process, threadId, families: [], request: 0, missed: 0, endedAt: undefined };
    members.set(id, member);
    member.missed = 0;
    // An answer to an older question may come after that to a newer one.
    if (families !== undefined && (request ?? member.request) >= member.request) {
      member.families = read(families);
      member.request = request ?? member.request;
    }
    if (isLast === true) {
      finish(id, member);
    }
    if (request !== undefined) {
      waiting.get(request)?.(id);
    }
  }

  function read(families: readonly WireFamily[]): FamilySnapshot[] {
    return families.flatMap((family) => fromWire(family, metricOf) ?? []);
  }

  const below: LinkEvents = {
    message(message, process) {
      if (message.op === 'report' && message.member !== me) {
        received(message, process);
      } else if (message.op === 'probe' && message.member !== me) {
        void answerProbe(message.member);
      }
    },
    ended(process, threadId) {
      for (const member of members.values()) {
        if (member.process === process && (threadId === undefined || member.threadId === threadId)) {
          member.endedAt ??= performance.now();
        }
      }
    },
  };
  const above: LinkEvents = {
    message(message) {
      if (message.op === 'ask') {
        const { request, waitMs = longestWaitMs } = message;
        const reported =
          request === undefined ? report() : collect(waitMs * shareBelow).then((all) => report(all, request));
        reported.catch(() => {});
      } else if (message.op === 'present' && message.member === me) {
        for (const heard of probing) {
          heard();
        }
      }
    },
    ended() {},
  };

  const up = isMainThread ? workerLink(group, above) : threadLink(group, above);
  const down: Link[] = isMainThread
    ? [threadLink(group, below), primaryLink(group, below)].filter((link) => link !== undefined)
    : [];

  async function report(families?: readonly FamilySnapshot[], request?: number, isLast = false): Promise<void> {
    const wire = families && { families: families.map(toWire) };
    await up?.send({ op: 'report', group, member: me, threadId, request, ...wire, isLast });
  }

  async function collect(waitMs: number): Promise<FamilySnapshot[]> {
    if (!isClosed) {
      await ask(waitMs);
    }
    for (const [id, member] of members) {
      if (member.endedAt !== undefined && performance.now() - member.endedAt > lateMs) {
        finish(id, member);
      }
    }
    // Of the end of a thread that is older than this one nobody tells: whoever is not waited for any more counts as ended.
    const reported = [...members.values()].flatMap(({ families, endedAt, missed }) =>
      endedAt === undefined && missed < patience ? families : families.filter(isCounted),
    );
    const totals = createTotals(isAdmitted);
    let sliceEnd = performance.now() + sliceMs;
    for (const family of [...take(), ...ended.families(), ...reported]) {
      totals.add(family);
      if (performance.now() > sliceEnd) {
        await giveWay();
        sliceEnd = performance.now() + sliceMs;
      }
    }
    return totals.families();
  }

  async function ask(waitMs: number): Promise<void> {
    const silent = new Set(
      [...members].filter(([, { missed, endedAt }]) => missed < patience && endedAt === undefined).map(([id]) => id),
    );
    requests += 1;
    const request = requests;
    const answers = new Promise<void>((resolve) => {
      waiting.set(request, (id) => {
        silent.delete(id);
        if (silent.size === 0) {
          resolve();
        }
      });
    });
    for (const link of down) {
      await link.send({ op: 'ask', group, request, waitMs });
    }
    if (silent.size > 0) {
      const waited = new AbortController();
      const deadline = sleep(waitMs, undefined, { signal: waited.signal }).catch(() => {});
      await Promise.race([answers, deadline]);
      waited.abort();
    }
    waiting.delete(request);
    for (const id of silent) {
      const member = members.get(id);
      if (member !== undefined) {
        member.missed += 1;
      }
    }
  }

  async function isShown(): Promise<boolean> {
    if (up === undefined) {
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const heard = (): void => resolve(true);
    const deadline = setTimeout(() => resolve(false), longestWaitMs);
    probing.add(heard);
    await up.send({ op: 'probe', group, member: me });
    return promise.finally(() => {
      clearTimeout(deadline);
      probing.delete(heard);
    });
  }

  async function answerProbe(member: string): Promise<void> {
    if (await isShown()) {
      for (const link of down) {
        await link.send({ op: 'present', group, member });
      }
    }
  }

  // Those that were there before us have told nobody.
  for (const link of down) {
    void link.send({ op: 'ask', group });
  }
  void report();

  return {
    isWorker: up !== undefined,
    collect: () => collect(longestWaitMs),
    isShown,
    async close() {
      if (up !== undefined) {
        await report(await collect(longestWaitMs * shareBelow), undefined, true);
      }
      isClosed = true;
      for (const link of [up, ...down]) {
        link?.close();
      }
    },
  };
}

/** A gauge says how things are, and ends with whoever said so. */
function isCounted({ metric }: FamilySnapshot): boolean {
  return metric.type !== 'gauge';
}
