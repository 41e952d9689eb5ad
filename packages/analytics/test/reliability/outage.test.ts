import { setTimeout as sleep } from 'node:timers/promises';
import { type Analytics, createAnalytics, type FlushReport } from '@toolweaver/analytics';
import { otlp } from '@toolweaver/analytics-otlp';
import { wandb } from '@toolweaver/analytics-wandb';
import { expect, onTestFinished } from 'vitest';
import { fastClock } from '../../../../test/support/fast-clock.ts';
import { liveBytes } from '../../../../test/support/memory.ts';
import { type Trial, times, trial } from '../../../../test/support/trial.ts';
import { startReceiver } from '../../../otlp/test/support/receiver.ts';
import { testFolder } from '../../../sqlite/test/support/folder.ts';
import { lockForWriting } from '../../../sqlite/test/support/lock.ts';
import { apiKey, fakeService } from '../../../wandb/test/support/fake-service.ts';
import { callsOfPush, everywhere, offlineRuns } from '../support/everywhere.ts';
import { medianOf, total } from '../support/figures.ts';

/** So much sooner than on the wall. */
const factor = 10;
/** Whoever stands still for so long wakes up with everybody else whose time has come meanwhile. */
const stallMs = 1_000;
const pushIntervalMs = 60_000;
/** W&B hears of a run at least so often, whatever its pauses are. */
const heartbeatMs = 30_000;
/** On the wall; within which all have asked again, and have delivered. */
const recoveryMs = 40_000;
const eventsPerSecond = 1_000;
/** Of what is not to take long; on a busy machine a connection may. */
const timeoutMs = 600_000;

interface Outage {
  readonly clients: number;
  readonly outageMs: number;
  /** How long the service may be away until a run goes on in a directory. */
  readonly offlineAfterMs: number;
}

const late = (): never => expect.fail('it took too long');

async function until(condition: () => boolean, timeoutMs: number): Promise<void> {
  for (const end = performance.now() + timeoutMs; !condition(); await sleep(2)) {
    performance.now() > end && late();
  }
}

/** Tells for how long the program, or the machine, has stood still. */
function watchForStalls(): { longestMs(): number } {
  let [last, longest] = [performance.now(), 0];
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  return {
    longestMs() {
      clearInterval(timer);
      return longest;
    },
  };
}

/** How far apart moments are, as a part of a span; and the largest part of them within a tenth of it. */
function spreadOf(moments: readonly number[], spanMs: number): { readonly spread: number; readonly crowd: number } {
  const sorted = moments.toSorted((one, other) => one - other);
  const within = sorted.map((first) => sorted.filter((at) => at >= first && at < first + spanMs / 10).length);
  return {
    spread: ((sorted.at(-1) ?? 0) - (sorted[0] ?? 0)) / spanMs,
    crowd: Math.max(...within) / sorted.length,
  };
}

/** How far apart the first pushes and runs came back, as a part of the interval in which they come; of what goes offline, nothing. */
type Spreads = { readonly [name in 'Pushes' | 'Runs']?: { readonly spread: number; readonly mayLack: number } };

