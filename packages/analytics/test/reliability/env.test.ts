import { inspect, isDeepStrictEqual } from 'node:util';
import { type AnalyticsError, type Env, isAnalyticsError } from '@toolweaver/analytics';
import { toolkitOptionsFromEnv } from '@toolweaver/analytics-adapters';
import { isSecret } from '@toolweaver/analytics-core/backend';
import { otlpFromEnv } from '@toolweaver/analytics-otlp';
import { prometheusFromEnv } from '@toolweaver/analytics-prometheus';
import { sqliteFromEnv } from '@toolweaver/analytics-sqlite';
import { wandbFromEnv } from '@toolweaver/analytics-wandb';
import { expect } from 'vitest';
import { times, trial } from '../../../../test/support/trial.ts';
import { askedBy, variables as known, readers as others } from '../support/variables.ts';

type Reader = (env: Env) => object | Promise<object>;

const { client: clientOfEnv } = (await others()) as { readonly client: Reader };
/** Where it takes the default, SQLite, that is in nobody's folder. */
const client: Reader = (env) => {
  const get = (_: Env, name: string): string | undefined => (name === 'ANALYTICS_DB_PATH' ? ':memory:' : env[name]);
  return clientOfEnv(new Proxy(env, { get }));
};
/** Read by the client alone. */
const backend = 'ANALYTICS_BACKEND';
const readers: readonly Reader[] = [
  sqliteFromEnv,
  prometheusFromEnv,
  otlpFromEnv,
  wandbFromEnv,
  toolkitOptionsFromEnv,
  client,
];
/** Each once; `variables.test.ts` holds that these are all. */
const variables = known.map(({ name }) => name);
const secrets = variables.filter((name) => /TOKEN|AUTHORIZATION|API_KEY|HEADERS/.test(name));
const numeric = variables.filter((name) => /(_PORT|INTERVAL|TIMEOUT|_DAYS|_MB|_LABEL_SETS|_RATE|_SIZE)$/.test(name));
/** Files that are looked at. */
const files = /CERTIFICATE|CLIENT_KEY|NETRC/;
/** What is needed, so that what is read beside it can be told apart. */
const complete: Env = { OTLP_ENDPOINT: 'http://localhost:4318' };
/** With what variables about it need. */
const pushing: Env = { ...complete, PROMETHEUS_PUSHGATEWAY_URL: 'http://127.0.0.1:9091' };

const blanks = ['', ' ', '\t', '\r\n', '  \n '];
/** What a strict reader takes for no number. */
const noNumbers = ['1e3', '0x10', '60s', '1_000', '1,5', 'NaN', 'Infinity', '--1', '1 2', 'ten', '٣', '-', '.', '1n'];
const odd = [
  ...[...noNumbers, '0', '-1', '1', '0.5', '99999999999999999999', 'true', 'TRUE', 'yes', 'on', 'null', 'undefined'],
  ...['a,b', ',', '=', 'a=b', 'a=b=c', '=x', 'a=%', '{}', '[]', '{"a":1}', '"', "'", '\\', '\0', '\ud800', '🧶', '%00'],
  ...['http://', 'ftp://a', 'http://a b', 'https://user:pass@host', 'http://[::1', '//host', 'file:///etc/passwd'],
  ...['x'.repeat(10_000), '__proto__', 'constructor', '\n\r', '$(id)', '../../..', ';DROP TABLE'],
] as const;

