import type { AnalyticsReader } from '@toolweaver/analytics-core';
import { checkLaw, laws, type Skip, testBackend } from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';
import { control } from './control/control.ts';
import { counters, parseScrape } from './control/counters.ts';
import { mutants } from './mutants/index.ts';

describe('a healthy backend', () => {
  testBackend({ test, create: () => control() });
});

describe('a healthy metric store', () => {
  const because = (reason: string, ...skipped: readonly string[]): Skip[] => skipped.map((law) => ({ law, reason }));
  const farSide = laws
    .filter(({ needs = [], only }) => needs.includes('breakFarSide') && only === undefined)
    .map(({ law }) => law);
  const restart = laws.filter(({ needs = [] }) => needs.includes('reopen')).map(({ law }) => law);
  const runs = laws.filter(({ needs = [] }) => needs.includes('runs')).map(({ law }) => law);
  const singleEvents = laws.filter(({ needs = [] }) => needs.includes('events')).map(({ law }) => law);
  testBackend({
    test,
    create() {
      const backend = counters();
      return { backend, observe: () => parseScrape(backend.scrape()) };
    },
    skip: [
      ...because('it is read, it sends nothing that could fail', ...farSide),
      ...because('counters start again with the process', ...restart),
      ...because('it keeps no single events', ...singleEvents),
      ...because('it has no such series', 'logged metrics arrive', 'artifacts arrive', ...runs),
      ...because('it keeps no ids, and core delivers once', 'an event that is delivered again counts once'),
    ],
  });
});

test('every law has a mutant, and every mutant a law', () => {
  expect(Object.keys(mutants).sort()).toEqual(laws.map(({ law }) => law).sort());
  expect(Object.entries(mutants).filter(([, ofLaw]) => Object.keys(ofLaw).length === 0)).toEqual([]);
});

test('every question of a reader has a law', async () => {
  const asked = new Set<string | symbol>();
  const questions = Object.keys(control().backend.reader ?? {});
  for (const law of laws.filter(({ only }) => only === 'reader')) {
    await checkLaw(law, () => {
      const subject = control();
      const reader = new Proxy(subject.backend.reader as AnalyticsReader, {
        get(target, question) {
          asked.add(question);
          return Reflect.get(target, question);
        },
      });
      return { ...subject, backend: { ...subject.backend, reader } };
    });
  }
  expect([...asked].sort()).toEqual(questions.sort());
});

test('no two laws are the same sentence', () => {
  expect(new Set(laws.map(({ law }) => law)).size).toBe(laws.length);
});

describe.each(laws)('"$law" finds the backend that', (law) => {
  test.each(Object.entries(mutants[law.law] ?? {}))('%s', async (_what, mutant) => {
    await expect(checkLaw(law, mutant, { timeoutMs: 400 })).rejects.toThrow();
  });
});
