import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { type AnalyticsEvent, isAnalyticsError } from '@toolweaver/analytics-core';
import { execution, rating } from '../events.ts';
import type { Law } from '../law.ts';
import { fullEvents } from '../samples.ts';
import { failureOf, type Trial } from '../trial.ts';
import { showsNone } from './secrets.ts';

/** What a backend does while the far side is broken, and afterwards. */
export const failureLaws: readonly Law[] = [
  {
    law: 'check resolves while the far side is well',
    only: 'check()',
    async check(trial) {
      await trial.check();
      await trial.deliver([execution()]);
      await trial.check();
      await trial.holds([execution()]);
    },
  },
  {
    law: 'check rejects while the far side is broken',
    needs: ['check()', 'breakFarSide'],
    async check(trial) {
      await trial.breakFarSide();
      assert.ok(await failureOf(trial.check()), 'check() resolved although the far side is broken');
    },
  },
  {
    law: 'check resolves again once the far side is repaired',
    needs: ['check()', 'breakFarSide', 'repairFarSide'],
    async check(trial) {
      await trial.breakFarSide();
      await failureOf(trial.check());
      await trial.repairFarSide();
      await trial.check();
    },
  },
  {
    law: 'a delivery to a broken far side rejects with an AnalyticsError',
    needs: ['breakFarSide'],
    async check(trial) {
      await trial.breakFarSide();
      const error = await failedDelivery(trial, [execution()]);
      assert.ok(isAnalyticsError(error), `rejected with something else: ${inspect(error)}`);
    },
  },
  {
    law: 'the error of a broken far side is one that core tries again',
    needs: ['breakFarSide'],
    async check(trial) {
      await trial.breakFarSide();
      const { code } = (await failedDelivery(trial, [execution()])) as { code?: unknown };
      const retried = ['BACKEND_UNAVAILABLE', 'STORAGE_FULL'];
      assert.ok(
        retried.includes(String(code)),
        `the code is ${code}; core keeps a batch only for ${retried.join(' or ')}`,
      );
    },
  },
  {
    law: 'what write refused never reaches the far side',
    needs: ['breakFarSide', 'repairFarSide'],
    async check(trial) {
      const before = [execution(), rating()];
      await trial.deliver(before);
      const { accepted } = await deliverInVain(trial, fullEvents());
      await trial.flush();
      // A backend that retries by itself does so a moment later, or when it is closed.
      await sleep(50);
      await trial.close();
      await trial.holds([...before, ...accepted]);
    },
  },
  {
    law: 'a failed delivery arrives once when it is made again',
    needs: ['breakFarSide', 'repairFarSide'],
    async check(trial) {
      const before = [execution(), rating()];
      await trial.deliver(before);
      const { accepted, refused } = await deliverInVain(trial, fullEvents());
      // As core does: refused events are written again, accepted ones only flushed again.
      await trial.deliver(refused);
      await trial.holds([...before, ...accepted, ...refused]);
    },
  },
  {
    law: 'close resolves although the far side is broken',
    needs: ['breakFarSide'],
    async check(trial) {
      await trial.deliver([execution()]);
      await trial.breakFarSide();
      await failedDelivery(trial, [execution()]);
      await trial.close();
    },
  },
  {
    law: 'no error shows a secret',
    only: 'secrets',
    needs: ['breakFarSide'],
    async check(trial) {
      await trial.breakFarSide();
      const errors = [
        await failureOf(trial.write([execution()])),
        await failureOf(trial.flush()),
        await failureOf(trial.check()),
      ];
      showsNone(trial.subject.secrets ?? [], errors);
    },
  },
];

async function failedDelivery(trial: Trial, events: readonly AnalyticsEvent[]): Promise<unknown> {
  const error = await failureOf(trial.deliver(events));
  assert.ok(error, 'neither write() nor flush() rejected although the far side is broken');
  return error;
}

/** Delivers while the far side is broken, repairs it, and returns which events `write` accepted and which it refused. */
async function deliverInVain(
  trial: Trial,
  events: readonly AnalyticsEvent[],
): Promise<{ accepted: AnalyticsEvent[]; refused: AnalyticsEvent[] }> {
  const accepted: AnalyticsEvent[] = [];
  const refused: AnalyticsEvent[] = [];
  await trial.breakFarSide();
  for (const batch of trial.batches(events)) {
    const error = await failureOf(trial.writeBatch(batch));
    (error === undefined ? accepted : refused).push(...batch);
  }
  const notFlushed = await failureOf(trial.flush());
  assert.ok(refused.length > 0 || notFlushed, 'neither write() nor flush() rejected although the far side is broken');
  await trial.repairFarSide();
  return { accepted, refused };
}
