import { createHash } from 'node:crypto';
import { appendFileSync, globSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { artifact, execution, fakeClock } from '@toolweaver/analytics-testkit';
import { startRun } from '@toolweaver/analytics-wandb';
import { describe, expect, test } from 'vitest';
import { digestOf, prepareArtifact } from '../src/files/artifact.ts';
import { testFolder } from './support/folder.ts';
import { readRun } from './support/log-reader.ts';
import { backendAt, runAt } from './support/start.ts';
import { until } from './support/until.ts';

test('files are put where the service says, and told of in the stream', async () => {
  const { run, fake, folder } = await runAt();
  const path = join(folder, 'model.bin');
  writeFileSync(path, 'weights');
  await run.saveFile('logs/out.txt', Buffer.from(''));
  await run.saveFile('model.bin', { path });
  // What its caller does with the bytes meanwhile does not reach the file.
  const bytes = Buffer.from('before');
  const saved = run.saveFile('bytes.txt', bytes);
  bytes.fill('x');
  await saved;
  await run.finish();
  const { files, uploaded } = fake.run('run1');
  expect([...files].map(([name, content]) => [name, content.toString()])).toEqual([
    ['logs/out.txt', ''],
    ['model.bin', 'weights'],
    ['bytes.txt', 'before'],
  ]);
  expect(uploaded).toEqual(['logs/out.txt', 'model.bin', 'bytes.txt']);
  expect(fake.violations).toEqual([]);
});

test('a URL that has expired is asked for anew', async () => {
  const { run, fake } = await runAt();
  let refusals = 1;
  fake.trouble = ({ method }) => (method === 'PUT' && refusals-- > 0 ? { status: 403 } : undefined);
  await run.saveFile('a.txt', Buffer.from('a'));
  expect(fake.run('run1').files.get('a.txt')?.toString()).toBe('a');
  expect(fake.operations('CreateRunFiles')).toHaveLength(2);
});

test.each([
  [10, 61],
  [3_200_000, 161],
])('an upload of %d bytes that gets no answer is tried again after %d s at most', async (bytes, seconds) => {
  const clock = fakeClock();
  const { run, fake } = await runAt({ clock });
  let isFirst = true;
  fake.trouble = ({ method }) => {
    const isHung = method === 'PUT' && isFirst;
    isFirst &&= method !== 'PUT';
    return isHung ? 'hang' : undefined;
  };
  const saved = run.saveFile('a.bin', new Uint8Array(bytes));
  await until(() => !isFirst, 'an upload');
  await clock.advance((seconds - 2) * 1000);
  await sleep(30);
  expect(fake.operations('CreateRunFiles')).toHaveLength(1);
  await clock.advance(2_000);
  await saved;
  expect(fake.run('run1').files.get('a.bin')).toHaveLength(bytes);
});

test('a storage that goes on refusing costs the file, and not the run', async () => {
  const { run, fake } = await runAt();
  fake.trouble = ({ method }) => (method === 'PUT' ? { status: 403 } : undefined);
  await expect(run.saveFile('a.txt', Buffer.from('a'))).rejects.toMatchObject({ code: 'EVENTS_REJECTED' });
  run.log({ loss: 1 });
  await run.finish();
  expect(run.online).toBe(true);
  expect(fake.run('run1').history).toHaveLength(1);
});

test.each([
  [null, 'the service gave no address to upload a.txt to'],
  ['http://[', /an upload was refused: http:.* gave an address that is no URL$/],
])('a file that the service gives no good address for (%j) is not said to be there', async (url, message) => {
  const { run, fake } = await runAt();
  fake.uploadUrl = url;
  await expect(run.saveFile('a.txt', Buffer.from('a'))).rejects.toMatchObject({
    code: 'EVENTS_REJECTED',
    message: expect.stringMatching(message),
  });
  await run.finish();
  expect(run.online).toBe(true);
  expect(fake.run('run1').uploaded).toEqual([]);
  expect(fake.requests.some(({ method }) => method === 'PUT')).toBe(false);
});

test('the digest of an artifact is that of the official client', async () => {
  const model = Buffer.concat(Array.from({ length: 10 }, () => Buffer.from('\u0000\u0001model')));
  const prepared = await prepareArtifact(
    { name: 'model', type: 'model', files: { 'weights/model.bin': model, 'ref-x': { ref: 'https://example.com/x' } } },
    'seed',
  );
  expect(prepared.entries.map(({ path, digest }) => `${path}:${digest}`)).toEqual([
    'ref-x:https://example.com/x',
    'weights/model.bin:ctYiRq/dQKppVBzqaG0Y7g==',
  ]);
  expect(digestOf(prepared)).toBe('b15f6af511c22dd2fad48578a97a424b');
  expect(prepared.clientId).toMatch(/^[a-z0-9]{128}$/);
});

test('entries are sorted by code points, not by units of UTF-16', async () => {
  const files = { '\u{1f9f6}': Buffer.from('a'), '\uff5e': Buffer.from('b'), b: Buffer.from('c'), a: Buffer.from('d') };
  const { entries } = await prepareArtifact({ name: 'x', type: 'y', files }, 'seed');
  expect(entries.map(({ path }) => path)).toEqual(['a', 'b', '\uff5e', '\u{1f9f6}']);
});

test('an artifact is created, described, uploaded and committed', async () => {
  const { run, fake, folder } = await runAt();
  mkdirSync(join(folder, 'data', 'deep'), { recursive: true });
  writeFileSync(join(folder, 'data', 'one.csv'), '1');
  writeFileSync(join(folder, 'data', 'deep', 'two.csv'), '2');
  run.log({ loss: 1 });
  const notes = Buffer.from('n');
  const logged = run.logArtifact({
    name: 'receipts',
    type: 'dataset',
    description: 'all of them',
    metadata: { rows: 2 },
    aliases: ['latest', 'best'],
    files: {
      data: { path: join(folder, 'data') },
      'notes.txt': notes,
      home: { ref: 'https://example.org' },
    },
  });
  // What its caller does with the bytes meanwhile does not reach the artifact.
  notes.fill('x');
  await logged;
  await run.finish();
  const [stored] = fake.artifacts;
  expect(stored).toMatchObject({
    state: 'COMMITTED',
    input: {
      entityName: 'ada',
      projectName: 'uncategorized',
      runName: 'run1',
      artifactTypeName: 'dataset',
      artifactCollectionName: 'receipts',
      description: 'all of them',
      metadata: '{"rows":2}',
      aliases: [
        { artifactCollectionName: 'receipts', alias: 'latest' },
        { artifactCollectionName: 'receipts', alias: 'best' },
      ],
      enableDigestDeduplication: true,
    },
  });
  expect([...(stored?.files ?? [])].map(([name, content]) => [name, content.toString()]).toSorted()).toEqual([
    ['data/deep/two.csv', '2'],
    ['data/one.csv', '1'],
    ['notes.txt', 'n'],
  ]);
  const md5 = (text: string): string => createHash('md5').update(text).digest('base64');
  const birthArtifactID = stored?.id;
  expect(JSON.parse(String(stored?.manifest))).toEqual({
    version: 1,
    storagePolicy: 'wandb-storage-policy-v1',
    storagePolicyConfig: { storageLayout: 'V2' },
    contents: {
      'data/deep/two.csv': { digest: md5('2'), size: 1, birthArtifactID },
      'data/one.csv': { digest: md5('1'), size: 1, birthArtifactID },
      home: { digest: 'https://example.org', ref: 'https://example.org', size: 0 },
      'notes.txt': { digest: md5('n'), size: 1, birthArtifactID },
    },
  });
  expect(fake.violations).toEqual([]);
});

test('content that the service has is not uploaded again', async () => {
  const { run, fake } = await runAt();
  const files = { 'a.txt': Buffer.from('a') };
  await run.logArtifact({ name: 'a', type: 'dataset', files });
  const uploads = fake.requests.filter(({ method }) => method === 'PUT').length;
  await run.logArtifact({ name: 'a', type: 'dataset', files });
  expect(fake.requests.filter(({ method }) => method === 'PUT')).toHaveLength(uploads);
  expect(fake.operations('CommitArtifact')).toHaveLength(1);
});

test.each([
  ['a/b', 'dataset'],
  ['fine', 'job'],
  ['fine', 'code'],
  ['fine', 'run_table'],
  ['fine', 'wandb-history'],
  ['x'.repeat(129), 'dataset'],
])('refuses the artifact %s of the type %s', async (name, type) => {
  const { run, fake } = await runAt();
  await expect(run.logArtifact({ name, type, files: {} })).rejects.toMatchObject({ code: 'INVALID_EVENT' });
  expect(fake.artifacts).toEqual([]);
});

test('an artifact that is recorded is uploaded before its event counts as delivered', async () => {
  const { backend, fake, folder, notices } = await backendAt();
  const path = join(folder, 'report.md');
  writeFileSync(path, '# report');
  await backend.write([
    artifact({ path }),
    artifact({ name: 'what a/name', kind: 'a kind', bytes: new Uint8Array([1]) }),
  ]);
  expect(
    fake.artifacts.map(({ state, input, files }) => [state, input['artifactCollectionName'], [...files.keys()]]),
  ).toEqual([
    ['COMMITTED', 'report.md', ['report.md']],
    ['COMMITTED', expect.stringMatching(/^what-a-name-[0-9a-f]{8}$/), [expect.stringMatching(/^what-a-name-/)]],
  ]);
  expect(fake.artifacts[0]?.files.get('report.md')?.toString()).toBe(readFileSync(path, 'utf8'));
  expect(notices).toEqual([]);
});

test('a folder that is recorded is uploaded under its own name, however its path ends', async () => {
  const { backend, fake, folder } = await backendAt();
  mkdirSync(join(folder, 'model', 'deep'), { recursive: true });
  for (const path of [`${folder}/model`, `${folder}/model/.`, `${folder}/model/deep/..`]) {
    writeFileSync(join(folder, 'model', 'weights'), path);
    await backend.write([artifact({ path })]);
  }
  expect(fake.artifacts.flatMap(({ files }) => [...files.keys()])).toEqual(new Array(3).fill('model/weights'));
});

test('of a file that cannot be read, the artifact says where it was', async () => {
  const { backend, fake, notices, folder } = await backendAt();
  await backend.write([artifact({ path: join(folder, 'missing.md') })]);
  expect(JSON.parse(String(fake.artifacts[0]?.manifest)).contents['missing.md'].ref).toBe(
    `file://${folder}/missing.md`,
  );
  expect(notices).toEqual([expect.stringContaining('cannot be uploaded (ENOENT')]);
});

test('an artifact that the service refuses is rejected, and the run goes on', async () => {
  const { backend, fake } = await backendAt();
  fake.trouble = ({ operation }) =>
    operation === 'CreateArtifact' ? { status: 200, body: '{"errors":[{"message":"wrong type"}]}' } : undefined;
  await expect(backend.write([artifact({ bytes: new Uint8Array([1]) })])).rejects.toMatchObject({
    code: 'EVENTS_REJECTED',
    message: expect.stringContaining('wrong type'),
  });
  expect(backend.settings['runs']).toEqual([`${fake.url}/ada/uncategorized/runs/run1`]);
});

test.each([400, 413, 422])('so it is with one that is answered with %d', async (status) => {
  const { backend, fake } = await backendAt();
  fake.trouble = ({ operation }) => (operation === 'CreateArtifact' ? { status } : undefined);
  await expect(backend.write([artifact({ bytes: new Uint8Array([1]) })])).rejects.toMatchObject({
    code: 'EVENTS_REJECTED',
  });
  await backend.write([execution()]);
  expect(fake.run('run1').history).toHaveLength(1);
});

describe('an artifact is kept with the rows where the service refuses everything', () => {
  const expired = Object.assign(new Error('it has expired'), { code: 'CERT_HAS_EXPIRED' });

  test.each([401, 403, 404, 409, 410, 501, expired.code])('%s', async (why) => {
    let isExpired = false;
    const { backend, fake, folder, notices } = await backendAt({
      fetch: (url, init) => (isExpired ? Promise.reject(expired) : fetch(url, init)),
    });
    await backend.write([execution()]);
    isExpired = why === expired.code;
    fake.trouble = () => (typeof why === 'number' ? { status: why } : undefined);
    await backend.write([artifact({ name: 'model', bytes: new Uint8Array([1]) }), execution()]);
    await backend.close?.();
    const [log = ''] = globSync(join(folder, 'wandb', 'offline-run-*', '*.wandb'));
    expect(readRun(log)).toMatchObject({ rows: [{ _step: 1 }], artifacts: [{ name: 'model' }], exitCode: 0 });
    expect(notices).toEqual([expect.stringContaining('run run1 continues offline in')]);
  });

  test('of the client', async () => {
    const { run, fake, notices } = await runAt();
    fake.trouble = () => ({ status: 401 });
    await run.logArtifact({ name: 'model', type: 'model', files: { 'm.bin': new Uint8Array([1]) } });
    await run.finish();
    expect(readRun(join(run.location ?? '', 'run-run1.wandb'))).toMatchObject({ artifacts: [{ name: 'model' }] });
    expect(notices).toHaveLength(1);
  });
});

const refused = { status: 200, body: '{"errors":[{"message":"wrong type"}]}' };

test('an artifact that is refused after a failure costs itself, and nothing that comes later', async () => {
  const { backend, fake } = await backendAt();
  const answers = [{ status: 503 }, refused, refused];
  fake.trouble = ({ operation }) => (operation === 'CreateArtifact' ? answers.shift() : undefined);
  const events = [execution(), artifact({ bytes: new Uint8Array([1]) })];
  await expect(backend.write(events)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  await expect(backend.write(events)).rejects.toMatchObject({ code: 'EVENTS_REJECTED' });
  await backend.write(events.slice(0, 1));
  await backend.write([execution()]);
  await backend.close?.();
  expect(fake.run('run1')).toMatchObject({ history: { length: 2 }, exitCode: 0 });
  expect(fake.violations).toEqual([]);
});

test('a file that goes between two attempts becomes a reference, and its batch arrives', async () => {
  const { backend, fake, folder } = await backendAt();
  const path = join(folder, 'report.md');
  writeFileSync(path, '# report');
  const answers = [{ status: 503 }];
  fake.trouble = ({ operation }) => (operation === 'CreateArtifact' ? answers.shift() : undefined);
  const events = [execution(), artifact({ path })];
  await expect(backend.write(events)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  rmSync(path);
  await backend.write(events);
  expect(fake.run('run1').history).toHaveLength(1);
  expect(JSON.parse(String(fake.artifacts[0]?.manifest)).contents['report.md'].ref).toBe(`file://${path}`);
});

test.each<[string, (path: string, request: RequestInit) => void, string]>([
  [
    'goes',
    (path, { body }) => String(body).includes('CreateRunFiles') && rmSync(path, { force: true }),
    'cannot be read any more',
  ],
  ['changes', (path, { method }) => method === 'PUT' && appendFileSync(path, 'more'), 'changed while it was read'],
])('a file that %s while it is uploaded is rejected, and says nothing about the service', async (_, harm, message) => {
  const folder = testFolder();
  const path = join(folder, 'train.log');
  writeFileSync(path, 'epoch 1');
  const { run, fake } = await runAt({
    async fetch(...call) {
      harm(path, call[1] ?? {});
      return fetch(...call);
    },
  });
  await expect(run.saveFile('train.log', { path })).rejects.toMatchObject({
    code: 'EVENTS_REJECTED',
    message: expect.stringContaining(message),
  });
  await run.finish();
  expect(run.online).toBe(true);
  expect(fake.run('run1')).toMatchObject({ exitCode: 0, uploaded: [] });
});

test('links to files in a folder are followed; those to folders, or nowhere, are not', async () => {
  const { run, fake, folder } = await runAt();
  mkdirSync(join(folder, 'blobs'));
  mkdirSync(join(folder, 'snapshot'));
  writeFileSync(join(folder, 'blobs', 'weights'), 'w');
  for (const [name, target] of [
    ['model.bin', '../blobs/weights'],
    ['more', '../blobs'],
    ['round', '.'],
    ['nowhere', 'nothing'],
  ] as const) {
    symlinkSync(target, join(folder, 'snapshot', name));
  }
  await run.logArtifact({ name: 'a', type: 'model', files: { m: { path: join(folder, 'snapshot') } } });
  expect([...(fake.artifacts[0]?.files.keys() ?? [])].toSorted()).toEqual(['m/model.bin']);
});

test.skipIf(process.platform === 'win32')('what has no end is no file of an artifact', async () => {
  const { run } = await runAt();
  await expect(
    run.logArtifact({ name: 'a', type: 'model', files: { zero: { path: '/dev/zero' } } }),
  ).rejects.toMatchObject({ code: 'INVALID_EVENT', message: expect.stringContaining('/dev/zero is no file') });
});

test('versions of one artifact follow each other in the order of their calls', async () => {
  const slow = [20, 0];
  const { run, fake } = await runAt({
    async fetch(...call) {
      await sleep(call[1]?.method === 'PUT' ? slow.shift() : 0);
      return fetch(...call);
    },
  });
  const log = (content: string) => run.logArtifact({ name: 'a', type: 'model', files: { m: Buffer.from(content) } });
  await expect(Promise.all([log('1'), log('2')])).resolves.toBeDefined();
  const committed = fake
    .operations('CommitArtifact')
    .map(({ body }) => (body as { variables: { artifactID: string } }).variables.artifactID);
  expect(committed.map((id) => String(fake.artifacts.find((one) => one.id === id)?.files.get('m')))).toEqual([
    '1',
    '2',
  ]);
});

describe('names that a file system does not take, or that are alike when cut, stay apart offline', () => {
  const long = 'n'.repeat(250);
  const names = [
    `${long}1.bin`,
    `${long}2.bin`,
    'a:b.txt',
    'a?b.txt',
    'a_b.txt',
    'a/b.txt',
    'a/config.yaml',
    'Config.yaml',
    `${'\u65e5'.repeat(100)}.csv`,
  ];

  test('as files of a run', async () => {
    const run = await startRun({ mode: 'offline', dir: testFolder(), runId: 'run1' });
    for (const name of names) {
      await run.saveFile(name, Buffer.from(name));
    }
    await run.finish();
    const folder = run.location ?? '';
    const { files } = readRun(join(folder, 'run-run1.wandb'));
    expect(files.map((path) => readFileSync(join(folder, 'files', path), 'utf8'))).toEqual(names);
    expect(files.map((path) => extname(path))).toEqual(names.map((name) => extname(name)));
    expect(files).toContain('a_b.txt');
  });

  test.each(['', '.', '../x', '/abs', 'a//b', 'config.yaml', 'wandb-summary.json'])(
    'and %j is no name of a file',
    async (name) => {
      const run = await startRun({ mode: 'offline', dir: testFolder(), runId: 'run1' });
      await expect(run.saveFile(name, Buffer.from('x'))).rejects.toMatchObject({ code: 'INVALID_EVENT' });
      await run.finish();
    },
  );

  test('in an artifact', async () => {
    const run = await startRun({ mode: 'offline', dir: testFolder(), runId: 'run1', entity: 'ada' });
    const files = Object.fromEntries(names.map((name) => [name, Buffer.from(name)]));
    await run.logArtifact({ name: 'data', type: 'dataset', files });
    await run.finish();
    const { artifacts } = readRun(join(run.location ?? '', 'run-run1.wandb'));
    const contents = Object.entries(artifacts[0]?.localPaths ?? {}).map(([name, path]) => [
      name,
      readFileSync(path, 'utf8'),
    ]);
    expect(Object.fromEntries(contents)).toEqual(Object.fromEntries(names.map((name) => [name, name])));
  });
});