/** Clients that record on while nobody is there, and are all watched when somebody is. */
async function outage({ add, most, watch }: Trial, { clients, outageMs, offlineAfterMs }: Outage): Promise<Spreads> {
  const clock = fastClock(factor);
  const [receiver, service, folder] = [await startReceiver(), await fakeService(), testFolder()];
  onTestFinished(() => receiver.stop());
  onTestFinished(service.close);
  const all = await Promise.all(
    Array.from({ length: clients }, async (_, number): Promise<Analytics> => {
      // One attempt a push, so that it is the pushes whose moments are looked at.
      const retry = { maxAttempts: 1 };
      const metrics = await otlp({ endpoint: receiver.url, clock, pushIntervalMs, timeoutMs: 50_000, retry });
      const run = {
        runId: `run-${number}`,
        apiKey,
        baseUrl: service.url,
        dir: folder,
        clock,
        timeoutMs,
        offlineAfterMs,
      };
      const backends = [metrics, await wandb(run)];
      return watch(createAnalytics({ backends, clock, maxQueueEvents: 2_000, onError() {} }));
    }),
  );
  const record = (at: number): void =>
    all[at % clients]?.recordToolInvocation({ toolName: 'tool', success: true, latencyMs: at % 100 });
  for (let at = 0; at < clients; at += 1) {
    record(at);
  }
  await Promise.all(
    all.map(async (analytics) => expect(await analytics.flush({ timeoutMs })).toMatchObject({ ok: true })),
  );
  add('events', clients);

  await service.breakDown();
  await receiver.pause();
  const before = liveBytes();
  const stall = watchForStalls();
  const began = clock.monotonic();
  for (let recorded = 0; clock.monotonic() - began < outageMs; await sleep(10)) {
    for (
      const due = Math.floor(((clock.monotonic() - began) / 1000) * eventsPerSecond);
      recorded < due;
      recorded += 1
    ) {
      record(recorded);
      add('events');
    }
  }
  const heldMB = (liveBytes() - before) / 2 ** 20;
  most('heldMB', Math.round(heldMB));
  // The queues are full, at some 700 bytes an event; nothing else grows.
  expect(heldMB).toBeLessThan(clients * 2 + 16);

  const [pushed, asked] = [receiver.requests.length, service.requests.length];
  const [endedAt, endedMs] = [Date.now(), performance.now()];
  await service.repair();
  await receiver.start();
  const sinceEnd = (ms: number): number => ms * factor;
  const instances = (): Map<unknown, number> => {
    const first = new Map<unknown, number>();
    for (const request of receiver.requests.slice(pushed)) {
      const instance = request.decoded().resource['service.instance.id'];
      first.set(instance, first.get(instance) ?? sinceEnd(request.atMs - endedMs));
    }
    return first;
  };
  const runs = (): Map<unknown, number> => {
    const first = new Map<unknown, number>();
    for (const { path, at } of service.requests.slice(asked).filter((one) => one.path.endsWith('/file_stream'))) {
      first.set(path, first.get(path) ?? sinceEnd(at - endedAt));
    }
    return first;
  };
  const goesOffline = offlineAfterMs < outageMs;
  await until(() => instances().size === clients && (goesOffline || runs().size === clients), recoveryMs);
  const stalledMs = stall.longestMs();
  const spreads: { -readonly [name in keyof Spreads]: Spreads[name] } = {};
  for (const [name, moments, spanMs] of [
    ['Pushes', instances(), pushIntervalMs],
    ['Runs', runs(), heartbeatMs],
  ] as const) {
    if (moments.size === 0) {
      continue;
    }
    const { spread, crowd } = spreadOf([...moments.values()], spanMs);
    // Whoever would have come while the machine stood still has come right after that.
    spreads[name] = { spread, mayLack: (stalledMs * factor) / spanMs };
    if (stalledMs > stallMs) {
      add('crowdsNotJudgedAsTheMachineStalled');
    } else {
      most(`percentAtOnce${name}`, Math.round(crowd * 100));
      // Chance alone leads beyond these once in some million outages, and clients that ask in step do each time.
      expect(spread, `${name} come at ${[...moments.values()].map(Math.round)}`).toBeGreaterThan(times(0.25, 0.15));
      expect(crowd).toBeLessThan(times(0.75, 0.85));
    }
  }

  await until(() => all.every((analytics) => analytics.stats().backends['wandb']?.queued === 0), recoveryMs);
  await Promise.all(all.map((analytics) => analytics.flush({ timeoutMs })));
  const totals = new Map<unknown, number>();
  for (const request of receiver.requests.filter(({ accepted }) => accepted)) {
    totals.set(request.decoded().resource['service.instance.id'], total(callsOfPush(request)));
  }
  const sumOf = (backend: string, figure: 'accepted' | 'delivered'): number =>
    all.reduce((sum, analytics) => sum + (analytics.stats().backends[backend]?.[figure] ?? 0), 0);
  // No total is lost, whatever was: it is in the next one.
  expect([...totals.values()].reduce((sum, count) => sum + count, 0)).toBe(sumOf('otlp', 'accepted'));
  await Promise.all(all.map((analytics) => analytics.close({ timeoutMs })));
  const stored = [...service.runs.values()].reduce((sum, { history }) => sum + history.length, 0);
  const kept = offlineRuns(folder).reduce((sum, { rows }) => sum + rows.length, 0);
  const drops = all.map((analytics) => JSON.stringify(analytics.stats().backends['wandb']?.dropped));
  expect(stored + kept, [...new Set(drops)].join('\n')).toBe(sumOf('wandb', 'delivered'));
  add('rowsAtTheService', stored);
  add('rowsKeptInDirectories', kept);
  add('droppedAsTheQueueWasFull', sumOf('wandb', 'accepted') - sumOf('wandb', 'delivered'));
  add('outages');
  most('clients', clients);
  return spreads;
}

