import { randomUUID } from 'node:crypto';
import { setImmediate as giveWay, setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, threadId } from 'node:worker_threads';
import type { Metric } from '@toolweaver/analytics-metrics';
import { sliceMs } from '../render.ts';
import type { FamilySnapshot } from '../snapshot.ts';
import { type Link, type LinkEvents, primaryLink, threadLink, workerLink } from './link.ts';
import { fromWire, type Message, type Report, toWire, type WireFamily } from './message.ts';
import { admitFirst, createFloor, createTotals } from './totals.ts';

export interface GroupOptions {
  /** The same in all processes and threads that show one set of metrics. */
  readonly group: string;
  readonly metrics: readonly Metric[];
  /** How many label sets a metric has, of all members together, before the rest share its overflow series. */
  readonly maxLabelSets: number;
  /** What this thread has counted. */
  take(): FamilySnapshot[];
}

/** Clients of several processes and threads, whose counts are shown together. */
export interface Group {
  /** Whether somebody else shows what this one counts. */
  readonly isWorker: boolean;
  /** What this thread and all below it have counted. */
  collect(): Promise<FamilySnapshot[]>;
  /** Whether what is counted here reaches somebody who shows it, through all levels above. */
  isShown(): Promise<boolean>;
  /** Hands over the last figures. */
  close(): Promise<void>;
}

interface Member {
  readonly process: number;
  readonly threadId: number;
  families: readonly FamilySnapshot[];
  /** The latest that they have answered. */
  request: number;
  /** Questions in a row that it has not answered. */
  missed: number;
  /** When its process or thread ended, in ms of `performance.now()`. */
  endedAt: number | undefined;
}

/** For an answer; of a worker that is busy for longer, the previous figures are shown. */
const longestWaitMs = 1_000;
/** Of the time that a worker has for its answer: those below it have to answer sooner. */
const shareBelow = 0.6;
/** A member that misses this many questions in a row is not waited for until it answers again. */
const patience = 3;
/** How long after a member's end its last messages may still arrive. */
const lateMs = 1_000;
/** Of that, how long those who ask wait for the messages; in `close()` core allows a second for it all. */
const lateWaitMs = 300;
const maxFinished = 1_000;

/**
 * The main thread of a cluster's primary is at the top; below it are its threads and the main threads of the cluster's
 * workers; below these are theirs.
 */
export function joinGroup({ group, metrics, maxLabelSets, take }: GroupOptions): Group {
  const metricOf = new Map(metrics.map((metric) => [metric.name, metric]));
  const members = new Map<string, Member>();
  const isAdmitted = admitFirst(maxLabelSets);
  /** Of those that have ended: a counter must not fall. */
  const ended = createTotals(isAdmitted);
  const raise = createFloor();
  const finished = new Set<string>();
  const me = randomUUID();
  const waiting = new Map<number, (member: string) => void>();
  /** Called when somebody above says that they are there. */
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

  async function tellBelow(message: Message): Promise<void> {
    for (const link of down) {
      await link.send(message);
    }
  }

  async function collect(waitMs: number): Promise<FamilySnapshot[]> {
    if (!isClosed) {
      await Promise.all([ask(waitMs), lastReports()]);
    }
    for (const [id, member] of members) {
      if (member.endedAt !== undefined && performance.now() - member.endedAt > lateMs) {
        finish(id, member);
      }
    }
    // Nobody reports the end of a thread that is older than this one: who is not waited for any more counts as ended.
    const reported = [...members.values()].flatMap(({ families, endedAt, missed }) =>
      endedAt === undefined && missed < patience ? families : families.filter(isCounted),
    );
    const totals = createTotals(isAdmitted);
    await inSlices([...take(), ...ended.families(), ...reported], totals.add);
    const families = totals.families();
    await inSlices(families, raise);
    return families;
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
    await tellBelow({ op: 'ask', group, request, waitMs });
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

  /** The end of a thread or process may be heard of before what it sent last, or even before all that it sent. */
  async function lastReports(): Promise<void> {
    const deadline = performance.now() + lateWaitMs;
    do {
      await sleep(5);
    } while (performance.now() < deadline && [...members.values()].some(({ endedAt }) => endedAt !== undefined));
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
      await tellBelow({ op: 'present', group, member });
    }
  }

  // Those that were there before us could not report to us.
  void tellBelow({ op: 'ask', group });
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

async function inSlices(families: readonly FamilySnapshot[], work: (family: FamilySnapshot) => void): Promise<void> {
  let sliceEnd = performance.now() + sliceMs;
  for (const family of families) {
    work(family);
    if (performance.now() > sliceEnd) {
      await giveWay();
      sliceEnd = performance.now() + sliceMs;
    }
  }
}

/** A gauge says how things are now, and goes with the member that said so. */
function isCounted({ metric }: FamilySnapshot): boolean {
  return metric.type !== 'gauge';
}
