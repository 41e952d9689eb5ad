import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fakeClock } from '@toolweaver/analytics-testkit';
import { histogram, html, image, plotly, startRun, table } from '@toolweaver/analytics-wandb';
import { expect, test } from 'vitest';
import { testFolder } from './support/folder.ts';
import { readRun } from './support/log-reader.ts';
import { runAt } from './support/start.ts';
import { until } from './support/until.ts';

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg==',
  'base64',
);
const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffc00011080005000701012200021101031101ffd9', 'hex');
const sha = (bytes: Uint8Array | undefined): string =>
  createHash('sha256')
    .update(bytes ?? '')
    .digest('hex');

test('a histogram counts as numpy does', () => {
  expect(histogram([1, 2, 2, 3, 4], { bins: 3 })).toEqual({
    _type: 'histogram',
    values: [1, 2, 2],
    bins: [1, 2, 3, 4],
  });
  expect(histogram([5, 5], { bins: 2 })).toEqual({ _type: 'histogram', values: [0, 2], bins: [4.5, 5, 5.5] });
  const many = histogram(Array.from({ length: 1000 }, (_, at) => at / 7)) as { values: number[]; bins: number[] };
  expect(many.values).toHaveLength(64);
  expect(many.bins).toHaveLength(65);
  expect(many.values.reduce((a, b) => a + b)).toBe(1000);
  const large = histogram([1.7e18, 1.7e18]) as { values: number[]; bins: number[] };
  expect(large.values.reduce((a, b) => a + b)).toBe(2);
  expect(new Set(large.bins).size).toBe(65);
  expect(histogram([Number.NaN, 1, Number.POSITIVE_INFINITY])).toMatchObject({ _type: 'histogram' });
  expect(histogram([-1e308, 0, 1e308], { bins: 4 })).toEqual({
    _type: 'histogram',
    values: [1, 0, 1, 1],
    bins: [-1e308, -5e307, 0, 5e307, 1e308],
  });
  expect((histogram([Number.MAX_VALUE]) as { bins: number[] }).bins[0]).toBeGreaterThan(1.79e308);
  for (const values of [[0, 1e308], [Number.MAX_VALUE], [-Number.MAX_VALUE, Number.MAX_VALUE]]) {
    const extreme = histogram(values, { bins: 512 }) as { values: number[]; bins: number[] };
    expect(extreme.bins.every((edge, at) => Number.isFinite(edge) && edge > (extreme.bins[at - 1] ?? -Infinity))).toBe(
      true,
    );
    expect(extreme.values.reduce((a, b) => a + b)).toBe(values.length);
  }
  expect(() => histogram([])).toThrow(RangeError);
  expect(() => histogram([1], { bins: 513 })).toThrow(RangeError);
});

