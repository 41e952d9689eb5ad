import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { type AnalyticsError, isAnalyticsError } from '@toolweaver/analytics-core';
import { createOptionChecks } from '@toolweaver/analytics-core/backend';
import {
  type Alert,
  type ArtifactInput,
  type FinishOptions,
  type LogOptions,
  type MetricOptions,
  type RunClientOptions,
  startRun,
  type WandbOptions,
  wandb,
  wandbFromEnv,
} from '@toolweaver/analytics-wandb';
import { describe, expect, test } from 'vitest';
import { trialOfTests } from '../../../test/support/trial.ts';
import { readSettings } from '../src/settings/settings.ts';
import { apiKey } from './support/fake-service.ts';
import { testFolder } from './support/folder.ts';
import { place, runAt } from './support/start.ts';

async function errorOf(work: () => unknown): Promise<AnalyticsError> {
  try {
    await work();
  } catch (error) {
    if (isAnalyticsError(error)) {
      return error;
    }
    throw error;
  }
  throw new Error('nothing was thrown');
}

const fields = ({ problems }: AnalyticsError): string[] => problems.map(({ field }) => field);

test('wrong options are refused all at once, and the key is not shown', async () => {
  const key = `s3cr3t-${'x'.repeat(10)}`;
  const options = {
    apiKey: key,
    baseUrl: 'ftp://example.org',
    mode: 'online',
    project: 'a/b',
    entity: 'a b',
    runId: 'run:1',
    tags: ['fine', 'x'.repeat(65), ''],
    resume: 'sometimes',
    logFrequency: 0,
    timeoutMs: -1,
    headers: { 'X-Bad\n': 'x' },
    config: [],
  } as unknown as WandbOptions;
  const error = await errorOf(() => wandb(options));
  expect(error.code).toBe('INVALID_CONFIG');
  expect(fields(error).toSorted()).toEqual(
    [
      'apiKey',
      'baseUrl',
      'config',
      'entity',
      'headers',
      'logFrequency',
      'project',
      'resume',
      'runId',
      'tags[1]',
      'tags[2]',
      'timeoutMs',
    ].toSorted(),
  );
  expect(inspect(error, { depth: 10 })).not.toContain(key);
  const other = await errorOf(() => startRun({ ...options, tags: 5 as never }));
  expect(fields(other)).toEqual(expect.arrayContaining(['runId', 'tags']));
});

test('unknown options are refused, together with all that is wrong', async () => {
  const options = {
    mode: 'sometimes',
    projekt: 'receipts',
    notes: undefined,
    constructor: 1,
  } as unknown as WandbOptions;
  for (const start of [wandb, startRun]) {
    const error = await errorOf(() => start(options));
    expect(error.code).toBe('INVALID_CONFIG');
    expect(fields(error)).toEqual(expect.arrayContaining(['projekt', 'constructor', 'mode']));
    expect(error.message).toContain('projekt: is not an option; the options are ');
  }
  const swapped = [
    await errorOf(() => wandb({ mode: 'disabled', initTimeoutMs: 1 } as WandbOptions)),
    await errorOf(() => startRun({ mode: 'disabled', logFrequency: 1 } as RunClientOptions)),
  ];
  expect(swapped.map(fields)).toEqual([['initTimeoutMs'], ['logFrequency']]);
  const none = await errorOf(() => wandb(null as unknown as WandbOptions));
  expect(none.problems).toContainEqual({ field: 'options', message: 'must be an object, got null' });
});