trial('R30', 'an outage keeps memory and ledgers in bounds, and its end brings no stampede', async (report) => {
  const spreads: Spreads[] = [];
  for (let left = times(5, 1); left > 0; left -= 1) {
    spreads.push(await outage(report, { clients: times(40, 24), outageMs: 60_000, offlineAfterMs: 86_400_000 }));
  }
  if (times(1, 0) > 0) {
    spreads.push(await outage(report, { clients: 40, outageMs: 600_000, offlineAfterMs: 120_000 }));
  }
  for (const [name, least] of [
    ['Pushes', times(0.5, 0.25)],
    // Of a pause of W&B's only half is chance.
    ['Runs', times(0.35, 0.2)],
  ] as const) {
    const all = spreads.flatMap((one) => one[name] ?? []);
    report.add(`medianPercentOfIntervalApart${name}`, Math.round(medianOf(all.map(({ spread }) => spread)) * 100));
    const median = medianOf(all.map(({ spread, mayLack }) => spread + mayLack));
    expect(median, `${name}: ${JSON.stringify(all)}`).toBeGreaterThanOrEqual(least);
  }
});

const victims = ['none', 'sqlite', 'otlp', 'wandb'] as const;
type Victim = (typeof victims)[number];
const batch = 200;
/** How long a flush waits for what hangs. */
const hangMs = 1_000;

/** What hangs is there, takes what it is told, and never answers. */
async function withVictim(victim: Victim, watch: Trial['watch']) {
  const place = await everywhere({ wandb: { mode: 'online' }, otlp: { timeoutMs: 60_000 } });
  const analytics = watch(createAnalytics({ backends: place.backends, onError() {} }));
  if (victim === 'otlp') {
    place.receiver.script(() => {});
  } else if (victim === 'wandb' && place.service !== undefined) {
    place.service.trouble = () => 'hang';
  } else if (victim === 'sqlite') {
    onTestFinished(lockForWriting(place.database));
  }
  const { receiver, service } = place;
  const rows = (): number => service?.runs.get('of-none')?.history.length ?? 0;
  const arrived: Record<string, () => boolean> = {
    sqlite: () => analytics.stats().backends['sqlite']?.queued === 0,
    prometheus: () => analytics.stats().backends['prometheus']?.queued === 0,
    otlp: () => receiver.requests.at(-1)?.accepted === true,
    wandb: () => rows() === analytics.stats().backends['wandb']?.accepted,
  };
  delete arrived[victim];

  /** How long each took, and the longest call of `record()`. */
  async function round(): Promise<Record<string, number>> {
    const took: Record<string, number> = { record: 0 };
    const seen = receiver.requests.length;
    const started = performance.now();
    for (let left = batch; left > 0; left -= 1) {
      const before = performance.now();
      analytics.recordToolInvocation({ toolName: 'tool', success: true, latencyMs: left });
      took['record'] = Math.max(took['record'] ?? 0, performance.now() - before);
    }
    const waiting = new Set(Object.keys(arrived));
    let isOver = false;
    /** On a machine that stands still for as long as it waits, it has pushed nothing, and nobody else would. */
    async function flush(): Promise<FlushReport> {
      const flushed = await analytics.flush({ timeoutMs: victim === 'none' ? 20_000 : hangMs });
      await sleep(5);
      return waiting.size > 0 && !isOver ? flush() : flushed;
    }
    const flushed = flush();
    // Looks, and not seconds, which pass also while the machine stands still.
    for (let looks = 5_000; waiting.size > 0; looks -= 1) {
      await sleep(1);
      for (const name of waiting) {
        if (arrived[name]?.() && (name !== 'otlp' || receiver.requests.length > seen)) {
          waiting.delete(name);
          took[name] = performance.now() - started;
        }
      }
      isOver = looks === 0;
      isOver && expect.fail(`${[...waiting]} did not get it while ${victim} hung`);
    }
    const { backends } = await flushed;
    expect({ victim, ok: backends[victim]?.ok ?? false }).toEqual({ victim, ok: false });
    return took;
  }
  // What is done once.
  await round();
  return { victim, round };
}