test('pictures, tables, figures and pages become files of the run and descriptors in the row', async () => {
  const { run, fake } = await runAt();
  run.log({
    hist: histogram([1, 2]),
    'pictures/one': image(png, { caption: 'cap' }),
    photo: image(jpeg),
    several: [image(png), image(png, { caption: 'b' })],
    figure: plotly({ data: [{ y: [1, 2] }], layout: {} }),
    page: html('<p>hello</p>'),
    'my table': table(
      ['name', 'n', 'when'],
      [
        ['a', 1, new Date(5)],
        ['b', null, null],
      ],
    ),
  });
  await run.finish();
  const { history, files, uploaded, summary = '' } = fake.run('run1');
  const row = JSON.parse(history[0] ?? '');
  const path = (folder: string, key: string, ending: string, mark = ''): RegExp =>
    new RegExp(`^media/${folder}/${key}_0${mark}_[0-9a-f]{20}\\.${ending}$`);
  expect(row['pictures/one']).toEqual({
    _type: 'image-file',
    format: 'png',
    width: 2,
    height: 3,
    caption: 'cap',
    path: expect.stringMatching(path('images', 'pictures/one', 'png')),
    sha256: sha(png),
    size: png.length,
  });
  expect(row.photo).toMatchObject({ format: 'jpg', width: 7, height: 5 });
  expect(row.several).toEqual({
    _type: 'images/separated',
    width: 2,
    height: 3,
    format: 'png',
    count: 2,
    filenames: [
      expect.stringMatching(path('images', 'several', 'png', '_0')),
      expect.stringMatching(path('images', 'several', 'png', '_1')),
    ],
    captions: ['', 'b'],
  });
  expect(row.figure).toMatchObject({
    _type: 'plotly-file',
    path: expect.stringMatching(path('plotly', 'figure', 'plotly.json')),
  });
  expect(row.page).toMatchObject({ _type: 'html-file', path: expect.stringMatching(path('html', 'page', 'html')) });
  for (const value of [row['pictures/one'], row.photo, row.figure, row.page, row['my table']]) {
    const content = files.get(value.path);
    expect([sha(content), content?.length]).toEqual([value.sha256, value.size]);
  }
  expect(uploaded).toHaveLength(7);
  expect(JSON.parse(String(files.get(row.figure.path)))).toEqual({ data: [{ y: [1, 2] }], layout: {} });

  const cells = {
    columns: ['name', 'n', 'when'],
    data: [
      ['a', 1, 5],
      ['b', null, null],
    ],
  };
  expect(JSON.parse(String(files.get(row['my table'].path)))).toEqual(cells);
  const [stored] = fake.artifacts;
  expect(stored).toMatchObject({ state: 'COMMITTED', input: { artifactTypeName: 'run_table' } });
  expect(stored?.input['artifactCollectionName']).toMatch(/^run-run1-mytable-[\w-]{6}$/);
  expect(row['my table']).toMatchObject({
    _type: 'table-file',
    ncols: 3,
    nrows: 2,
    log_mode: 'IMMUTABLE',
    artifact_path: `wandb-client-artifact://${stored?.input['clientID']}/my table.table.json`,
    _latest_artifact_path: `wandb-client-artifact://${stored?.input['sequenceClientID']}:latest/my table.table.json`,
  });
  expect(JSON.parse(String(stored?.files.get('my table.table.json')))).toMatchObject({
    _type: 'table',
    ...cells,
    ncols: 3,
    nrows: 2,
  });
  expect(JSON.parse(summary)['my table']).toEqual(row['my table']);
  expect(fake.violations).toEqual([]);
});

test('cells that a table is not made for have a type that the official client knows', async () => {
  const { run, fake } = await runAt();
  const rows = [
    [undefined, 9007199254740993n, { a: 1 }, Symbol('x'), undefined],
    ['a', 1, [1], true, null],
  ];
  run.log({ odd: table(['text', 'big', 'object', 'symbol', 'none'], rows as never) });
  await run.finish();
  const text = String(fake.artifacts[0]?.files.get('odd.table.json'));
  expect(text).toContain('"data":[[null,9007199254740993,{"a":1},null,null],["a",1,[1],true,null]]');
  const { type_map: types } = JSON.parse(text).column_types.params;
  const kinds = Object.entries(types as Record<string, { params: { allowed_types: { wb_type: string }[] } }>).map(
    ([column, { params }]) => [column, params.allowed_types.map((type) => type.wb_type)],
  );
  expect(Object.fromEntries(kinds)).toEqual({
    text: ['none', 'string'],
    big: ['none', 'number'],
    object: ['none', 'any'],
    symbol: ['none', 'any'],
    none: ['none', 'any'],
  });
});

test('keys cannot lead out of the folder', async () => {
  const { run, fake } = await runAt();
  run.log({ '../../etc/./passwd': html('x'), 'a:b<c>': html('y') });
  await run.finish();
  expect([...fake.run('run1').files.keys()].map((name) => name.replace(/_0_[0-9a-f]{20}/, ''))).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^media\/html\/etc\/passwd-[0-9a-f]{8}\.html$/),
      expect.stringMatching(/^media\/html\/a_b_c_-[0-9a-f]{8}\.html$/),
    ]),
  );
});

