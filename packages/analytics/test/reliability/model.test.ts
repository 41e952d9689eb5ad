import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Analytics, createAnalytics } from '@toolweaver/analytics';
import { otlp } from '@toolweaver/analytics-otlp';
import { prometheus } from '@toolweaver/analytics-prometheus';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { ledgerHolds } from '@toolweaver/analytics-testkit';
import { wandb } from '@toolweaver/analytics-wandb';
import { expect, onTestFinished } from 'vitest';
import { fastClock } from '../../../../test/support/fast-clock.ts';
import { type Trial, times, trial } from '../../../../test/support/trial.ts';
import { startReceiver } from '../../../otlp/test/support/receiver.ts';
import { start } from '../../../sqlite/test/support/child.ts';
import { testFolder } from '../../../sqlite/test/support/folder.ts';
import { lockForWriting } from '../../../sqlite/test/support/lock.ts';
import { complete, numberedOf } from '../../../sqlite/test/support/numbered.ts';
import { apiKey, fakeService } from '../../../wandb/test/support/fake-service.ts';
import { callsOfPush, callsOfText, lastAccepted } from '../support/everywhere.ts';
import { figuresOfFile, total } from '../support/figures.ts';

const recordUntilKilled = new URL('../../../sqlite/test/fixtures/record-until-killed.ts', import.meta.url);

const names = ['sqlite', 'prometheus', 'otlp', 'wandb'] as const;
type Name = (typeof names)[number];
const breakable = ['sqlite', 'otlp', 'wandb'] as const;
type Breakable = (typeof breakable)[number];
const each = <T>(make: (name: Name) => T): Record<Name, T> =>
  Object.fromEntries(names.map((name) => [name, make(name)])) as Record<Name, T>;

/** What must be true of one client with all backends, worked out from nothing but what was done. */
interface Model {
  /** Of this client: what was recorded, and what of it was no event, or came too late. */
  recorded: number;
  invalid: number;
  closed: number;
  isClosed: boolean;
  readonly broken: Set<Breakable>;
  /** What no longer waits: the far side has it. Counted over all clients, but for what lives in a client's memory. */
  readonly held: Record<Name, number>;
  /** What waits, of this client. */
  readonly waiting: Record<Name, number>;
  readonly lost: Record<Name, number>;
}

const fresh = (held: Record<Name, number>): Model => ({
  recorded: 0,
  invalid: 0,
  closed: 0,
  isClosed: false,
  broken: new Set(),
  // Counters begin anew with each client.
  held: { ...held, prometheus: 0, otlp: 0 },
  waiting: each(() => 0),
  lost: each(() => 0),
});

