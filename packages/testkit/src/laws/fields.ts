import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { execution, health } from '../events.ts';
import type { Law } from '../law.ts';
import { amountsOfMoney, extremeNumbers, largestData, longestTexts } from '../limits.ts';
import { show } from '../matchers.ts';
import { bareEvents, essence, fullEvents, hostileEvents } from '../samples.ts';
import { type Trial, tooEarly } from '../trial.ts';

/** Stores of single events return every field of every event. */
export const fieldLaws: readonly Law[] = [
  {
    law: 'every field of every event survives',
    needs: ['events'],
    check: (trial) => survive(trial, [...fullEvents(), health({ deprecated: false })]),
  },
  {
    law: 'the weight of a sampled execution survives',
    needs: ['events'],
    check: (trial) =>
      survive(
        trial,
        [2.5, 1000, 1 / 0.3, undefined].map((weight) => execution({ weight })),
      ),
  },
  {
    law: 'what an event does not say stays unknown',
    needs: ['events'],
    check: (trial) => survive(trial, bareEvents()),
  },
  {
    law: 'hostile text survives in every field',
    needs: ['events'],
    check: (trial) => survive(trial, hostileEvents()),
  },
  {
    law: 'numbers and times at the limits of core survive',
    needs: ['events'],
    check: (trial) => survive(trial, extremeNumbers()),
  },
  {
    law: 'texts at the limits of core survive',
    needs: ['events'],
    check: (trial) => survive(trial, longestTexts()),
  },
  {
    law: 'attributes, metrics, tags and bytes at the limits of core survive',
    needs: ['events'],
    check: (trial) => survive(trial, largestData()),
  },
  {
    law: 'any amount of money survives to the nano-dollar',
    needs: ['events'],
    check: (trial) => survive(trial, amountsOfMoney()),
  },
];

async function survive(trial: Trial, events: readonly AnalyticsEvent[]): Promise<void> {
  await trial.deliver(events);
  const { events: there = [] } = await trial.observe();
  sameEvents(there, events);
}

/** Asserts that these are the same events, in any order. */
export function sameEvents(there: readonly AnalyticsEvent[], expected: readonly AnalyticsEvent[]): void {
  const byId = new Map(there.map((event) => [event.id, event]));
  for (const event of expected) {
    const arrived = byId.get(event.id);
    assert.ok(arrived, `the ${event.type} ${event.id} is not there: ${show(event)}\n${tooEarly}`);
    const wrong = differentFields(arrived, event);
    assert.ok(
      wrong.length === 0,
      `the ${event.type} ${event.id} differs from what was delivered:\n${wrong.map((field) => `  ${field}\n`).join('')}`,
    );
  }
  assert.equal(there.length, expected.length, 'as many events are there as were delivered');
}

function differentFields(there: AnalyticsEvent, expected: AnalyticsEvent): string[] {
  const actual = essence(there) as Record<string, unknown>;
  const wanted = essence(expected) as Record<string, unknown>;
  return [...new Set([...Object.keys(wanted), ...Object.keys(actual)])]
    .filter((field) => !isDeepStrictEqual(actual[field], wanted[field]))
    .map((field) => `${field}: ${show(actual[field])}, should be ${show(wanted[field])}`);
}