/** What becomes of some values of a variable; of numbers, those around their bounds. */
const decided: readonly { readonly names: readonly string[]; readonly taken: string[]; readonly refused: string[] }[] =
  [
    {
      names: variables.filter((name) =>
        /(_ENABLED|_DISABLED|_WORKERS|_DEFAULT_METRICS|_DELETE_ON_CLOSE|_TRACK_.*)$/.test(name),
      ),
      taken: ['true', 'TRUE', 'False', 'yes', 'off', '1', '0', ' on '],
      refused: ['2', '-1', 'y', 'enabled', 'true false', '"true"'],
    },
    {
      names: ['ANALYTICS_SAMPLE_RATE', 'TOOLKIT_SAMPLE_RATE'],
      taken: ['0', '1', '0.5', '.5', '+1', '-0'],
      refused: ['-1', '-0.1', '1.01', '2', '50%', '99999999999999999999', ...noNumbers],
    },
    {
      names: ['TOOLKIT_BATCH_SIZE'],
      taken: ['1', '1000', '+7', '007'],
      refused: ['0', '-1', '1001', '1.5', '99999999999999999999', ...noNumbers],
    },
    {
      names: ['ANALYTICS_DB_RETENTION_DAYS'],
      taken: ['0', '36500'],
      refused: ['-1', '36501', '0.5', '99999999999999999999', ...noNumbers],
    },
    {
      names: ['ANALYTICS_DB_MAX_MB'],
      taken: ['0', '100000000'],
      refused: ['-1', '536870912', '0.5', '99999999999999999999', ...noNumbers],
    },
    {
      names: ['PROMETHEUS_PORT'],
      taken: ['0', '65535'],
      refused: ['-1', '65536', '80.5', ':80', '99999999999999999999', ...noNumbers],
    },
    {
      names: ['ANALYTICS_METRICS_MAX_LABEL_SETS'],
      taken: ['1', '2000'],
      refused: ['0', '-1', '1.5', '99999999999999999999', ...noNumbers],
    },
    {
      names: ['OTLP_PUSH_INTERVAL'],
      taken: ['1', '1.5', '3600'],
      refused: ['0', '-1', '0.5', '60000', '99999999999999999999', ...noNumbers],
    },
    {
      names: ['PROMETHEUS_PUSHGATEWAY_INTERVAL'],
      taken: ['0', '0.5', '3600'],
      refused: ['-1', '60000', '99999999999999999999', ...noNumbers],
    },
    {
      names: ['WANDB_HTTP_TIMEOUT'],
      taken: ['0.001', '3600'],
      refused: ['0', '-1', '60000', '99999999999999999999', ...noNumbers],
    },
    {
      names: variables.filter((name) =>
        /^OTEL_(METRIC_EXPORT|EXPORTER_OTLP(_METRICS)?)_(INTERVAL|TIMEOUT)$/.test(name),
      ),
      taken: ['1000', '10000'],
      refused: ['-1', '0.5', '99999999999999999999', ...noNumbers],
    },
    {
      names: ['ANALYTICS_BACKEND'],
      taken: ['memory', 'MEMORY', ' memory , ,memory'],
      refused: ['memry', 'memory;sqlite', '__proto__', 'constructor', 'none', '0'],
    },
    {
      names: ['PROMETHEUS_PUSHGATEWAY_MODE'],
      taken: ['push', 'ADD'],
      refused: ['put', 'pushadd', '0'],
    },
    {
      names: ['OTEL_EXPORTER_OTLP_COMPRESSION', 'OTEL_EXPORTER_OTLP_METRICS_COMPRESSION'],
      taken: ['gzip', 'GZIP', 'None'],
      refused: ['br', 'gz', 'true'],
    },
    {
      names: ['OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_METRICS_PROTOCOL'],
      taken: ['http/protobuf', 'HTTP/JSON'],
      refused: ['http', 'json', 'http/xml'],
    },
    {
      names: ['WANDB_MODE'],
      taken: ['online', 'offline', 'disabled', 'dryrun', 'run'],
      refused: ['OFFLINE', 'on', 'true', 'shared'],
    },
    {
      names: ['WANDB_RESUME'],
      taken: ['allow', 'must', 'never', 'auto'],
      refused: ['MUST', 'yes', '1', 'allowed'],
    },
    {
      names: ['ANALYTICS_METRICS_LABELS'],
      taken: ['org_id', 'user_id,org_id'],
      refused: ['run_id', 'org_id,org_id'],
    },
    {
      names: ['ANALYTICS_METRICS_BUCKETS_MS'],
      taken: ['1', '0.5,1,10'],
      refused: ['0', '-1', '1,1', '2,1', '1;2', 'ten', 'Infinity'],
    },
    {
      names: ['OTLP_ENDPOINT', 'PROMETHEUS_PUSHGATEWAY_URL'],
      taken: ['http://127.0.0.1:4318', 'HTTPS://host.example'],
      refused: [
        'http://',
        'ftp://a',
        'http://a b',
        'https://user:pass@host',
        'http://[::1',
        '//host',
        'file:///etc/passwd',
        '1',
      ],
    },
  ];