/** How far the slowest rounds are from the fastest, without the extreme tenth of each. */
function spreadMsOf(rounds: readonly number[]): number {
  const sorted = rounds.toSorted((one, other) => one - other);
  const at = (part: number): number => sorted[Math.floor(part * sorted.length)] ?? Number.NaN;
  return at(0.9) - at(0.1);
}

trial(
  'R57',
  'a backend that hangs delays the others, and the program, by nothing that can be measured',
  async (report) => {
    const { add, most, watch } = report;
    const all = await Promise.all(victims.map((victim) => withVictim(victim, watch)));
    const rounds = new Map<string, number[]>();
    const roundsOf = (victim: Victim, name: string): readonly number[] => rounds.get(`${victim} ${name}`) ?? [];
    // In turn, so that a busy machine delays those beside nobody as much as the others.
    async function goOn(count: number): Promise<void> {
      for (let left = count; left > 0; left -= 1) {
        for (const { victim, round } of all) {
          for (const [name, ms] of Object.entries(await round())) {
            rounds.set(`${victim} ${name}`, [...roundsOf(victim, name), ms]);
          }
          add('rounds');
        }
      }
    }
    const pairs = victims
      .slice(1)
      .flatMap((victim) =>
        ['record', 'sqlite', 'prometheus', 'otlp', 'wandb']
          .filter((name) => name !== victim)
          .map((name) => ({ victim, name })),
      );
    function judge({ victim, name }: (typeof pairs)[number]): { extraMs: number; byChanceMs: number; isLate: boolean } {
      const alone = roundsOf('none', name);
      const extraMs = medianOf(roundsOf(victim, name)) - medianOf(alone);
      // Whoever waited for what hangs would wait for the flush to end, which no machine is too busy to show.
      const byChanceMs = Math.min(spreadMsOf(alone), hangMs / 2);
      return { extraMs, byChanceMs, isLate: extraMs >= Math.max(byChanceMs, times(5, 50)) };
    }
    await goOn(times(40, 5));
    // The machine may have been busy in most rounds of one and not of the others; it is not in most of many.
    for (let more = 5; more > 0 && pairs.some((pair) => judge(pair).isLate); more -= 1) {
      await goOn(times(40, 5));
    }
    for (const { victim, name } of pairs) {
      const { extraMs, byChanceMs, isLate } = judge({ victim, name });
      most(`mostExtraMsBeside${victim[0]?.toUpperCase()}${victim.slice(1)}`, Math.round(extraMs * 10) / 10);
      most('mostMsByChance', Math.round(byChanceMs * 10) / 10);
      expect({ victim, name, extraMs, byChanceMs, isLate }).toMatchObject({ isLate: false });
    }
  },
);
