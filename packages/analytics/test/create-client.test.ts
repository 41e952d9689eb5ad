import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AnalyticsClientOptions,
  type AnalyticsError,
  type Backend,
  createAnalyticsClient,
  type Env,
  memory,
} from '@toolweaver/analytics';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { apiKey, fakeService } from '../../wandb/test/support/fake-service.ts';
import { knownBackends } from '../src/backends.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'analytics-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function failure(env: Env, backend?: string): Promise<AnalyticsError> {
  return createAnalyticsClient({ env, backend }).then(
    () => expect.fail('must be refused'),
    (error) => error,
  );
}

async function backendNames(env: Env, backend?: string | string[]): Promise<string[]> {
  await using client = await createAnalyticsClient({
    env: { ANALYTICS_DB_PATH: join(folder, 'a.db'), ...env },
    backend,
  });
  return Object.keys(client.stats().backends);
}

describe('which backends', () => {
  it.each<[string, Env, string | string[] | undefined, string[]]>([
    ['sqlite by default', {}, undefined, ['sqlite']],
    ['sqlite for a blank variable', { ANALYTICS_BACKEND: '  ' }, undefined, ['sqlite']],
    ['the variable', { ANALYTICS_BACKEND: 'memory' }, undefined, ['memory']],
    ['the argument before the variable', { ANALYTICS_BACKEND: 'memory' }, 'sqlite', ['sqlite']],
    [
      'a comma list, case and blanks forgiven',
      { ANALYTICS_BACKEND: ' Memory ,, SQLITE,' },
      undefined,
      ['memory', 'sqlite'],
    ],
    ['a list', {}, ['memory', 'sqlite'], ['memory', 'sqlite']],
    ['the variable for a blank argument', { ANALYTICS_BACKEND: 'memory' }, ' , ', ['memory']],
    ['none for an empty list', { ANALYTICS_BACKEND: 'memory' }, [], []],
    ['each once', { ANALYTICS_BACKEND: 'memory,MEMORY' }, undefined, ['memory']],
    ['none when disabled', { ANALYTICS_ENABLED: 'false' }, undefined, []],
  ])('%s', async (_, env, backend, expected) => {
    expect(await backendNames(env, backend)).toEqual(expected);
  });

  it('memory that is bounded, as a service never ends', async () => {
    await using client = await createAnalyticsClient({ env: {}, backend: 'memory' });
    expect(client.getConfigSummary().backends['memory']).toMatchObject({ maxEvents: 10_000 });
  });

  it("adds the caller's own", async () => {
    const own = memory({ name: 'own' });
    await using client = await createAnalyticsClient({ env: {}, backend: 'memory', additionalBackends: [own] });
    client.recordSkillExecution({ skillId: 'parse_json', success: true });
    await client.flush();
    expect(own.events).toHaveLength(1);
    expect(client.stats().backends['memory']).toMatchObject({ delivered: 1 });
  });

  it('leaves them alone when disabled', async () => {
    const close = vi.fn();
    const own = { ...memory({ name: 'own' }), close };
    const client = await createAnalyticsClient({ env: { ANALYTICS_ENABLED: 'false' }, additionalBackends: [own] });
    client.recordSkillExecution({ skillId: 'parse_json', success: true });
    await client.close();
    expect(own.events).toHaveLength(0);
    expect(close).not.toHaveBeenCalled();
  });
});

it('tells onError that the port for Prometheus is taken, and goes on', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const errors: AnalyticsError[] = [];
  await using client = await createAnalyticsClient({
    env: { PROMETHEUS_PORT: String(port) },
    backend: 'prometheus',
    onError: (error) => errors.push(error),
  });
  expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining(`port ${port}`)]);
  expect(client.getConfigSummary().backends['prometheus']).toMatchObject({ port, url: null });
  server.close();
});

it('tells onError what a backend finds by itself', async () => {
  const path = join(folder, 'damaged.db');
  const env = { ANALYTICS_DB_PATH: path };
  await (await createAnalyticsClient({ env })).close();
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.fill(0xff, 100, 4096));
  const errors: AnalyticsError[] = [];
  await using client = await createAnalyticsClient({ env, onError: (error) => void errors.push(error) });
  expect(client.stats().backends['sqlite']).toBeDefined();
  expect(errors).toEqual([
    expect.objectContaining({ backend: 'sqlite', message: expect.stringContaining(`${path} is damaged`) }),
  ]);
});