test('an option is refused whatever its value is', async () => {
  const bare = Object.create(null);
  const options = {
    mode: 10n,
    resume: {},
    logFrequency: bare,
    timeoutMs: bare,
    project: null,
    notes: 5,
    allowHttp: Symbol('yes'),
    onNotice: bare,
    fetch: 10n,
    clock: { now: Date.now },
    tags: null,
    config: Symbol('config'),
    runId: 'x'.repeat(1000),
  };
  const { problems } = await errorOf(() => wandb(options as never));
  const told = problems.map(({ field, message }) => [field, /got .*/.exec(message)?.[0]] as const);
  expect(Object.fromEntries(told)).toMatchObject({
    mode: 'got a bigint',
    resume: 'got an object',
    logFrequency: 'got an object',
    timeoutMs: 'got an object',
    project: 'got null',
    notes: 'got 5',
    allowHttp: 'got a symbol',
    onNotice: 'got an object',
    fetch: 'got a bigint',
    clock: 'got an object',
    tags: 'got null',
    config: 'got a symbol',
    runId: `got "${'x'.repeat(40)}…"`,
  });
  // Whether a key is needed depends on the mode.
  expect(fields({ problems } as AnalyticsError)).not.toContain('apiKey');
  const nested = await errorOf(() => wandb({ mode: 'offline', tags: [bare, 10n as never], config: { a: [1n, bare] } }));
  expect(nested.problems).toEqual([
    { field: 'tags[0]', message: 'must be a string, got an object' },
    { field: 'tags[1]', message: 'must be a string, got a bigint' },
  ]);
  const clock = await errorOf(() => startRun({ mode: 'offline', clock: null as never }));
  expect(clock.problems).toEqual([
    { field: 'clock', message: 'must have the methods now, monotonic, setTimeout, clearTimeout, got null' },
  ]);
});

test('a configuration that was not awaited is refused, as it would be an empty one', async () => {
  for (const start of [wandb, startRun]) {
    const error = await errorOf(() => start({ mode: 'offline', config: { model: Promise.resolve('gpt-4o') } }));
    expect(error.problems).toEqual([
      { field: 'config', message: 'must be data for JSON: must not be a promise: await it' },
    ]);
    const whole = await errorOf(() => start({ mode: 'offline', config: Promise.resolve({ lr: 1 }) as never }));
    expect(whole.problems).toEqual([{ field: 'config', message: expect.stringContaining('a promise: await it') }]);
  }
});

test('a configuration that JSON would make an empty object of is refused', async () => {
  for (const start of [wandb, startRun]) {
    for (const config of [new Map([['lr', 1]]), { deep: new Map() }]) {
      const error = await errorOf(() => start({ mode: 'offline', config: config as never }));
      expect(error.problems).toEqual([
        { field: 'config', message: 'must be data for JSON: must not be a Map: use Object.fromEntries()' },
      ]);
    }
  }
});

test('options that the calls of a run do not have are counted and told, and the calls are done', async () => {
  const { run, fake, notices } = await runAt();
  run.defineMetric('loss', { step_metric: 'epoch' } as MetricOptions);
  run.log({ loss: 1 }, { comit: false } as LogOptions);
  run.log({ loss: 2 }, { comit: false } as LogOptions);
  await run.alert({ title: 'slow', text: 'x', wait_duration: 1 } as Alert);
  await run.logArtifact({ name: 'a', type: 'model', files: {}, alias: ['best'] } as ArtifactInput);
  await run.finish({ exit_code: 1 } as FinishOptions);
  expect(fake.run('run1').history).toHaveLength(2);
  expect(run.skipped).toBe(6);
  expect(notices).toEqual([
    expect.stringContaining('defineMetric: step_metric is not an option; the options are stepMetric, hidden, summary'),
    expect.stringContaining('log: comit is not an option'),
    expect.stringContaining('alert: wait_duration is not an option; the options are title, text, level, waitMs'),
    expect.stringContaining('logArtifact: alias is not an option'),
    expect.stringContaining('finish: exit_code is not an option'),
  ]);
});

trialOfTests('R32', 'W&B: addresses that would give the key away are refused', () => {
  test.each([
    ['https://wandb.ai', 'did you mean https://api.wandb.ai'],
    ['http://api.wandb.ai', 'must begin with https://'],
    ['http://wandb.example.org', 'unless allowHttp is set'],
    ['https://me:secret@api.wandb.ai', 'must have no '],
    ['https://api.wandb.ai/?key=1', 'must have no '],
    ['https://me@api.wandb.ai', 'must have no '],
    ['https://:secret@api.wandb.ai', 'must have no '],
    ['https://api.wandb.ai/#key', 'must have no '],
    ['api.wandb.ai', 'must be a URL'],
  ])('refuses the base URL %s', async (baseUrl, message) => {
    const error = await errorOf(() => wandb({ apiKey, baseUrl }));
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('secret@');
  });

  test('plain http is refused for the service itself, also where it is allowed', async () => {
    const error = await errorOf(() => wandb({ apiKey, baseUrl: 'http://api.wandb.ai', allowHttp: true }));
    expect(error.message).toContain('must begin with https://');
    expect(error.message).not.toContain('allowHttp');
  });
});

