import { prometheus } from '@toolweaver/analytics-prometheus';
import { laws, type Skip, type Subject, testBackend } from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';
import { startGateway } from './support/gateway.ts';
import { observe } from './support/observe.ts';
import { parse } from './support/parse.ts';
import { serve } from './support/serve.ts';

/** Skips the laws that need one of these, and those of these sentences. */
function skips(reason: string, ...what: readonly string[]): Skip[] {
  const isMeant = ({ law, needs = [] }: (typeof laws)[number]): boolean =>
    what.includes(law) || needs.some((need) => what.includes(need));
  return laws.filter((law) => law.only !== 'reader' && isMeant(law)).map(({ law }) => ({ law, reason }));
}

const counted: readonly Skip[] = [
  ...skips(
    'a counter knows no ids; core writes each event once to a backend that takes it immediately',
    'an event that is delivered again counts once',
  ),
  ...skips('runs and what belongs to one make no metric', 'metrics', 'runs', 'artifacts'),
  ...skips('a counter keeps no events', 'events'),
  ...skips('counts begin at 0 with each process, which Prometheus knows how to add up', 'reopen'),
];

describe('scraped', () => {
  testBackend({
    test,
    skip: [...counted, ...skips('scrapers come or stay away: nothing is delivered to them', 'breakFarSide')].filter(
      // Only of backends that were given a secret.
      ({ law }) => law !== 'no error shows a secret',
    ),
    async create(): Promise<Subject> {
      const backend = await prometheus({ port: 0 });
      // Its own server ends with it; on one of the user's it goes on showing the last values.
      const server = await serve(backend.handler);
      return {
        backend,
        async observe() {
          const text = await (await fetch(server.url)).text();
          const { url } = backend;
          if (url !== undefined) {
            expect(parse(await (await fetch(url)).text())).toEqual(parse(text));
          }
          return observe(text);
        },
        dispose: server.close,
      };
    },
  });
});

describe('pushed', () => {
  testBackend({
    test,
    skip: counted,
    async create(): Promise<Subject> {
      const gateway = await startGateway();
      const authorization = 'Bearer s3cr3t-of-the-gateway';
      const backend = await prometheus({
        pushgateway: { url: gateway.url, job: 'laws', intervalMs: 0, authorization },
      });
      return {
        backend,
        observe: () => observe(gateway.groups.get('/metrics/job/laws') ?? '\n'),
        breakFarSide() {
          gateway.isBroken = true;
        },
        repairFarSide() {
          gateway.isBroken = false;
        },
        secrets: [authorization],
        dispose: gateway.close,
      };
    },
  });
});