describe('wrong configuration', () => {
  it('names an unknown backend, the known ones and the nearest', async () => {
    const error = await failure({ ANALYTICS_BACKEND: 'sqlight' });
    expect(error.code).toBe('UNKNOWN_BACKEND');
    expect(error.message).toBe(
      'ANALYTICS_BACKEND: "sqlight" is not a known backend (did you mean sqlite?); known are sqlite, prometheus, otlp, wandb, memory',
    );
    expect((await failure({}, 'constructor')).message).toMatch(
      /^backend: "constructor" is not .* known are sqlite, prometheus, otlp, wandb, memory$/,
    );
  });

  it('reports every bad variable in one error, and creates nothing', async () => {
    const path = join(folder, 'never', 'a.db');
    const error = await failure({
      ANALYTICS_BACKEND: 'sqlite,prometheus,memroy',
      ANALYTICS_SAMPLE_RATE: '7',
      ANALYTICS_ENABLED: 'perhaps',
      ANALYTICS_DB_RETENTION_DAYS: '60s',
      ANALYTICS_DB_PATH: path,
      PROMETHEUS_PORT: '80000',
    });
    expect(error.code).toBe('INVALID_CONFIG');
    expect(error.problems.map(({ field }) => field)).toEqual([
      'ANALYTICS_ENABLED',
      'ANALYTICS_SAMPLE_RATE',
      'ANALYTICS_DB_RETENTION_DAYS',
      'PROMETHEUS_PORT',
      'ANALYTICS_BACKEND',
    ]);
    for (const { field, message } of error.problems) {
      expect(error.message).toContain(`${field}: ${message}`);
    }
    expect(() => rmSync(path)).toThrow('ENOENT');
  });

  it('tells of bad variables together with what opening shows, where that creates nothing', async () => {
    const path = join(folder, 'never', 'a.db');
    const { problems } = await failure({
      ANALYTICS_BACKEND: 'sqlite,prometheus,otlp,wandb',
      ANALYTICS_DB_PATH: path,
      PROMETHEUS_PORT: '80000',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://127.0.0.1:1',
      OTEL_EXPORTER_OTLP_CERTIFICATE: join(folder, 'none.pem'),
      NETRC: join(folder, 'none'),
    });
    expect(problems.map(({ field }) => field)).toEqual([
      'PROMETHEUS_PORT',
      'OTEL_EXPORTER_OTLP_CERTIFICATE',
      'WANDB_API_KEY',
    ]);
    expect(() => rmSync(path)).toThrow('ENOENT');
  });

  it('creates no run of W&B, which would be in the way of the next start', async () => {
    const service = await fakeService();
    onTestFinished(service.close);
    const env = {
      ANALYTICS_BACKEND: 'wandb',
      WANDB_API_KEY: apiKey,
      WANDB_BASE_URL: service.url,
      WANDB_DIR: folder,
      WANDB_RUN_ID: 'exp-7',
      WANDB_RESUME: 'never',
    };
    const { problems } = await failure({ ...env, ANALYTICS_SAMPLE_RATE: '2' });
    expect(problems.map(({ field }) => field)).toEqual(['ANALYTICS_SAMPLE_RATE']);
    expect(service.runs.size).toBe(0);
    const client = await createAnalyticsClient({ env });
    client.recordToolInvocation({ toolName: 't', success: true });
    await client.close();
    expect(service.run('exp-7')).toMatchObject({ exitCode: 0, history: { length: 1 } });
    expect((await failure(env)).problems).toMatchObject([{ field: 'WANDB_RESUME' }]);
  });

  it('tells wrong addresses and headers of W&B by their variables', async () => {
    const { problems } = await failure({
      ANALYTICS_BACKEND: 'wandb',
      WANDB_BASE_URL: 'nowhere',
      WANDB_API_KEY: 'x'.repeat(40),
      WANDB_APP_URL: 'nowhere',
      WANDB_USERNAME: 'Zoë',
      WANDB_USER_EMAIL: 'zoë@example.com',
      WANDB_X_EXTRA_HTTP_HEADERS: '{"host":"elsewhere"}',
    });
    expect(problems.map(({ field }) => field).sort()).toEqual([
      'WANDB_APP_URL',
      'WANDB_BASE_URL',
      'WANDB_USERNAME',
      'WANDB_USER_EMAIL',
      'WANDB_X_EXTRA_HTTP_HEADERS',
    ]);
  });

  it('tells of a run of W&B that is open already by the variable of its id', async () => {
    const env = { ANALYTICS_BACKEND: 'wandb', WANDB_MODE: 'offline', WANDB_DIR: folder, WANDB_RUN_ID: 'abc' };
    await using _ = await createAnalyticsClient({ env });
    expect((await failure(env)).problems).toEqual([
      { field: 'WANDB_RUN_ID', message: expect.stringContaining('the run abc is open in this process') },
    ]);
  });

  it('says what opening has found wrong at once, by the names of the variables', async () => {
    const error = await failure({
      ANALYTICS_BACKEND: 'sqlite,wandb,prometheus',
      ANALYTICS_DB_PATH: folder,
      NETRC: join(folder, 'none'),
      PROMETHEUS_HOST: 'nosuch.invalid',
    });
    expect(error.code).toBe('INVALID_CONFIG');
    expect(error.problems.map(({ field }) => field)).toEqual(['ANALYTICS_DB_PATH', 'WANDB_API_KEY', 'PROMETHEUS_HOST']);
    expect(error.message).toContain(`ANALYTICS_DB_PATH: ${folder}`);
  });

  it('tells certificates by the variable that was set, where there are two for them', async () => {
    const { problems } = await failure({
      ANALYTICS_BACKEND: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://127.0.0.1:1',
      OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE: join(folder, 'none.pem'),
      OTEL_EXPORTER_OTLP_CERTIFICATE: join(folder, 'other.pem'),
      OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE: ' ',
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: join(folder, 'none.pem'),
      OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY: join(folder, 'none.key'),
    });
    expect(problems.map(({ field }) => field)).toEqual([
      'OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE',
      'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE',
      'OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY',
    ]);
  });

  it.each<[unknown, string]>([
    ['sqlite', 'options'],
    [{ backend: 42 }, 'backend'],
    [{ backends: [memory()] }, 'backends'],
    [{ sampelRate: 0.1 }, 'sampelRate'],
    [{ backend: 'memory', retry: { attempts: 3 } }, 'retry.attempts'],
  ])('refuses %j as options', async (options, field) => {
    const refused = createAnalyticsClient(options as AnalyticsClientOptions);
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_CONFIG', problems: [{ field }] });
  });

  it('takes an undefined option for none, and names what null is', async () => {
    const options = { backend: 'memory', backends: undefined } as AnalyticsClientOptions;
    await (await createAnalyticsClient(options)).close();
    await expect(createAnalyticsClient(null as never)).rejects.toThrow('must be an object, got null');
  });

  it('tells of options together with variables, by the names that the caller gave', async () => {
    const problemsOf = async (options: object): Promise<unknown> => {
      const made = createAnalyticsClient(options as AnalyticsClientOptions);
      const { problems } = await made.then(
        () => expect.unreachable(),
        (error: AnalyticsError) => error,
      );
      return problems.map(({ field, message }) => `${field} ${message}`);
    };
    const env = { ANALYTICS_BACKEND: 'memory', TOOLKIT_BATCH_SIZE: '0' };
    expect(await problemsOf({ env, sampleRate: '0.5', slowMs: -1 })).toEqual([
      'sampleRate must be a number from 0 to 1, got "0.5"',
      'slowMs must be a number >= 0, got -1',
      'TOOLKIT_BATCH_SIZE must be a whole number from 1 to 1000, got "0"',
    ]);
    expect(await problemsOf({ backend: 'memory', env: {}, additionalBackends: [Promise.resolve(memory())] })).toEqual([
      'additionalBackends[0] must be a backend, got a promise: await it',
    ]);
    expect(await problemsOf({ backend: memory(), env: 3, additionalBackends: memory() })).toEqual([
      'backend must be a name or a list of names, got an object; backends themselves go into additionalBackends',
      'additionalBackends must be an array of backends, got an object',
      'env must be an object of strings such as process.env, got 3',
    ]);
    expect(await problemsOf({ backend: 'sqlite', path: 'x.db', port: 0, databse: 'x' })).toEqual([
      'path is an option of sqlite: set ANALYTICS_DB_PATH, or pass await sqlite({ path }) in additionalBackends',
      'port is an option of prometheus: set PROMETHEUS_PORT, or pass await prometheus({ port }) in additionalBackends',
      expect.stringContaining('databse is not an option; the options are backend, '),
    ]);
    expect(await problemsOf({ enabled: false })).toEqual([
      'enabled is not an option; to record nothing, set ANALYTICS_ENABLED=false, or pass it in `env`',
    ]);
    expect(await problemsOf({ backend: 'wandb', apiKey: 'x', project: 'x', dir: '.', runName: 'x' })).toEqual([
      'apiKey is an option of wandb: set WANDB_API_KEY, or pass await wandb({ apiKey }) in additionalBackends',
      'project is an option of wandb: set WANDB_PROJECT, or pass await wandb({ project }) in additionalBackends',
      'dir is an option of wandb: set WANDB_DIR, or pass await wandb({ dir }) in additionalBackends',
      'runName is an option of wandb: set WANDB_NAME, or pass await wandb({ runName }) in additionalBackends',
    ]);
    expect(await problemsOf({ backend: memory })).toEqual([
      'backend must be a name or a list of names, got a function; backends themselves go into additionalBackends',
    ]);
    expect(await problemsOf({ backend: ['memory', memory(), undefined, null] })).toEqual([
      'backend[1] must be a name, got an object; backends themselves go into additionalBackends',
      'backend[2] must be a name, got undefined',
      'backend[3] must be a name, got null',
    ]);
  });

  it.each<[object, string]>([
    [{ backend: 'wandb' }, 'WANDB_HOST'],
    [{ backend: ['memory', ' WandB '] }, 'WANDB_HOST'],
    [{ backend: 'memory,wandb' }, 'WANDB_HOST'],
    [{ env: { ANALYTICS_BACKEND: 'wandb' } }, 'WANDB_HOST'],
    [{ backend: 'prometheus', env: { ANALYTICS_BACKEND: 'wandb' } }, 'PROMETHEUS_HOST'],
    [{ backend: 'wandb,prometheus' }, 'PROMETHEUS_HOST'],
    [{ backend: 'memory' }, 'PROMETHEUS_HOST'],
    [{ backend: Object.create(null) }, 'PROMETHEUS_HOST'],
    [{ env: null }, 'PROMETHEUS_HOST'],
  ])('with %j means by the option of several backends that of the one in use', async (options, wanted) => {
    const refused = createAnalyticsClient({ ...options, host: 'x' } as AnalyticsClientOptions);
    const told = { field: 'host', message: expect.stringContaining(`set ${wanted}, or`) };
    await expect(refused).rejects.toMatchObject({ problems: expect.arrayContaining([told]) });
  });

  it.each([5, true, {}, ['memory']])('refuses %j as the variable of the backends', async (value) => {
    const error = await failure({ ANALYTICS_BACKEND: value as never });
    expect(error.problems).toEqual([
      { field: 'ANALYTICS_BACKEND', message: `must be a string, not of type ${typeof value}` },
    ]);
  });

  it('tells of a misspelt variable also where nothing is to be recorded', async () => {
    const { problems } = await failure({ ANALYTICS_ENABLED: 'false', ANALYTICS_BACKENDS: 'memory' });
    expect(problems.map(({ field }) => field)).toEqual(['ANALYTICS_BACKENDS']);
  });

  it('tells how to name several backends', async () => {
    expect((await failure({ ANALYTICS_BACKEND: 'sqlite;prometheus' })).message).toContain('put commas between several');
    expect((await failure({ ANALYTICS_BACKEND: 'local' })).message).toContain('(did you mean sqlite?)');
    expect((await failure({ ANALYTICS_BACKEND: 'none' })).message).toContain('(for none: ANALYTICS_ENABLED=false)');
  });

  it('closes what it opened when a later step fails', async () => {
    const env = { ANALYTICS_DB_PATH: join(folder, 'a.db') };
    const twice = createAnalyticsClient({ env, additionalBackends: [memory({ name: 'sqlite' })] });
    await expect(twice).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });
});