test('a leading ~ of the directory is the home directory', () => {
  const check = createOptionChecks(expect.fail);
  const dirOf = (dir: string): string => readSettings(check, { mode: 'disabled', dir }).dir;
  expect([dirOf('~'), dirOf('~/runs'), dirOf('~ada')]).toEqual([homedir(), join(homedir(), 'runs'), '~ada']);
});

test('refuses a name that is blank', async () => {
  const error = await errorOf(() => wandb({ mode: 'offline', name: ' ' }));
  expect(error.problems).toEqual([{ field: 'name', message: 'must be a non-blank string, got " "' }]);
});

test('refuses headers that are no object', async () => {
  const error = await errorOf(() => wandb({ apiKey, headers: 'X-Tenant: a' as never }));
  expect(error.problems).toEqual([{ field: 'headers', message: expect.stringContaining('must be an object') }]);
});

test.each(['authorization', 'Content-Type', 'USER-AGENT', 'x-wandb-username'])(
  'refuses the header %s, which the client sets itself',
  async (name) => {
    for (const start of [wandb, startRun]) {
      const error = await errorOf(() => start({ apiKey, headers: { [name]: 'Basic x', 'X-Fine': 'y' } }));
      expect(error.problems).toEqual([
        { field: 'headers', message: expect.stringMatching(`must not have ${name}, which the client sets`) },
      ]);
    }
  },
);

test('files, artifacts and alerts of a wrong form are refused by name, and not taken for a failure of the service', async () => {
  const { run, fake } = await runAt();
  const logged = (more: Partial<ArtifactInput>) => run.logArtifact({ name: 'a', type: 'model', files: {}, ...more });
  const bytes = new Uint8Array(1);
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  const given: (readonly [call: () => Promise<unknown>, message: string])[] = [
    [() => run.saveFile('a.txt', undefined as never), 'file: must be given as a name and its content'],
    [() => run.saveFile('a.txt', 'text' as never), 'file: must be given as a name and its content'],
    ...['', '.', '../x', '/abs', 'a//b', 'a/'].map(
      (name) => [() => run.saveFile(name, new Uint8Array(1)), 'file: name must be a relative path'] as const,
    ),
    ...['config.yaml', 'wandb-summary.json'].map(
      (name) => [() => run.saveFile(name, bytes), 'file: W&B writes this file itself; choose another name'] as const,
    ),
    ...['../a', '/a', 'a//b', 'a/./b', '..'].map(
      (path) =>
        [() => logged({ files: { [path]: bytes } }), 'artifact: each path in files must be a relative path'] as const,
    ),
    [
      () => logged({ files: { 'key.ts': bytes, '': { path: join(import.meta.dirname, '..', 'src', 'settings') } } }),
      'artifact: each path in files must be given once, got key.ts twice',
    ],
    [() => run.saveFile('a.txt', { path: 'no-such.txt' }), 'file: cannot be read: ENOENT'],
    [() => run.saveFile('a.txt', { path: '.' }), 'file: must be a file, which . is not'],
    [() => run.logArtifact(undefined as never), 'artifact: must be { name, type, files }'],
    [() => run.logArtifact({ name: 'a', type: 'model' } as ArtifactInput), 'artifact: must be { name, type, files }'],
    [() => run.logArtifact({ name: 'a', type: 'model', files: { a: '/a' as never } }), 'bytes, { path } or { ref }'],
    [() => run.logArtifact({ name: 'a', type: 'model', files: { a: {} as never } }), 'bytes, { path } or { ref }'],
    [
      () => run.logArtifact({ name: 'a', type: 'model', files: { a: { path: 'no-such.txt' } } }),
      'artifact: cannot be read: ENOENT',
    ],
    [() => run.logArtifact({ type: 'model', files: {} } as never), 'artifact: must be { name, type, files }'],
    [() => logged({ aliases: 'best' as never }), 'artifact: aliases must be a list of strings'],
    [() => logged({ aliases: ['a/b'] }), 'artifact: aliases must be a list of strings without / and :'],
    [() => logged({ description: 1 as never }), 'artifact: description must be a string'],
    [() => logged({ metadata: 'text' as never }), 'artifact: metadata must be an object'],
    [
      () => logged({ metadata: { deep: [Number.NaN] } }),
      'artifact: metadata must be data for JSON: NaN and Infinity are not allowed',
    ],
    [() => logged({ metadata: cyclic }), 'artifact: metadata must be data for JSON: must not be cyclic'],
    [() => run.alert('slow' as never), 'alert: must be { title, text }'],
    [
      () => run.alert({ title: 't', text: 'x', level: 'error' as never }),
      'alert: level must be one of INFO, WARN, ERROR',
    ],
    [() => run.alert({ title: 't', text: 'x', waitMs: -1 }), 'alert: waitMs must be a number from 0 to'],
    [() => run.alert({ title: 't', text: 'x', waitMs: Number.NaN }), 'alert: waitMs must be a number from 0 to'],
    [() => run.alert({ title: 't', text: 'x', waitMs: Number.MAX_VALUE }), 'alert: waitMs must be a number from 0 to'],
  ];
  for (const [call, message] of given) {
    const error = await errorOf(call);
    expect([error.code, error.message]).toEqual(['INVALID_EVENT', expect.stringContaining(message)]);
  }
  await logged({ metadata: { big: 9_007_199_254_740_993n } });
  expect(fake.artifacts).toMatchObject([{ input: { metadata: '{"big":9007199254740993}' } }]);
  await run.finish();
});

