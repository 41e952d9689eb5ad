import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { type AnalyticsError, type Env, isAnalyticsError } from '@toolweaver/analytics';
import { toolkitOptionsFromEnv } from '@toolweaver/analytics-adapters';
import { isSecret } from '@toolweaver/analytics-core/backend';
import { otlpFromEnv } from '@toolweaver/analytics-otlp';
import { prometheusFromEnv } from '@toolweaver/analytics-prometheus';
import { sqliteFromEnv } from '@toolweaver/analytics-sqlite';
import { wandbFromEnv } from '@toolweaver/analytics-wandb';
import { expect } from 'vitest';
import { times, trial } from '../../../../test/support/trial.ts';

const readers: readonly ((env: Env) => object)[] = [
  sqliteFromEnv,
  prometheusFromEnv,
  otlpFromEnv,
  wandbFromEnv,
  toolkitOptionsFromEnv,
];
/** Each once; `env-example.test.ts` holds that these are all. */
const variables = [
  ...readFileSync(new URL('../../../../.env.example', import.meta.url), 'utf8').matchAll(/^#([A-Z][A-Z0-9_]+)=/gm),
].map(([, name = '']) => name);
const secrets = variables.filter((name) => /TOKEN|AUTHORIZATION|API_KEY|HEADERS/.test(name));
const numeric = variables.filter((name) => /(_PORT|INTERVAL|TIMEOUT|_DAYS|_MB|_LABEL_SETS)$/.test(name));
/** Files that are looked at. */
const files = /CERTIFICATE|CLIENT_KEY|NETRC/;
/** What is needed, so that what is read beside it can be told apart. */
const complete: Env = { OTLP_ENDPOINT: 'http://localhost:4318' };

const blanks = ['', ' ', '\t', '\r\n', '  \n '];
/** What a strict reader takes for no number. */
const noNumbers = ['1e3', '0x10', '60s', '1_000', '1,5', 'NaN', 'Infinity', '--1', '1 2', 'ten', '٣', '-', '.', '1n'];
const odd = [
  ...[...noNumbers, '0', '-1', '1', '0.5', '99999999999999999999', 'true', 'TRUE', 'yes', 'on', 'null', 'undefined'],
  ...['a,b', ',', '=', 'a=b', 'a=b=c', '=x', 'a=%', '{}', '[]', '{"a":1}', '"', "'", '\\', '\0', '\ud800', '🧶', '%00'],
  ...['http://', 'ftp://a', 'http://a b', 'https://user:pass@host', 'http://[::1', '//host', 'file:///etc/passwd'],
  ...['x'.repeat(10_000), '__proto__', 'constructor', '\n\r', '$(id)', '../../..', ';DROP TABLE'],
] as const;

/** What a reader makes of an environment: options, or the one error that it may throw. */
function read(reader: (env: Env) => object, env: Env): { options?: object; error?: AnalyticsError } {
  try {
    return { options: reader(env) };
  } catch (error) {
    if (!isAnalyticsError(error)) {
      throw error;
    }
    return { error };
  }
}

/** With what secrets hide. */
const shown = (options: object | undefined): string =>
  JSON.stringify(options, (_, value) => (isSecret(value) ? value.reveal() : value));

trial(
  'R42',
  'any environment is read as it is meant, or refused with the names of what is wrong',
  async ({ random, add }) => {
    for (const reader of readers) {
      const plain = shown(read(reader, complete).options);
      for (const name of variables) {
        // Empty is unset.
        for (const blank of blanks) {
          expect(
            shown(read(reader, { ...complete, [name]: name in complete ? complete[name] : blank }).options),
            name,
          ).toBe(plain);
          add('blanks');
        }
        // A value is never somebody else's to choke on.
        for (const value of files.test(name) ? [] : odd) {
          const { error } = read(reader, { ...complete, [name]: value });
          expect(error?.problems.every(({ field }) => variables.includes(field)) ?? true, `${name}=${value}`).toBe(
            true,
          );
          add('values');
          add('refused', error === undefined ? 0 : 1);
        }
      }
    }
    for (const name of numeric) {
      const reads = readers.filter((reader) => read(reader, { ...complete, [name]: 'ten' }).error !== undefined);
      expect(reads.length, name).toBeGreaterThan(0);
      for (const value of noNumbers) {
        for (const reader of reads) {
          const { error } = read(reader, { ...complete, [name]: value });
          expect(
            error?.problems.map(({ field }) => field),
            `${name}=${value}`,
          ).toEqual([name]);
          add('noNumbers');
        }
      }
    }
    // Many at once: all are told of, and no secret is.
    const canary = 'CANARY-7a1f';
    for (let left = times(20_000, 300); left > 0; left -= 1) {
      const env: Record<string, string> = {};
      for (let count = 1 + random.below(8); count > 0; count -= 1) {
        const name = random.pick(variables);
        if (!files.test(name)) {
          env[name] = secrets.includes(name) ? `${canary}${random.pick(odd)}` : random.pick(odd);
        }
      }
      for (const reader of readers) {
        const { error, options } = read(reader, env);
        expect(
          `${inspect(error, { depth: 8, showHidden: true })}${error?.stack}${JSON.stringify(error?.problems)}`,
        ).not.toContain(canary);
        expect(options === undefined ? error?.code : 'INVALID_CONFIG').toBe('INVALID_CONFIG');
        for (const { field } of error?.problems ?? []) {
          // Or it names what is missing.
          expect(field in env || variables.includes(field), field).toBe(true);
        }
      }
      add('environments');
    }
  },
);