describe('settings from the environment', () => {
  it('samples at ANALYTICS_SAMPLE_RATE unless the option says otherwise', async () => {
    const env = { ANALYTICS_BACKEND: 'memory', ANALYTICS_SAMPLE_RATE: '0.25' };
    await using sampled = await createAnalyticsClient({ env });
    await using whole = await createAnalyticsClient({ env, sampleRate: 1 });
    expect(sampled.getConfigSummary().sampleRate).toBe(0.25);
    expect(whole.getConfigSummary().sampleRate).toBe(1);
  });

  it.each<[Env, number | undefined, number[]]>([
    [{ TOOLKIT_BATCH_SIZE: '2' }, undefined, [2, 2, 1]],
    [{ TOOLKIT_BATCH_SIZE: '2' }, 3, [3, 2]],
    [{}, undefined, [5]],
  ])('gives backends batches as %j and the option %j say', async (env, batchSize, sizes) => {
    const written: number[] = [];
    const own: Backend = {
      name: 'own',
      delivery: { maxEvents: 100, maxDelayMs: 0 },
      settings: {},
      write: ({ length }) => void written.push(length),
    };
    const options = { env: { ...env, ANALYTICS_BACKEND: 'memory' }, batchSize, additionalBackends: [own] };
    const client = await createAnalyticsClient(options);
    for (let call = 0; call < 5; call += 1) {
      client.recordToolInvocation({ toolName: 'search', success: true });
    }
    await client.close();
    expect(written).toEqual(sizes);
  });

  it.each(['0', '1001', '1.5', 'many'])('refuses %s as TOOLKIT_BATCH_SIZE', async (size) => {
    const { problems } = await failure({ ANALYTICS_BACKEND: 'memory', TOOLKIT_BATCH_SIZE: size });
    expect(problems.map(({ field }) => field)).toEqual(['TOOLKIT_BATCH_SIZE']);
  });

  it('reads process.env by default', async () => {
    const before = process.env['ANALYTICS_BACKEND'];
    process.env['ANALYTICS_BACKEND'] = 'memory';
    try {
      await using client = await createAnalyticsClient();
      expect(Object.keys(client.stats().backends)).toEqual(['memory']);
    } finally {
      if (before === undefined) {
        delete process.env['ANALYTICS_BACKEND'];
      } else {
        process.env['ANALYTICS_BACKEND'] = before;
      }
    }
  });
});