test('what the service repeats of our headers is not told', async () => {
  const { fake, notices, options } = await place();
  const basic = (text: string): string => Buffer.from(text).toString('base64');
  const hidden = [
    'SuperSecretToken',
    basic('ada:SuperSecretPassword'),
    'SuperSecretPassword',
    basic(`api:${apiKey}`),
    apiKey,
  ];
  fake.trouble = () => ({ status: 401, body: JSON.stringify({ error: `not ${hidden.join(' ')}` }) });
  const run = await startRun({
    ...options,
    headers: { 'X-Proxy-Auth': 'Bearer SuperSecretToken', 'X-Other-Auth': `Basic ${hidden[1]}` },
  });
  await run.finish();
  expect(notices).toEqual([expect.stringContaining('(not [redacted] [redacted] [redacted] [redacted] [redacted])')]);
});

test.each([
  ['https://api.wandb.ai/', undefined],
  ['https://api.wandb.ai//', undefined],
  ['https://notwandb.ai', undefined],
  ['http://localhost:8080', undefined],
  ['http://127.0.0.1:8080', undefined],
  ['http://wandb.example.org', true],
])('takes the base URL %s', async (baseUrl, allowHttp) => {
  const backend = await wandb({ apiKey, baseUrl, allowHttp });
  expect(backend.settings['baseUrl']).toBe(baseUrl.replace(/\/+$/, ''));
  await backend.close?.();
});

test('the key comes from the option, else from the netrc file of the host; without one the option decides', async () => {
  const folder = testFolder();
  const netrc = join(folder, 'netrc');
  const missing = await errorOf(() => wandb({ netrc, baseUrl: 'http://localhost:1' }));
  expect(missing.message).toContain('apiKey: is missing: give it as an option, or WANDB_API_KEY with wandbFromEnv(');
  expect(missing.message).toContain('localhost:1');

  const offline = await wandb({ netrc, baseUrl: 'http://localhost:1', offlineWithoutKey: true, dir: folder });
  expect(offline.settings).toMatchObject({ mode: 'offline', apiKey: null });
  await offline.close?.();

  writeFileSync(netrc, `machine localhost:1 login user password ${apiKey}\nmachine localhost:2 password short`);
  // An empty option counts as none, as an empty variable does.
  const online = await wandb({ apiKey: '', netrc, baseUrl: 'http://localhost:1', offlineWithoutKey: true });
  expect(online.settings).toMatchObject({ mode: 'online' });
  expect(inspect(online, { depth: 10 })).not.toContain(apiKey);
  await online.close?.();

  const short = await errorOf(() => wandb({ netrc, baseUrl: 'http://localhost:2' }));
  expect(short.message).toContain('apiKey: of the netrc file must have at least 40');
});

