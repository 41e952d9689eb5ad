import {
  type Analytics,
  AnalyticsError,
  type AnalyticsEvent,
  type Backend,
  createAnalytics,
  type EventInput,
  type FlushReport,
  type MemoryBackend,
  memory,
} from '@toolweaver/analytics-core';
import { secret } from '@toolweaver/analytics-core/backend';
import { ledgerHolds, type Subject, tally, testBackend } from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';

const token = 'canary-9b2e-never-show-me';

/** `memory()` with a far side that can be broken. */
function breakable(name: string): { store: MemoryBackend; backend: Backend; far: { up: boolean } } {
  const store = memory({ name });
  const far = { up: true };
  const reach = (): void => {
    if (!far.up) {
      throw new AnalyticsError('BACKEND_UNAVAILABLE', `${name} is down`, { backend: name });
    }
  };
  const backend: Backend = {
    ...store,
    settings: { ...store.settings, token: secret(token) },
    write(events) {
      reach();
      return store.write(events);
    },
    async check() {
      reach();
    },
  };
  return { store, backend, far };
}

describe('memory()', () => {
  testBackend({
    test,
    create(): Subject {
      const { store, backend, far } = breakable('memory');
      return {
        backend,
        observe: () => tally(store.events),
        breakFarSide() {
          far.up = false;
        },
        repairFarSide() {
          far.up = true;
        },
        secrets: [token],
      };
    },
    skip: [
      'what was delivered outlives the backend',
      'an event that is delivered again after a restart counts once',
    ].map((law) => ({ law, reason: 'memory ends with the process' })),
  });
});

/** A client, taken for a backend. */
function asBackend(client: Analytics): Backend {
  const succeed = ({ ok, backends }: FlushReport): void => {
    if (!ok) {
      throw Object.values(backends).find((flushed) => !flushed.ok)?.error ?? new Error('failed without an error');
    }
  };
  return {
    name: 'client',
    delivery: { maxEvents: 2500, maxDelayMs: 0 },
    settings: { ...client.getConfigSummary() },
    async write(events) {
      for (const event of events) {
        client.record(inputOf(event));
      }
      succeed(await client.flush());
    },
    async flush() {
      succeed(await client.flush());
    },
    async check() {
      const { healthy, backends } = await client.healthCheck();
      if (!healthy) {
        throw Object.values(backends).find((health) => !health.healthy)?.error;
      }
    },
    async close() {
      await client.close();
      ledgerHolds(client.stats());
    },
  };
}

/** What a caller would have recorded to get this event. */
function inputOf(event: AnalyticsEvent): EventInput {
  if (event.type !== 'execution') {
    return event;
  }
  const { cost, weight: _, ...input } = event;
  return { ...input, cost: cost && { usd: cost.nanoUsd / 1e9, source: cost.source } };
}

describe('createAnalytics() in front of two backends', () => {
  testBackend({
    test,
    create(): Subject {
      const [queued, immediate] = [breakable('queued'), breakable('immediate')];
      const client = createAnalytics({
        backends: [queued.backend, { ...immediate.backend, delivery: 'immediate' }],
        retry: { maxAttempts: 1 },
      });
      const far = (up: boolean): void => {
        queued.far.up = up;
        immediate.far.up = up;
      };
      return {
        backend: asBackend(client),
        observe() {
          const there = tally(queued.store.events);
          expect(tally(immediate.store.events)).toEqual(there);
          return there;
        },
        breakFarSide: () => far(false),
        repairFarSide: () => far(true),
        secrets: [token],
      };
    },
    skip: [
      { law: 'a sampled execution counts by its weight', reason: 'callers cannot set a weight; sampling does' },
      { law: 'the weight of a sampled execution survives', reason: 'callers cannot set a weight; sampling does' },
      {
        law: 'any amount of money survives to the nano-dollar',
        reason: 'callers give dollars, in which not every large amount is exact',
      },
      { law: 'what was delivered outlives the backend', reason: 'memory ends with the process' },
      {
        law: 'an event that is delivered again after a restart counts once',
        reason: 'memory ends with the process',
      },
    ],
  });
});