/** A walk through the lives of some clients on the same file and the same service; after every step both must say what the model does. */
async function walk({ random, add }: Trial, steps: number): Promise<void> {
  // A try of W&B's is 2 s after the one before, and more.
  const clock = fastClock(40);
  const folder = testFolder();
  const path = join(folder, 'analytics.db');
  const [receiver, service] = [await startReceiver(), await fakeService()];
  onTestFinished(() => receiver.stop());
  onTestFinished(service.close);
  let model = fresh(each(() => 0));
  let analytics: Analytics;
  let scrape: () => Promise<string>;
  let unlock: (() => void) | undefined;
  onTestFinished(() => unlock?.());
  let pushedBefore = 0;
  let wandbBrokeAt = 0;
  let ending: Promise<void> = Promise.resolve();

  async function open(): Promise<void> {
    // Of a run the service knows one client at a time; one that was given no time to close goes on with it by itself.
    await ending;
    const shown = await prometheus({ port: false });
    pushedBefore = receiver.requests.length;
    scrape = shown.scrape;
    // What it does while its client closes, a test of its own says: here it has no time for that, and some of it might be done.
    const { closing: _, ...run } = await wandb({
      apiKey,
      baseUrl: service.url,
      dir: folder,
      runId: 'model',
      resume: 'allow',
      clock,
      offlineAfterMs: 86_400_000,
    });
    analytics = createAnalytics({
      backends: [
        await sqlite({ path, busyTimeoutMs: 20 }),
        shown,
        await otlp({ endpoint: receiver.url, pushIntervalMs: 86_400_000, retry: { maxAttempts: 1 } }),
        {
          ...run,
          close() {
            ending = Promise.resolve(run.close?.());
            return ending;
          },
        },
      ],
      retry: { minDelayMs: 1, maxDelayMs: 20, maxAttempts: 1_000_000 },
      onError() {},
    });
  }

  async function breakDown(name: Breakable): Promise<void> {
    model.broken.add(name);
    if (name === 'sqlite') {
      unlock = lockForWriting(path);
    } else {
      wandbBrokeAt = performance.now();
      await (name === 'otlp' ? receiver.pause() : service.breakDown());
    }
  }

  async function repair(name: Breakable): Promise<void> {
    model.broken.delete(name);
    if (name === 'sqlite') {
      unlock?.();
      unlock = undefined;
    } else {
      await (name === 'otlp' ? receiver.start() : service.repair());
    }
    // Until then a flush does not wait for it.
    while (analytics.stats().backends[name]?.state === 'open') {
      await sleep(1);
    }
  }

  function record(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      analytics.recordToolInvocation({ toolName: 'tool', success: true, latencyMs: left });
    }
    model.recorded += count;
    if (model.isClosed) {
      model.closed += count;
      return;
    }
    for (const name of names) {
      // What only counts has counted.
      (name === 'prometheus' || name === 'otlp' ? model.held : model.waiting)[name] += count;
    }
  }

  function recordWrong(): void {
    analytics.recordToolInvocation({ toolName: '', success: true, latencyMs: -1 });
    model.recorded += 1;
    model[model.isClosed ? 'closed' : 'invalid'] += 1;
  }

  /** All that waits is there, where it can be. */
  async function flush(): Promise<void> {
    // After some tries nobody waits any longer for what is broken.
    const report = await analytics.flush({ timeoutMs: 20_000 });
    for (const name of names) {
      const isBroken = model.broken.has(name as Breakable);
      const isLate = isBroken && (name === 'otlp' || model.waiting[name] > 0);
      // Where nothing was counted there is nothing to push.
      if (!model.isClosed && !(name === 'otlp' && model.held.otlp === 0)) {
        expect({ name, ok: report.backends[name]?.ok }).toEqual({ name, ok: !isLate });
      }
      if (!isBroken) {
        model.held[name] += model.waiting[name];
        model.waiting[name] = 0;
      }
    }
  }

  /** As a program that does not wait for what is broken. */
  async function close(): Promise<void> {
    await flush();
    const report = await analytics.close({ timeoutMs: 0 });
    model.isClosed = true;
    for (const name of names) {
      expect(report.backends[name]?.queued).toBe(0);
      model.lost[name] += model.waiting[name];
      model.waiting[name] = 0;
    }
  }

  async function compare(): Promise<void> {
    const stats = analytics.stats();
    ledgerHolds(stats);
    for (const [name, { accepted, dropped, delivered, queued }] of Object.entries(stats.backends)) {
      const known = name as Name;
      expect({ name, accepted }).toEqual({ name, accepted: model.recorded });
      expect({ name, ...dropped }).toMatchObject({
        name,
        invalid: model.invalid,
        closed: model.closed,
        queue_full: 0,
        send_failed: 0,
      });
      // What waits may get there at any moment, unless it is known that it cannot.
      expect(delivered + queued).toBe(model.recorded - model.invalid - model.closed - model.lost[known]);
      if (known === 'sqlite' && model.broken.has('sqlite')) {
        expect(queued).toBe(model.waiting.sqlite);
      }
    }
    expect(total(callsOfText(await scrape()))).toBe(model.held.prometheus);
  }

  /** With nothing broken, every far side has exactly what the model says. */
  async function compareFarSides(): Promise<void> {
    for (const name of [...model.broken]) {
      await repair(name);
    }
    await flush();
    await compare();
    expect(model.waiting).toEqual(each(() => 0));
    expect(total(figuresOfFile(path).figures.calls)).toBe(model.held.sqlite);
    expect(
      model.isClosed ? model.held.otlp : total(callsOfPush(lastAccepted(receiver.requests.slice(pushedBefore)))),
    ).toBe(model.held.otlp);
    expect(service.runs.get('model')?.history.length ?? 0).toBe(model.held.wandb);
    expect(service.violations).toEqual([]);
    add('comparisonsWithFarSides');
  }

  /** Another program records into the same file until it is killed; once in two, while this one has it open. */
  async function kill(): Promise<void> {
    for (const broken of [...model.broken]) {
      await repair(broken);
    }
    if (!model.isClosed && random.below(2) === 0) {
      await close();
    }
    const seed = random.seed();
    const child = start(recordUntilKilled, [path, seed, 0, 1, 0].map(String));
    await child.says('\n');
    await sleep(random.below(60));
    child.process.kill('SIGKILL');
    const { stdout, stderr } = await child.ended;
    expect(stderr).toBe('');
    // A line that was cut off acknowledges nothing.
    const acknowledged = Number(stdout.split('\n').at(-2));
    expect(acknowledged).toBeGreaterThan(0);
    if (model.isClosed) {
      model = fresh(model.held);
      await open();
    }
    // All up to some number that is as high as what was acknowledged, once.
    const stored = numberedOf(path, seed);
    expect(stored).toEqual(complete(stored.last));
    expect(stored.last).toBeGreaterThanOrEqual(acknowledged);
    model.held.sqlite += stored.last;
    add('acknowledgedBeforeKills', acknowledged);
    add('kills');
    await compareFarSides();
  }

  await open();
  const killAt = 1 + random.below(steps);
  for (let left = steps; left > 0; left -= 1) {
    const step = random.pick([
      'record',
      'record',
      'record',
      'wrong',
      'break',
      'repair',
      'flush',
      'flush',
      'all',
      'close',
      'reopen',
    ] as const);
    const name = random.pick(breakable);
    if (left === killAt) {
      await kill();
    }
    switch (step) {
      case 'record':
        record(1 + random.below(200));
        break;
      case 'wrong':
        recordWrong();
        break;
      case 'break':
        if (!model.broken.has(name)) {
          // What is on its way to what breaks arrives or not: nobody knows.
          await flush();
          await breakDown(name);
        }
        break;
      case 'repair':
        if (model.broken.has(name)) {
          await repair(name);
        }
        break;
      case 'flush':
        await flush();
        break;
      case 'all':
        await compareFarSides();
        break;
      case 'close':
        if (!model.isClosed) {
          await close();
        }
        break;
      case 'reopen': {
        if (!model.isClosed) {
          await close();
        }
        for (const broken of [...model.broken]) {
          await repair(broken);
        }
        model = fresh(model.held);
        await open();
        break;
      }
    }
    // After eight tries in vain a run goes on in a directory: that has a trial of its own.
    if (model.broken.has('wandb') && performance.now() - wandbBrokeAt > 800) {
      await repair('wandb');
    }
    await sleep(random.below(3));
    await compare();
    add('steps');
    add(step);
  }
  await compareFarSides();
  add('recorded', model.recorded);
  await close();
  await compare();
}

trial(
  'R56',
  'whatever a program does with all backends, they hold what a model of forty lines says',
  async (report) => {
    for (let walks = times(60, 2); walks > 0; walks -= 1) {
      await walk(report, times(60, 25));
      report.add('walks');
    }
  },
);