test('disabled needs no key, makes nothing and takes everything', async () => {
  const folder = testFolder();
  const backend = await wandb({ mode: 'disabled', dir: folder });
  expect(backend).toMatchObject({ delivery: 'counting', settings: { mode: 'disabled' } });
  expect(backend.write([])).toBeUndefined();
  const run = await startRun({ mode: 'disabled', dir: folder });
  run.log({ loss: 1 });
  await run.finish();
  expect(run.location).toBeUndefined();
});

describe('wandbFromEnv()', () => {
  test('reads the variables; tags are trimmed', () => {
    const options = wandbFromEnv({
      WANDB_API_KEY: apiKey,
      WANDB_BASE_URL: 'http://localhost:1',
      WANDB_MODE: 'dryrun',
      WANDB_PROJECT: 'receipts',
      WANDB_ENTITY: 'team',
      WANDB_RUN_ID: 'abc',
      WANDB_NAME: 'first',
      WANDB_NOTES: 'notes',
      WANDB_RUN_GROUP: 'group',
      WANDB_JOB_TYPE: 'train',
      WANDB_TAGS: ' a, b ,,c',
      WANDB_RESUME: 'allow',
      WANDB_DIR: '/tmp/x',
      WANDB_USERNAME: 'ada',
      WANDB_USER_EMAIL: 'ada@example.org',
      WANDB_HOST: 'host',
      WANDB_PROGRAM: 'main.ts',
      WANDB_HTTP_TIMEOUT: '7.5',
      WANDB_X_EXTRA_HTTP_HEADERS: '{"X-A": "b"}',
      NETRC: '/tmp/netrc',
    });
    const { apiKey: key, headers: { 'X-A': header } = {}, ...rest } = options;
    expect([key, header].map((value) => typeof value === 'object' && value.reveal())).toEqual([apiKey, 'b']);
    expect(rest).toEqual({
      netrc: '/tmp/netrc',
      baseUrl: 'http://localhost:1',
      appUrl: undefined,
      mode: 'offline',
      project: 'receipts',
      entity: 'team',
      runId: 'abc',
      runName: 'first',
      notes: 'notes',
      group: 'group',
      jobType: 'train',
      tags: ['a', 'b', 'c'],
      resume: 'allow',
      dir: '/tmp/x',
      username: 'ada',
      userEmail: 'ada@example.org',
      host: 'host',
      program: 'main.ts',
      timeoutMs: 7500,
    });
  });

  test('an empty environment asks for nothing', () => {
    expect(Object.values(wandbFromEnv({})).filter((value) => value !== undefined)).toEqual([]);
  });

  test.each([
    ['online', 'online'],
    ['run', 'online'],
    ['offline', 'offline'],
    ['disabled', 'disabled'],
  ])('the mode %s is %s', (WANDB_MODE, mode) => {
    expect(wandbFromEnv({ WANDB_MODE }).mode).toBe(mode);
  });

  test('all problems at once, each with its variable', async () => {
    const error = await errorOf(() =>
      wandbFromEnv({
        WANDB_MODE: 'Offline',
        WANDB_PROJECT: 'a:b',
        WANDB_ENTITY: 'a b',
        WANDB_RUN_ID: 'a/b',
        WANDB_TAGS: `ok,${'x'.repeat(65)}`,
        WANDB_RESUME: 'true',
        WANDB_HTTP_TIMEOUT: 'soon',
        WANDB_X_EXTRA_HTTP_HEADERS: '[1]',
      }),
    );
    expect(fields(error).toSorted()).toEqual(
      [
        'WANDB_ENTITY',
        'WANDB_HTTP_TIMEOUT',
        'WANDB_MODE',
        'WANDB_PROJECT',
        'WANDB_RESUME',
        'WANDB_RUN_ID',
        'WANDB_TAGS',
        'WANDB_X_EXTRA_HTTP_HEADERS',
      ].toSorted(),
    );
    await expect(
      errorOf(() => wandbFromEnv({ WANDB_X_EXTRA_HTTP_HEADERS: '{"X-A": "b", "X-Retries": 3}' })),
    ).resolves.toMatchObject({
      problems: [{ field: 'WANDB_X_EXTRA_HTTP_HEADERS', message: 'must be a JSON object of strings' }],
    });
    // The modes of several writers in one run are not ours.
    await expect(errorOf(() => wandbFromEnv({ WANDB_MODE: 'shared' }))).resolves.toMatchObject({
      code: 'INVALID_CONFIG',
    });
  });
});