const oddKeys = [
  'k'.repeat(80),
  'k'.repeat(300),
  '\u65e5'.repeat(100),
  '\u{1f9f6}'.repeat(60),
  'a:b',
  `${'d'.repeat(300)}/e`,
];

test('a row names the file that is there, whatever its key is, offline', async () => {
  const dir = testFolder();
  const run = await startRun({ mode: 'offline', dir, runId: 'run1' });
  run.log(Object.fromEntries(oddKeys.map((key) => [key, plotly({ data: [{ name: key }] })])));
  await run.finish();
  const { rows, files } = readRun(join(run.location ?? '', 'run-run1.wandb'));
  for (const key of oddKeys) {
    const { path = '' } = (rows[0]?.[key] ?? {}) as { path?: string };
    expect(path).toMatch(/\.plotly\.json$/);
    expect(files).toContain(path);
    expect(JSON.parse(readFileSync(join(run.location ?? '', 'files', path), 'utf8'))).toEqual({
      data: [{ name: key }],
    });
  }
  expect(new Set(files).size).toBe(oddKeys.length);
});

test('a picture that is refused costs itself, and not the row', async () => {
  const { run, fake, notices } = await runAt();
  fake.trouble = ({ method }) => (method === 'PUT' ? { status: 403 } : undefined);
  run.log({ loss: 1, picture: image(png) });
  await run.finish();
  expect(fake.run('run1').history).toHaveLength(1);
  expect(notices).toEqual([expect.stringContaining('a file was refused')]);
});

test('a picture that is refused costs none of those beside it', async () => {
  const { run, fake, notices } = await runAt();
  fake.trouble = ({ method, body }) => (method === 'PUT' && jpeg.equals(body as Buffer) ? { status: 403 } : undefined);
  run.log({ first: image(png), refused: image(jpeg), page: html('<p>hello</p>') });
  await run.finish();
  const { files, uploaded, history } = fake.run('run1');
  const { first, page } = JSON.parse(history[0] ?? '');
  expect(uploaded.toSorted()).toEqual([page.path, first.path].toSorted());
  expect([...files.keys()].toSorted()).toEqual(uploaded.toSorted());
  expect(notices).toEqual([expect.stringContaining('a file was refused')]);
  expect(run).toMatchObject({ online: true, skipped: 1 });
  expect(fake.violations).toEqual([]);
});

test('a picture that fails only for the moment is put again, whatever is refused beside it', async () => {
  const { run, fake } = await runAt();
  let failures = 3;
  fake.trouble = ({ method, body }) => {
    if (method !== 'PUT') {
      return undefined;
    }
    return jpeg.equals(body as Buffer) ? { status: 403 } : failures-- > 0 ? { status: 503 } : undefined;
  };
  run.log({ first: image(png), refused: image(jpeg) });
  await run.finish();
  const { first } = JSON.parse(fake.run('run1').history[0] ?? '');
  expect(fake.run('run1').uploaded).toEqual([first.path]);
  expect(run).toMatchObject({ online: true, skipped: 1 });
});

test('each picture that is refused is counted, and all of them are told once', async () => {
  const { run, fake, notices } = await runAt();
  fake.trouble = ({ method }) => (method === 'PUT' ? { status: 403 } : undefined);
  run.log({ a: image(png), b: image(png), c: image(png) });
  await run.flush();
  fake.uploadUrl = null;
  run.log({ d: image(png), e: image(png) });
  await run.finish();
  expect(run.skipped).toBe(5);
  expect(notices).toEqual([expect.stringContaining('a file was refused')]);
});

