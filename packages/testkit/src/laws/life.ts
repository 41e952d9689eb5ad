import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { execution, rating } from '../events.ts';
import type { Law } from '../law.ts';
import { type Counts, type Holdings, printedBy, thrownBeside, watchHoldings } from '../process-watch.ts';
import { fullEvents, manyExecutions } from '../samples.ts';
import { failureOf, type Trial } from '../trial.ts';
import { showsNone } from './secrets.ts';

/** What a backend does from its creation to its end, and how it treats its host. */
export const lifeLaws: readonly Law[] = [
  {
    law: 'two backends share nothing',
    async check(trial) {
      const other = await trial.another();
      const both = execution({ name: 'both' });
      const mine = [both, execution({ name: 'mine' }), rating()];
      const theirs = [both, execution({ name: 'theirs', success: false })];
      await Promise.all([trial.deliver(mine), other.deliver(theirs)]);
      await trial.holds(mine);
      await other.holds(theirs);
      await trial.close();
      await other.deliver(mine.slice(1));
      await other.holds([...theirs, ...mine.slice(1)]);
      await trial.holds(mine);
    },
  },
  {
    law: 'close delivers what write accepted',
    async check(trial) {
      const events = manyExecutions(20);
      await trial.write(events);
      await trial.close();
      await trial.holds(events);
    },
  },
  {
    law: 'closing during a write leaves all of it or nothing',
    async check(trial) {
      const [batch = []] = trial.batches(manyExecutions(50));
      const [refused] = await Promise.all([failureOf(trial.writeBatch(batch)), trial.close()]);
      await trial.holds(refused === undefined ? batch : []);
    },
  },
  {
    law: 'closing returns at once, and what comes after it is delivered',
    only: 'closing()',
    async check(trial) {
      const events = manyExecutions(20);
      assert.ok(trial.backend.closing?.(10_000) === undefined, 'closing() must return nothing');
      await trial.deliver(events);
      await trial.close();
      await trial.holds(events);
    },
  },
  {
    law: 'what was delivered outlives the backend',
    needs: ['reopen'],
    async check(trial) {
      const before = fullEvents();
      await trial.deliver(before);
      const again = await trial.reopened();
      await again.holds(before);
      const after = manyExecutions(3);
      await again.deliver(after);
      await again.holds([...before, ...after]);
    },
  },
  {
    law: 'an event that is delivered again after a restart counts once',
    needs: ['reopen'],
    async check(trial) {
      const events = fullEvents();
      await trial.deliver(events);
      const again = await trial.reopened();
      await again.deliver(events);
      await again.holds(events);
    },
  },
  {
    law: 'close leaves nothing behind: no handle, timer, worker or process listener',
    async check(trial) {
      const holdings = watchHoldings();
      try {
        // The first delivery loads what is shared by all (a pool of threads, say), so that it is not blamed on the second backend.
        await trial.deliver([execution()]);
        const before = holdings.now();
        // Several lives, so that an unrelated resource that ends meanwhile (a timer of the runner) cannot hide a leak.
        for (let lives = 0; lives < 3; lives += 1) {
          await liveAndLeave(trial, holdings);
        }
        await nothingMore(trial, holdings, before);
      } finally {
        holdings.stop();
      }
    },
  },
  {
    law: 'neither the settings nor the backend show a secret',
    only: 'secrets',
    async check({ backend, subject: { secrets = [] } }) {
      showsNone(secrets, [backend.settings, backend]);
    },
  },
  {
    law: 'nothing is printed',
    async check(trial) {
      const printed = await printedBy(() => wholeLife(trial));
      assert.ok(printed.length === 0, `printed: ${printed.join('')}`);
    },
  },
  {
    law: 'nothing is thrown but by its methods',
    async check(trial) {
      const thrown = await thrownBeside(() => wholeLife(trial));
      assert.ok(thrown.length === 0, `thrown into the process: ${thrown.map((error) => inspect(error)).join('\n')}`);
    },
  },
];

/** Puts a backend through everything that can happen to it, failures included, then waits a moment for late effects. */
async function wholeLife(trial: Trial): Promise<void> {
  const other = await trial.another();
  const attempt = (work: Promise<unknown>): Promise<unknown> => work.catch(() => undefined);
  await other.deliver(fullEvents());
  await attempt(other.check());
  await other.breakFarSide();
  await attempt(other.deliver([execution()]));
  await attempt(other.check());
  await other.repairFarSide();
  await attempt(other.deliver([execution()]));
  await attempt(other.close());
  await sleep(20);
  await other.end();
}

/**
 * Leads the life of a backend, and compares what is held before its `dispose()`, which may end what the backend left: a server
 * that stops takes its connections with it. What the subject itself holds is seen beside a backend that was closed unused.
 */
async function liveAndLeave(trial: Trial, holdings: Holdings): Promise<void> {
  let owner = await trial.another();
  await owner.observe();
  await owner.close();
  // Sockets and threads take a moment to end.
  await sleep(50);
  const ofSubject = holdings.now();
  let user: Trial;
  if (owner.subject.reopen === undefined) {
    await owner.end();
    owner = await trial.another();
    user = owner;
  } else {
    user = await owner.reopened();
  }
  await user.deliver(fullEvents());
  await user.check();
  await user.close();
  await nothingMore(trial, holdings, ofSubject);
  await owner.end();
}

/** Asserts that no more is held than was, or soon will be no more. */
function nothingMore(trial: Trial, holdings: Holdings, before: Counts): Promise<void> {
  return eventually(trial.timeoutMs, () => {
    const more = [...holdings.now()].filter(([kind, count]) => count > (before.get(kind) ?? 0));
    assert.ok(more.length === 0, `left behind after close(): ${more.map(([kind]) => kind).join(', ')}`);
  });
}

/** Repeats a check until it passes or time is up, because sockets and threads take a moment to end. */
async function eventually(timeoutMs: number, check: () => void): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    try {
      check();
      return;
    } catch (error) {
      if (performance.now() >= end) {
        throw error;
      }
    }
    await sleep(10);
  }
}
