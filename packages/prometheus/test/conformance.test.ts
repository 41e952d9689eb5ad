import { type MetricRegistry, prometheus } from '@toolweaver/analytics-prometheus';
import { type Subject, testBackend } from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';
import { clients } from './support/clients.ts';
import { observe } from './support/observe.ts';
import { parse } from './support/parse.ts';
import { serve } from './support/serve.ts';
import { counted, skips } from './support/skips.ts';

const registries: readonly (readonly [string, () => MetricRegistry | undefined])[] = [
  ['scraped', () => undefined],
  ...clients.map(
    ({ title, client }) => [`scraped through a user's registry of ${title}`, () => new client.Registry()] as const,
  ),
];

describe.each(registries)('prometheus(), %s', (_, registryOfUser) => {
  testBackend({
    test,
    skip: [...counted, ...skips('scrapers come or stay away: nothing is delivered to them', 'breakFarSide')].filter(
      // Only of backends that were given a secret.
      ({ law }) => law !== 'no error shows a secret',
    ),
    async create(): Promise<Subject> {
      const registry = registryOfUser();
      const backend = await prometheus({ port: 0, registry });
      // Its own server ends with it; on one of the user's it goes on showing the last values.
      const server = await serve(backend.handler);
      const scrape = async (url: string): Promise<string> => (await fetch(url)).text();
      let last: string | undefined;
      return {
        // Its end takes our metrics out of a registry of the user's: what was there until then is what a scraper has.
        backend: registry === undefined ? backend : { ...backend, close: () => closeAfterScrape() },
        async observe() {
          const text = last ?? (await scrape(server.url));
          const { url } = backend;
          if (url !== undefined) {
            expect(parse(await scrape(url))).toEqual(parse(text));
          }
          return observe(text);
        },
        dispose: server.close,
      };

      async function closeAfterScrape(): Promise<void> {
        last ??= await scrape(server.url);
        await backend.close?.();
      }
    },
  });
});
