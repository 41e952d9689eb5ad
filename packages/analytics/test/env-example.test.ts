import { readFileSync } from 'node:fs';
import { createAnalyticsClient } from '@toolweaver/analytics';
import { toolkitOptionsFromEnv } from '@toolweaver/analytics-adapters';
import { type Env, isAnalyticsError } from '@toolweaver/analytics-core';
import { expect, test } from 'vitest';
import { knownBackends } from '../src/backends.ts';

const example = readFileSync(new URL('../../../.env.example', import.meta.url), 'utf8');
const assignments = [...example.matchAll(/^#([A-Z][A-Z0-9_]+)=(.*)$/gm)].map(
  ([, name = '', value = '']): readonly [name: string, value: string] => [name, value],
);

/** Everything that reads the environment. */
async function readers(): Promise<((env: Env) => unknown)[]> {
  const backends = await Promise.all(Object.values(knownBackends).map(({ load }) => load()));
  return [...backends, toolkitOptionsFromEnv];
}

test('.env.example names every variable that is read, once, and no other', async () => {
  const read = new Set<string>();
  const env: Env = new Proxy(
    {},
    {
      get(_, name) {
        if (typeof name === 'string') {
          read.add(name);
        }
        return name === 'ANALYTICS_BACKEND' ? 'memory' : undefined;
      },
    },
  );
  await (await createAnalyticsClient({ env })).close();
  for (const reader of await readers()) {
    try {
      reader(env);
    } catch (error) {
      // Something that is needed is missing: what was read counts all the same.
      expect(isAnalyticsError(error)).toBe(true);
    }
  }
  expect(assignments.map(([name]) => name).sort()).toEqual([...read].sort());
});

test('every value in .env.example is one that is accepted', async () => {
  // Files that are not there, and a key that nobody has.
  const elsewhere = /CERTIFICATE|CLIENT_KEY|NETRC|WANDB_API_KEY/;
  const env: Env = Object.fromEntries(assignments.filter(([name]) => !elsewhere.test(name)));
  for (const reader of await readers()) {
    expect(() => reader({ ...env, WANDB_API_KEY: 'x'.repeat(40) })).not.toThrow();
  }
});