// A new backend is in this test by being in the table.
const names = [...Object.keys(knownBackends), Object.keys(knownBackends).join(',')];
describe.each(names)('the same program under %s', (name) => {
  it('records everything', async () => {
    const wandb = { WANDB_MODE: 'offline', WANDB_DIR: folder };
    const receiver = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    onTestFinished(() => void receiver.close());
    const otlp = { OTLP_ENDPOINT: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}` };
    const env = { ANALYTICS_BACKEND: name, ANALYTICS_DB_PATH: join(folder, 'a.db'), ...wandb, ...otlp };
    const client = await createAnalyticsClient({ env });
    client.recordSkillExecution({ skillId: 'parse_json', success: true, latencyMs: 150, userId: 'u', orgId: 'o' });
    client.recordToolInvocation({ toolName: 'search', success: false, error: { type: 'TimeoutError' } });
    client.recordLlmCall({ model: 'm', success: true, usage: { inputTokens: 3 }, cost: { usd: 0.01 } });
    client.recordToolkitEvent({ toolkit: 't', operation: 'create', durationMs: 1, success: true });
    client.recordSkillRating({ skillId: 'parse_json', rating: 5 });
    client.updateHealthScore({ skillId: 'parse_json', score: 95 });
    client.logMetrics({ accuracy: 0.9 });
    await client.trackRun({ name: 'run' }, () => client.trackOperation('work', () => 1));
    client.startRun().logArtifact({ name: 'a', kind: 'report', bytes: new Uint8Array(3) });

    expect(await client.healthCheck()).toMatchObject({ healthy: true });
    expect(await client.push()).toMatchObject({ ok: true });
    expect(await client.close()).toMatchObject({ ok: true });
    for (const [backend, { accepted, delivered }] of Object.entries(client.stats().backends)) {
      expect([backend, accepted, delivered]).toEqual([backend, 12, 12]);
    }
  });
});
