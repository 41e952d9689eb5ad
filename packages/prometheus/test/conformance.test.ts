import { prometheus } from '@toolweaver/analytics-prometheus';
import { type Subject, testBackend } from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';
import { observe } from './support/observe.ts';
import { parse } from './support/parse.ts';
import { serve } from './support/serve.ts';
import { counted, skips } from './support/skips.ts';

describe('prometheus(), scraped', () => {
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