test('an outage of the storage holds up no rows and does not take the run offline; media are sent when it is over', async () => {
  const clock = fakeClock();
  const { run, fake, notices } = await runAt({ clock, offlineAfterMs: 60_000 });
  fake.trouble = ({ method }) => (method === 'PUT' ? { status: 503 } : undefined);
  run.log({ loss: 1, picture: image(png), worst: table(['a'], [[1]]) });
  for (let seconds = 0; seconds < 300; seconds += 1) {
    await clock.advance(1_000);
    await sleep(1);
  }
  expect(fake.run('run1').history).toHaveLength(1);
  run.log({ loss: 0.5 });
  await expect(run.flush()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  expect(fake.run('run1').history).toHaveLength(2);
  expect([run.online, fake.run('run1').uploaded]).toEqual([true, []]);

  fake.trouble = () => undefined;
  for (let seconds = 0; fake.artifacts[0]?.state !== 'COMMITTED'; seconds += 1) {
    expect(seconds).toBeLessThan(300);
    await clock.advance(1_000);
    await sleep(1);
  }
  await run.finish();
  expect(fake.run('run1')).toMatchObject({ exitCode: 0, uploaded: { length: 2 }, history: { length: 2 } });
  expect([run.skipped, notices, fake.violations]).toEqual([0, [], []]);
  expect(clock.timers).toBe(0);
});

test('media that wait for another attempt are sent at the end', async () => {
  const clock = fakeClock();
  const { run, fake } = await runAt({ clock, offlineAfterMs: 0 });
  fake.trouble = ({ method }) => (method === 'PUT' ? { status: 503 } : undefined);
  run.log({ loss: 1, picture: image(png) });
  await expect(run.flush()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  await clock.advance(900);
  await sleep(50);
  expect(fake.requests.filter(({ method }) => method === 'PUT')).toHaveLength(3);
  fake.trouble = () => undefined;
  await run.finish();
  expect(fake.run('run1')).toMatchObject({ exitCode: 0, uploaded: { length: 1 }, history: { length: 1 } });
  // No attempt is left over.
  expect(clock.timers).toBe(0);
});

/** A `fetch` whose first upload begins only with `release`. */
function heldUpload() {
  const { promise, resolve: release } = Promise.withResolvers<void>();
  let uploads = 0;
  const held: typeof globalThis.fetch = async (url, init) => {
    if (init?.method === 'PUT') {
      uploads += 1;
      await (uploads === 1 && promise);
    }
    return fetch(url, init);
  };
  return { fetch: held, release, begun: () => uploads > 0 };
}

test('the end sends what was logged while an upload was under way', async () => {
  const { fetch, release, begun } = heldUpload();
  const { run, fake } = await runAt({ fetch });
  run.log({ page: html('one') });
  await until(begun, 'an upload');
  run.log({ page: html('two'), cells: table(['a'], [[1]]) });
  const done = run.finish();
  release();
  await done;
  expect(fake.run('run1')).toMatchObject({ history: { length: 2 }, uploaded: { length: 3 } });
  expect([fake.artifacts.map(({ state }) => state), run.skipped]).toEqual([['COMMITTED'], 0]);
});

test('what was logged while an upload was under way is sent after it by itself', async () => {
  const clock = fakeClock();
  const { fetch, release, begun } = heldUpload();
  const { run, fake } = await runAt({ clock, fetch });
  run.log({ page: html('one') });
  await clock.advance(1);
  await until(begun, 'an upload');
  await clock.advance(1_000);
  run.log({ page: html('two') });
  await clock.advance(16_000);
  await until(() => fake.run('run1').history.length === 2, 'the second row');
  release();
  await until(() => fake.run('run1').uploaded.length === 2, 'the second upload');
});

test('an upload that hangs holds up neither rows nor the end, at which the picture goes into a directory', async () => {
  const { run, fake } = await runAt();
  fake.trouble = ({ method }) => (method === 'PUT' ? 'hang' : undefined);
  run.log({ loss: 1, picture: image(png) });
  await until(() => fake.runs.get('run1')?.history.length === 1, 'the row');
  run.log({ loss: 0.5 });
  await run.finish({ timeoutMs: 500 });
  expect(fake.run('run1').history).toHaveLength(2);
  expect(readRun(join(run.location ?? '', 'run-run1.wandb'))).toMatchObject({
    rows: [],
    files: [expect.stringContaining('media/images/picture_0_')],
    exitCode: 0,
    isWhole: true,
  });
});

test('while uploads fail, media beyond what may wait are left out and counted', async () => {
  const { run, fake, notices } = await runAt();
  fake.trouble = ({ method }) => (method === 'PUT' ? { status: 503 } : undefined);
  const large = Buffer.concat([png, Buffer.alloc(64 * 1024 ** 2)]);
  run.log({ first: image(large) });
  await expect(run.flush()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  run.log({ loss: 1, late: html('x') });
  expect([run.skipped, notices]).toEqual([1, [expect.stringContaining('"late" was left out: uploads fail, and')]]);
});

test('a picture that was refused does not go into the directory when others take the run there', async () => {
  const { run, fake } = await runAt();
  fake.trouble = ({ method, body }) =>
    method === 'PUT' ? { status: jpeg.equals(body as Buffer) ? 403 : 503 } : undefined;
  run.log({ first: image(png), refused: image(jpeg) });
  await run.finish({ timeoutMs: 1_000 });
  const { files } = readRun(join(run.location ?? '', 'run-run1.wandb'));
  expect(JSON.parse(fake.run('run1').history[0] ?? '')).toMatchObject({ first: { path: files[0] } });
  expect(files).toHaveLength(1);
  expect(run).toMatchObject({ online: false, skipped: 1 });
});

test('the same page twice in a row is one file, and one under a reserved key is none', async () => {
  const { run, fake } = await runAt();
  run.log({ page: html('x'), _page: html('y') }, { step: 1 });
  run.log({ page: html('x') }, { step: 1 });
  await run.finish();
  expect(fake.operations('CreateRunFiles').map(({ body }) => (body as { variables: object }).variables)).toMatchObject([
    { files: [expect.stringMatching(/page_1_/)] },
  ]);
  expect(fake.run('run1').history).toHaveLength(1);
});

test('what no file can be made of is left out, counted and told', async () => {
  const { run, fake, notices } = await runAt();
  run.log({
    loss: 1,
    nested: { page: html('x') },
    mixed: [image(png), image(jpeg)],
    many: Array(109).fill(image(png)),
  });
  run.setSummary({ page: html('x') });
  await run.finish();
  const [row = '{}'] = fake.run('run1').history;
  expect(Object.keys(JSON.parse(row)).filter((key) => !key.startsWith('_'))).toEqual(['loss']);
  expect(JSON.parse(fake.run('run1').summary ?? '{}')['page']).toBeUndefined();
  expect(run.skipped).toBe(4);
  expect(notices[0]).toContain('media must be values of log() by themselves');
});

test('what is no picture and no table is refused at once', () => {
  expect(() => image(Buffer.from('GIF89a'))).toThrow(TypeError);
  expect(() => table(['a'], [[1, 2]])).toThrow('row 0 has 2 cells, but there are 1 columns');
  for (const [make, message] of [
    [() => table(undefined as never, []), 'table: needs a list of the names'],
    [() => table(['a'], 5 as never), 'table: needs a list of the names'],
    [() => table(['a'], [5] as never), 'table: needs a list of the names'],
    [() => image(undefined as never), 'image: must be the bytes'],
    [() => histogram(undefined as never), 'histogram: needs a list of numbers'],
    [() => plotly(undefined as never), 'plotly: needs a figure'],
    [() => html(undefined as never), 'html: needs a string'],
  ] as const) {
    expect(make).toThrow(message);
  }
});
