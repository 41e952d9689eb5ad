import { laws, type Skip } from '@toolweaver/analytics-testkit';

/** Skips the laws that need one of these, and those of these sentences. */
export function skips(reason: string, ...what: readonly string[]): Skip[] {
  const isMeant = ({ law, needs = [] }: (typeof laws)[number]): boolean =>
    what.includes(law) || needs.some((need) => what.includes(need));
  return laws.filter((law) => law.only !== 'reader' && isMeant(law)).map(({ law }) => ({ law, reason }));
}

/** What no counter can keep. */
export const counted: readonly Skip[] = [
  ...skips(
    'a counter knows no ids; core writes each event once to a backend that takes it immediately',
    'an event that is delivered again counts once',
  ),
  ...skips('runs and what belongs to one make no metric', 'metrics', 'runs', 'artifacts'),
  ...skips('a counter keeps no events', 'events'),
  ...skips('counts begin at 0 with each process, which Prometheus knows how to add up', 'reopen'),
];