/** What a reader makes of an environment: options, or the one error that it may throw. */
async function read(reader: Reader, env: Env): Promise<{ options?: object; error?: AnalyticsError }> {
  try {
    return { options: await reader(env) };
  } catch (error) {
    if (!isAnalyticsError(error)) {
      throw error;
    }
    return { error };
  }
}

const fieldsOf = ({ error }: { readonly error?: AnalyticsError }): string[] =>
  error?.problems.map(({ field }) => field) ?? [];

/** With what secrets hide. */
const shown = (options: object | undefined): string =>
  JSON.stringify(options, (_, value) => (isSecret(value) ? value.reveal() : value));

trial(
  'R42',
  'any environment is read as it is meant, or refused with the names of what is wrong',
  async ({ random, add }) => {
    for (const reader of readers) {
      const plain = shown((await read(reader, complete)).options);
      // To make a client takes long, and what it does not ask for it hands on.
      for (const name of reader === client ? await askedBy(reader) : variables) {
        // Empty is unset.
        for (const blank of blanks) {
          const isPlain = name in complete || (name === backend && reader === client);
          const env = { ...complete, [name]: isPlain ? complete[name] : blank };
          expect(shown((await read(reader, env)).options), name).toBe(plain);
          add('blanks');
        }
        // A value is never somebody else's to choke on.
        for (const value of files.test(name) ? [] : odd) {
          const answer = await read(reader, { ...complete, [name]: value });
          expect(
            fieldsOf(answer).every((field) => variables.includes(field)),
            `${name}=${value}`,
          ).toBe(true);
          add('values');
          add('refused', answer.error === undefined ? 0 : 1);
        }
      }
    }
    // The trial's plain client is no default: that would take a file.
    const byDefault = shown((await read(client, { [backend]: 'sqlite' })).options);
    for (const blank of blanks) {
      expect(shown((await read(client, { [backend]: blank })).options)).toBe(byDefault);
      add('blanks');
    }
    const asked = await Promise.all(readers.map(async (reader) => ({ reader, names: await askedBy(reader) })));
    const otherwise: string[] = [];
    for (const { names, taken, refused } of decided) {
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) {
        const own = asked.filter((one) => one.names.has(name));
        expect(own.length, name).toBeGreaterThan(0);
        for (const { reader } of own) {
          for (const [values, fields] of [
            [taken, []],
            [refused, [name]],
          ] as const) {
            for (const value of values) {
              const found = fieldsOf(await read(reader, { ...pushing, [name]: value }));
              if (!isDeepStrictEqual(found, fields)) {
                otherwise.push(`${name}=${value}: ${found.length === 0 ? 'taken' : `refused for ${found}`}`);
              }
              add('decided');
            }
          }
        }
      }
    }
    expect(otherwise.join('\n')).toBe('');
    // No number goes undecided.
    expect(numeric.filter((name) => !decided.some(({ names }) => names.includes(name)))).toEqual([]);
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
      for (const reader of left % 10 === 0 ? readers : readers.slice(0, -1)) {
        const { error, options } = await read(reader, env);
        expect(
          `${inspect(error, { depth: 8, showHidden: true })}${error?.stack}${JSON.stringify(error?.problems)}`,
        ).not.toContain(canary);
        expect(['INVALID_CONFIG', 'UNKNOWN_BACKEND']).toContain(options === undefined ? error?.code : 'INVALID_CONFIG');
        for (const { field } of error?.problems ?? []) {
          // Or it names what is missing.
          expect(field in env || variables.includes(field), field).toBe(true);
        }
      }
      add('environments');
    }
  },
);
