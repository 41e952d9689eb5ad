import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { createAnalyticsClient } from '@toolweaver/analytics';
import type { AnalyticsError, Env } from '@toolweaver/analytics-core';
import { isSecret } from '@toolweaver/analytics-core/backend';
import { otlpFromEnv } from '@toolweaver/analytics-otlp';
import { prometheusFromEnv } from '@toolweaver/analytics-prometheus';
import { sqliteFromEnv } from '@toolweaver/analytics-sqlite';
import { wandbFromEnv } from '@toolweaver/analytics-wandb';
import { afterAll, describe, expect, test } from 'vitest';
import { knownBackends } from '../src/backends.ts';
import { askedBy, problemsOf, readers, type Variable, variables } from './support/variables.ts';

test('.env.example names every variable that is read, once, and no other', async () => {
  const asked = await Promise.all(Object.values(await readers()).map(askedBy));
  const read = new Set(asked.flatMap((names) => [...names]));
  expect(variables.map(({ name }) => name).sort()).toEqual([...read].sort());
});

describe('the variable of each option of a backend', () => {
  const folder = mkdtempSync(join(tmpdir(), 'analytics-'));
  const certificate = join(folder, 'ca.pem');
  writeFileSync(certificate, rootCertificates[0] ?? '');
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Where the value in `.env.example` changes nothing, names a file, or needs more. */
  const values: Env = {
    OTLP_ENDPOINT: 'https://127.0.0.1:2',
    OTEL_SDK_DISABLED: 'true',
    OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=one,region=eu',
    OTEL_EXPORTER_OTLP_CERTIFICATE: certificate,
    OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE: certificate,
    OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: 'base2_exponential_bucket_histogram',
  };
  /** What has to be set, too; the first that fits. */
  const needs: readonly (readonly [name: RegExp, needed: Env])[] = [
    [/^OTLP_(INSTANCE|TOKEN)/, { OTLP_ENDPOINT: 'https://127.0.0.1:1', OTLP_INSTANCE_ID: '1', OTLP_TOKEN: 'x' }],
    [/^OTLP_/, { OTLP_ENDPOINT: 'https://127.0.0.1:1' }],
    [/^/, { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://127.0.0.1:1' }],
  ];
  /** They count only with another one, which sets the same option. */
  const additions = /PUSHGATEWAY_(?!URL)|_CLIENT_/;

  const text = (value: unknown): string | undefined => (isSecret(value) ? value.reveal() : JSON.stringify(value));

  test.each<[backend: string, fromEnv: (env: Env) => object]>([
    ['sqlite', sqliteFromEnv],
    ['prometheus', prometheusFromEnv],
    ['otlp', otlpFromEnv],
    ['wandb', wandbFromEnv],
  ])('is one that sets it: %s', async (backend, fromEnv) => {
    const asked = await askedBy(fromEnv);
    const setters = variables
      .filter(({ name }) => asked.has(name) && !additions.test(name))
      .flatMap(({ name, value }) => {
        const needed = needs.find(([of]) => of.test(name))?.[1];
        const before = new Map(Object.entries(fromEnv({ ...needed })));
        return Object.entries(fromEnv({ ...needed, [name]: values[name] ?? value }))
          .filter(([option, set]) => set !== undefined && text(set) !== text(before.get(option)))
          .map(([option]) => ({ option, name }));
      });
    const known = Object.entries(knownBackends[backend]?.variables ?? {});
    expect(known.map(([option]) => option).sort()).toEqual([...new Set(setters.map(({ option }) => option))].sort());
    for (const [option, name] of known) {
      expect(setters).toContainEqual({ option, name });
    }
  });

  test.each(Object.entries(knownBackends).filter(([, { variables }]) => variables))(
    'is told where the option is given to the client: %s',
    async (backend, { variables = {} }) => {
      const options = Object.fromEntries(Object.keys(variables).map((option) => [option, 'x']));
      const problems = await problemsOf(createAnalyticsClient, { backend, ...options });
      expect(problems).toEqual(
        Object.entries(variables).map(([field, name]) => ({
          field,
          message: `is an option of ${backend}: set ${name}, or pass await ${backend}({ ${field} }) in additionalBackends`,
        })),
      );
    },
  );
});

test('a variable that is almost one of ours is refused, and what belongs to somebody else is not', async () => {
  const ours = variables.map(({ name }) => name).filter((name) => name.startsWith('ANALYTICS_'));
  const almost = Object.fromEntries(ours.map((name) => [`${name}S`, 'x']));
  const others = { ANALYTICS_WRITE_KEY: 'x', ANALYTICS_HOST: 'x', ANALYTICS_DB_PASS: 'x', ANALYTICS_DB_AUTH: 'x' };
  const unset = { ANALYTICS_BACKND: undefined, ANALYTICS_ENABLE: '', ANALYTICS_DB_PAHT: ' ' };
  const error = await createAnalyticsClient({ env: { ...almost, ...others, ...unset } }).then(
    () => expect.fail('must be refused'),
    (thrown: AnalyticsError) => thrown,
  );
  expect(error.problems).toEqual(
    ours.map((name) => ({ field: `${name}S`, message: `is not a known variable; did you mean ${name}?` })),
  );
});

test.each([
  ['ANALYTIC_BACKEND', 'memory', 'ANALYTICS_BACKEND'],
  ['OTLP_TOKN', 'otlp', 'OTLP_TOKEN'],
  ['PROMETHEUS_PROT', 'prometheus', 'PROMETHEUS_PORT'],
])('%s is almost one of the client’s or of a backend that is named', async (field, backend, meant) => {
  const env = { [field]: '1', OTEL_SDK_DISABLED: 'true' };
  await expect(createAnalyticsClient({ backend, env })).rejects.toMatchObject({
    problems: [{ field, message: `is not a known variable; did you mean ${meant}?` }],
  });
});

test('a variable that is almost one of each backend is refused only where that backend is named', async () => {
  const ours = variables.map(({ name }) => name).filter((name) => /^(PROMETHEUS|OTLP)_/.test(name));
  const env = { ...Object.fromEntries(ours.map((name) => [`${name}S`, 'x'])), PROMETHEUS1_PORT: 'x', XOTLP_TOKEN: 'x' };
  expect(await problemsOf(createAnalyticsClient, { backend: 'memory', env } as never)).toEqual([]);
  const problems = await problemsOf(createAnalyticsClient, { backend: 'prometheus,otlp', env } as never);
  const spelling = problems.filter(({ message }) => message.startsWith('is not a known variable'));
  expect(spelling.map(({ field }) => field)).toEqual(ours.map((name) => `${name}S`));
});

test('onError hears of variables that begin like ours and are ignored, but not of those that are ours', async () => {
  const ours = variables.map(({ name }) => name).filter((name) => name.startsWith('ANALYTICS_'));
  const heard: AnalyticsError[] = [];
  const start = async (env: Env) => {
    const analytics = await createAnalyticsClient({
      backend: 'memory',
      env,
      onError: (error) => void heard.push(error),
    });
    await analytics.close();
  };
  await start({
    ...Object.fromEntries(variables.map(({ name, value }) => [name, value])),
    OTHER: 'x',
    ANALYTICS_X: ' ',
  });
  const links = ['SERVICE_HOST', 'SERVICE_PORT', 'SERVICE_PORT_HTTP', 'PORT', 'PORT_80_TCP', 'PORT_80_TCP_PROTO'];
  await start(Object.fromEntries(links.map((name) => [`ANALYTICS_${name}`, 'tcp://10.0.0.7:80'])));
  expect(heard).toEqual([]);
  await start({ ANALYTICS_DB: 'x.db', ANALYTICS_DB_PASS: 'x', ANALYTICS_WRITE_KEY: 'x' });
  const all = `is not a known variable, and is ignored; known are ${ours.join(', ')}`;
  expect(heard.map(({ code, problems }) => ({ code, problems }))).toEqual([
    {
      code: 'INVALID_CONFIG',
      problems: [
        { field: 'ANALYTICS_DB', message: all },
        {
          field: 'ANALYTICS_DB_PASS',
          message: 'is not a known variable, and is ignored; did you mean ANALYTICS_DB_PATH?',
        },
        { field: 'ANALYTICS_WRITE_KEY', message: all },
      ],
    },
  ]);
});

test('a variable with two neighbouring letters swapped is almost one of ours', async () => {
  const env = { ANALYTICS_DB_PAHT: 'x', ANALYTICS_BAKCEND: 'memory' };
  const error = await createAnalyticsClient({ env }).then(
    () => expect.fail('must be refused'),
    (thrown: AnalyticsError) => thrown,
  );
  expect(error.problems).toEqual([
    { field: 'ANALYTICS_DB_PAHT', message: 'is not a known variable; did you mean ANALYTICS_DB_PATH?' },
    { field: 'ANALYTICS_BAKCEND', message: 'is not a known variable; did you mean ANALYTICS_BACKEND?' },
  ]);
});

test('every value in .env.example is one that is accepted', async () => {
  // Files that are not there, and a key that nobody has.
  const elsewhere = /CERTIFICATE|CLIENT_KEY|NETRC|WANDB_API_KEY/;
  const env: Env = Object.fromEntries(
    variables.filter(({ name }) => !elsewhere.test(name)).map(({ name, value }) => [name, value]),
  );
  for (const [who, reader] of Object.entries(await readers())) {
    const problems = await problemsOf(reader, { ...env, ANALYTICS_BACKEND: 'memory', WANDB_API_KEY: 'x'.repeat(40) });
    expect(problems, who).toEqual([]);
  }
});

test('every default in .env.example is the one that holds when nothing is set', async () => {
  const receiver = createServer((request, response) => {
    request.resume();
    response.end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  // What backends cannot do without, and what would be another at each start. SQLite's own tests have its three.
  const needed: Env = {
    ANALYTICS_BACKEND: 'prometheus,otlp,wandb',
    PROMETHEUS_PORT: '0',
    PROMETHEUS_PUSHGATEWAY_URL: url,
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=one',
    WANDB_API_KEY: 'x'.repeat(40),
  };
  const defaults = Object.fromEntries(
    variables.filter(({ isExample }) => !isExample).map(({ name, value }) => [name, value]),
  );
  const summaries = [];
  for (const env of [needed, { ...defaults, ...needed }]) {
    const analytics = await createAnalyticsClient({ env });
    summaries.push(analytics.getConfigSummary());
    await analytics.close();
  }
  receiver.close();
  const [first, second] = summaries.map(({ backends: { prometheus, ...backends }, ...summary }) => {
    const { url: _, port: _port, ...settings } = { ...prometheus };
    return { ...summary, backends, prometheus: settings };
  });
  expect(Object.keys(first?.backends ?? {})).toEqual(['otlp', 'wandb']);
  expect(second).toEqual(first);
});

test('the table of all variables is the one that the code makes', async () => {
  const all = await readers();
  const asked = await Promise.all(
    Object.entries(all).map(async ([who, reader]) => [who, await askedBy(reader)] as const),
  );
  const rows = variables.map(async (variable) => {
    const who = asked.flatMap(([who, names]) => (names.has(variable.name) ? [who] : []));
    return row(
      variable,
      who,
      await accepted(
        variable,
        who.map((name) => all[name] ?? (() => {})),
      ),
    );
  });
  const page = document((await Promise.all(rows)).join('\n'));
  await expect(page).toMatchFileSnapshot('../../../docs/environment.md');
});

/** What is taken, in the words in which the code refuses everything else. */
async function accepted({ name }: Variable, readers: readonly ((env: Env) => unknown)[]): Promise<string> {
  // The first for numbers, as it tells how large they may be.
  for (const garbage of ['-1', '!', '/']) {
    for (const reader of readers) {
      const problem = (await problemsOf(reader, { [name]: garbage })).find(({ field }) => field === name);
      if (problem !== undefined) {
        return problem.message.replace(/, got .*$/, '').replace(/^.*known are |^must be (one of )?/, '');
      }
    }
  }
  return 'text';
}

function row({ name, value, isExample, isSecret, meaning }: Variable, who: string[], accepts: string): string {
  const notes = [meaning, isExample ? `Example: \`${value}\`.` : '', isSecret ? '**Secret.**' : ''];
  const cells = [`\`${name}\``, who.join(', '), accepts, isExample ? '' : `\`${value}\``, notes.join(' ').trim()];
  return `| ${cells.map((cell) => cell.replaceAll(/ +/g, ' ')).join(' | ')} |`;
}

function document(rows: string): string {
  return `# Environment variables

Every variable that the packages read. All are optional, and an empty one counts as unset. Only \`createAnalyticsClient\` of
[\`@toolweaver/analytics\`](../packages/analytics) reads \`process.env\` by itself, when it is called: its own variables, and those of the backends
that \`ANALYTICS_BACKEND\` names. An option in the code wins over its variable. No file is read; use \`node --env-file=.env program.ts\`.

At start, these are reported together: wrong values, misspelt variables, and settings that OTLP or W&B lack. Only if there are none does the client open the
database and the port, and report problems with those. Misspelt is what begins with \`ANALYTICS_\`, or with \`PROMETHEUS_\` or \`OTLP_\` if that backend is named, and has one letter too
many, too few or wrong, or two swapped. Any other unknown name that begins with \`ANALYTICS_\`, such as \`ANALYTICS_DB\`, may be another program's: it is ignored, and only \`onError\`
hears of it. Misspelt names of other kinds are not noticed: \`WANDB_PROJCT=demo\` is ignored. Values have no quotes around them: Node and shells remove these, \`docker --env-file\` does not.

The columns say who reads the variable (\`toolkits\` is \`toolkitOptionsFromEnv\` of [\`@toolweaver/analytics-adapters\`](../packages/adapters)), what it
accepts, and its default. For true and false, yes and no, on and off, and 1 and 0 are accepted, too, in any case.

This page is made from [\`.env.example\`](../.env.example), a file to copy, and from the code. A test compares the three; after a change,
\`node scripts/pnpm.mjs exec vitest run --project @toolweaver/analytics variables -u\` writes the page.

| variable | read by | accepts | default | what it is for |
| --- | --- | --- | --- | --- |
${rows}
`;
}
