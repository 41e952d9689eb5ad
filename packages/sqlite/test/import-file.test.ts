import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type AnalyticsError, isAnalyticsError } from '@toolweaver/analytics-core';
import { importEvents } from '@toolweaver/analytics-sqlite';
import { expect, test } from 'vitest';
import { testFolder } from './support/folder.ts';
import { factsOf, toLlmCall, traceIn } from './support/llm-calls.ts';
import { open } from './support/open.ts';
import { query, value } from './support/rows.ts';

const facts = `SELECT count(*) AS rows, sum(input_tokens) AS inputTokens, sum(output_tokens) AS outputTokens,
  min(timestamp) AS first, max(timestamp) AS last FROM executions WHERE kind = 'llm' AND model = 'trace-2023'`;

test('a trace of LLM calls is imported whole, and once, however often', async () => {
  const folder = testFolder();
  const path = join(folder, 'analytics.db');
  const trace = traceIn(folder);
  const expected = factsOf(trace);
  expect(expected.rows).toBeGreaterThanOrEqual(19_000);
  const backend = await open({ path });
  const bytes = readFileSync(trace).byteLength;
  const told: { bytes: number; totalBytes: number | undefined }[] = [];
  for (let times = 0; times < 2; times += 1) {
    const onProgress = (progress: { bytes: number; totalBytes: number | undefined }): void => void told.push(progress);
    expect(await importEvents(backend, trace, { map: toLlmCall, onProgress })).toEqual({
      read: expected.rows,
      imported: expected.rows,
      skipped: 0,
      rejected: 0,
      rejections: [],
      bytes,
    });
    expect(query(path, facts)).toEqual([expected]);
  }
  expect(told.every((progress) => progress.totalBytes === bytes)).toBe(true);
  expect(told.some((progress) => progress.bytes > 0 && progress.bytes < bytes)).toBe(true);
  expect(told.at(-1)?.bytes).toBe(bytes);

  // From another file, in another order, and compressed, they are the same calls.
  const [header = '', ...lines] = readFileSync(trace, 'utf8').split('\r\n');
  const turned = join(folder, 'turned.csv.GZ');
  writeFileSync(turned, gzipSync([header, ...lines.toReversed()].join('\n')));
  expect(await importEvents(backend, turned, { map: toLlmCall })).toMatchObject({ imported: expected.rows });
  expect(query(path, facts)).toEqual([expected]);
});

test('hostile names go in as core has them, and come out of SQL as they went in', async () => {
  const path = join(testFolder(), 'analytics.db');
  const hostile = [
    `'; DROP TABLE executions; --`,
    `" OR 1=1 --`,
    '__proto__',
    'constructor',
    '=cmd|calc!A0',
    '%_?$1:name@x',
    '../../etc/passwd',
    '\u202egnp.exe\u202c 🧶 é e\u0301',
    ' both sides ',
    'x'.repeat(256),
  ];
  const cleaned: [given: string, kept: string][] = [
    ['a\0b', 'a\ufffdb'],
    ['line\r\nbreak', 'line\ufffd\ufffdbreak'],
    ['\ud800 alone', '\ufffd alone'],
    ['y'.repeat(300), 'y'.repeat(256)],
  ];
  const rows = [...hostile, ...cleaned.map(([given]) => given)].map((name, at) => ({
    type: 'execution',
    kind: 'skill',
    name,
    success: true,
    at,
    userId: name,
    orgId: name,
    runId: name,
    version: name,
  }));
  const backend = await open({ path });
  const text = rows.map((row) => `${JSON.stringify(row)}\n`);
  expect(await importEvents(backend, text, { format: 'jsonl' })).toMatchObject({ imported: rows.length, rejected: 0 });
  const kept = [...hostile, ...cleaned.map(([, name]) => name)];
  for (const column of ['name', 'user_id', 'org_id', 'run_id', 'version']) {
    expect(query(path, `SELECT ${column} AS text FROM executions ORDER BY at`).map((row) => row['text'])).toEqual(kept);
  }

  const csv = `at,kind,name,success\n${rows.map((row) => `${row.at},skill,"${row.name.replaceAll('"', '""')}",1\n`).join('')}`;
  const other = join(testFolder(), 'other.db');
  const second = await open({ path: other });
  expect(await importEvents(second, [csv], { format: 'csv' })).toMatchObject({ imported: rows.length, rejected: 0 });
  expect(query(other, 'SELECT name FROM executions ORDER BY at').map((row) => row['name'])).toEqual(kept);
});

test('a file that is cut off or is no gzip says so, and how far it got', async () => {
  const folder = testFolder();
  const backend = await open({ path: join(folder, 'analytics.db') });
  const rows = Array.from({ length: 20_000 }, (_, at) => `${at},${Math.random()}`);
  const whole = gzipSync(`at,name\n${rows.join('\n')}`);
  const map = (row: Readonly<Record<string, string>>) =>
    ({ type: 'execution', kind: 'tool', name: row['name'] ?? '', success: true, at: Number(row['at']) }) as const;
  async function failure(name: string, content: Uint8Array): Promise<AnalyticsError> {
    writeFileSync(join(folder, name), content);
    const error = await importEvents(backend, join(folder, name), { map }).catch((thrown) => thrown);
    expect(isAnalyticsError(error)).toBe(true);
    return error;
  }
  const cut = await failure('cut.csv.gz', whole.subarray(0, whole.length / 2));
  expect(cut).toMatchObject({ code: 'INVALID_CONFIG', problems: [{ field: 'source' }] });
  const [, imported] = /; (\d+) events were imported/.exec(cut.message) ?? [];
  expect(Number(imported)).toBeGreaterThan(0);
  expect(value(join(folder, 'analytics.db'), 'SELECT count(*) FROM executions')).toBe(Number(imported));

  const plain = await failure('plain.csv.gz', Buffer.from('at,name\n1,x\n'));
  expect(plain).toMatchObject({ code: 'INVALID_CONFIG', problems: [{ field: 'source' }] });
  expect(plain.message).toContain('incorrect header check; nothing was imported');

  writeFileSync(join(folder, 'whole.csv.gz'), whole);
  expect(await importEvents(backend, join(folder, 'whole.csv.gz'), { map })).toMatchObject({ imported: 20_000 });
  expect(value(join(folder, 'analytics.db'), 'SELECT count(*) FROM executions')).toBe(20_000);
});
