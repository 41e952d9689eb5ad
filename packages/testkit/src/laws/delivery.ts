import assert from 'node:assert/strict';
import type { DeliveryStats } from '@toolweaver/analytics-core';
import { isSecret } from '@toolweaver/analytics-core/backend';
import { execution, health, metrics, rating } from '../events.ts';
import { type Law, NotApplicable } from '../law.ts';
import { bareEvents, fullEvents, manyExecutions, snapshot } from '../samples.ts';
import { failureOf } from '../trial.ts';
import { inTime } from './facts.ts';

/** How a backend takes what core hands to it. */
export const deliveryLaws: readonly Law[] = [
  {
    law: 'the backend has a name, and delivery settings within range',
    async check({ backend: { name, delivery } }) {
      assert.match(name, /\S/, 'the name must not be blank');
      if (typeof delivery === 'object') {
        const { maxEvents, maxDelayMs } = delivery;
        assert.ok(
          Number.isSafeInteger(maxEvents) && maxEvents >= 1,
          `maxEvents must be a whole number >= 1, is ${maxEvents}`,
        );
        assert.ok(
          Number.isFinite(maxDelayMs) && maxDelayMs >= 0,
          `maxDelayMs must be a finite number >= 0, is ${maxDelayMs}`,
        );
      }
    },
  },
  {
    law: 'an immediate write is done when it returns',
    only: 'immediate delivery',
    async check(trial) {
      const events = [...fullEvents(), ...bareEvents()];
      for (const batch of trial.batches(events)) {
        const result: unknown = trial.backend.write(batch);
        assert.equal(result, undefined, 'write() returns nothing, not even a promise');
      }
      await trial.flush();
      await trial.holds(events);
    },
  },
  {
    law: 'a counting backend needs neither ids nor times',
    only: 'counting delivery',
    async check(trial) {
      const events = [execution(), execution({ success: false }), execution({ kind: 'tool', name: 'read_file' })];
      await trial.deliver(events.map((event) => ({ ...event, id: '', at: 0 })));
      await trial.holds(events);
    },
  },
  {
    law: 'a counting backend asks for the latest events before it shows anything',
    only: 'counting delivery',
    async check(trial) {
      const { backend } = trial;
      const events = [execution(), execution({ success: false }), execution({ kind: 'tool', name: 'read_file' })];
      let held = events;
      function stats(): DeliveryStats {
        const batch = held;
        held = [];
        if (batch.length > 0) {
          void backend.write(batch);
        }
        return { backends: {} };
      }
      backend.attach?.({ stats, activeOperations: () => 0, report() {}, shared: new Map() });
      await trial.flush();
      await trial.holds(events);
    },
  },
  {
    law: 'the settings are plain data',
    async check({ backend }) {
      const wrong = oddSettings(backend.settings, 'settings');
      assert.ok(wrong.length === 0, `neither JSON data nor a Secret: ${wrong.join(', ')}`);
    },
  },
  {
    law: 'the largest batch arrives whole',
    async check(trial) {
      const events = manyExecutions(trial.manyEvents);
      await trial.deliver(events);
      await trial.holds(events);
    },
  },
  {
    law: 'batches add up in order',
    async check(trial) {
      const events = inTime(
        Array.from({ length: 5 }, (_, at) => [
          execution({ name: `skill-${at % 2}`, latencyMs: at }),
          health({ score: at * 10 }),
          metrics({ values: { loss: -at } }),
        ]).flat(),
      );
      for (let at = 0; at < events.length; at += 3) {
        await trial.write(events.slice(at, at + 3));
        if (at % 2 === 0) {
          await trial.flush();
        }
      }
      await trial.flush();
      await trial.holds(events);
    },
  },
  {
    law: 'an event that is delivered again counts once',
    async check(trial) {
      const [first, second] = [fullEvents(), bareEvents()];
      await trial.deliver(first);
      await trial.deliver(first);
      await trial.deliver([...second, ...first.toReversed()]);
      await trial.holds([...first, ...second]);
    },
  },
  {
    law: 'an event that is in a batch twice counts once, and the batch is accepted',
    async check(trial) {
      const half = Math.floor(trial.maxEvents / 2);
      if (half === 0 || trial.backend.delivery === 'counting') {
        throw new NotApplicable('no event is in a batch twice');
      }
      const events = [...fullEvents(), ...bareEvents()];
      for (let at = 0; at < events.length; at += half) {
        const some = events.slice(at, at + half);
        await trial.writeBatch([...some, ...some.map((event) => ({ ...event }))]);
      }
      await trial.flush();
      await trial.holds(events);
    },
  },
  {
    law: 'write leaves the events and the batch as they were',
    async check(trial) {
      for (const batch of trial.batches([...fullEvents(), ...bareEvents()])) {
        const before = snapshot(batch);
        await trial.writeBatch(batch);
        assert.deepEqual(snapshot(batch), before, 'the batch is what it was before write()');
      }
      await trial.flush();
    },
  },
  {
    law: 'write keeps no reference to the batch',
    async check(trial) {
      const events = Array.from({ length: 4 }, (_, at) => execution({ name: `skill-${at}` }));
      for (const batch of trial.batches(events)) {
        await trial.writeBatch(batch);
        batch.fill(execution({ name: 'was never delivered' }));
        batch.push(execution({ name: 'was never delivered either' }));
      }
      await trial.flush();
      await trial.holds(events);
    },
  },
  {
    law: 'flush delivers what write accepted',
    async check(trial) {
      const events = inTime([...fullEvents(), ...bareEvents()]);
      await trial.write(events);
      await trial.flush();
      await trial.holds(events);
    },
  },
  {
    law: 'a second flush adds nothing',
    async check(trial) {
      const events = [execution(), rating(), execution({ kind: 'tool', name: 'read_file', success: false })];
      await trial.flush();
      await trial.deliver(events);
      await trial.flush();
      await trial.flush();
      await trial.holds(events);
    },
  },
  {
    law: 'flush and check end when they are called off, and lose nothing',
    async check(trial) {
      const events = manyExecutions(10);
      await trial.write(events);
      const calledOff = AbortSignal.abort(new Error('called off'));
      for (const call of [trial.flush, trial.check]) {
        // The call may resolve or reject, as long as it ends.
        await failureOf(call(calledOff));
      }
      await trial.flush();
      await trial.holds(events);
    },
  },
  {
    law: 'check and flush disturb no write that is under way',
    async check(trial) {
      const events = manyExecutions(Math.min(trial.manyEvents, 500));
      for (const batch of trial.batches(events)) {
        await Promise.all([trial.writeBatch(batch), trial.check(), trial.flush()]);
      }
      await trial.flush();
      await trial.holds(events);
    },
  },
  {
    law: 'writeSync delivers before it returns',
    only: 'writeSync()',
    async check(trial) {
      const events = [...fullEvents(), ...bareEvents()];
      for (const batch of trial.batches(events)) {
        trial.backend.writeSync?.(batch);
      }
      await trial.holds(events);
    },
  },
  {
    law: 'writeSync of a batch whose write is under way counts once',
    only: 'writeSync()',
    async check(trial) {
      const [batch = []] = trial.batches(fullEvents());
      // A real process would exit before the write ends. Here the write may resolve or reject, but nothing may be doubled.
      const deliverSync = async (): Promise<void> => {
        trial.backend.writeSync?.(batch);
        await trial.holds(batch);
      };
      await Promise.all([failureOf(trial.writeBatch(batch)), deliverSync()]);
      await trial.flush();
      await trial.holds(batch);
    },
  },
];

function oddSettings(value: unknown, path: string): string[] {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || isSecret(value)) {
    return [];
  }
  if (typeof value === 'number') {
    return Number.isFinite(value) ? [] : [`${path} (${value})`];
  }
  if (Array.isArray(value)) {
    return value.flatMap((item, at) => oddSettings(item, `${path}[${at}]`));
  }
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null) {
    return [`${path} (${typeof value})`];
  }
  return Object.entries(value as object).flatMap(([key, item]) => oddSettings(item, `${path}.${key}`));
}
