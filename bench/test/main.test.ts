import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { toDocument } from '../src/document.ts';
import { toText } from '../src/report.ts';

const program = join(import.meta.dirname, '..', 'src', 'main.ts');
const temporary = mkdtempSync(join(tmpdir(), 'bench-test-'));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

interface Run {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** On the sources, so that no build is needed. */
function bench(...args: readonly string[]): Promise<Run> {
  const nodeArgs = ['--conditions=@toolweaver/source', program, ...args];
  const env = { ...process.env, TMPDIR: temporary, TEMP: temporary };
  return new Promise((resolve) => {
    execFile(process.execPath, nodeArgs, { env }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test.runIf(process.threadCpuUsage !== undefined)(
  '--json gives one object with every figure, and leaves no files behind',
  async () => {
    const { status, stdout, stderr } = await bench('--quick', '--json', '--only', 'b8');
    expect(stderr).toBe('');
    expect(status).toBe(0);

    const report = JSON.parse(stdout);
    expect(report).toEqual({
      ok: report.figures.every(({ verdict }: { verdict: string }) => verdict !== 'missed'),
      machine: {
        node: process.versions.node,
        platform: `${process.platform}-${process.arch}`,
        cpu: expect.any(String),
        cpus: expect.any(Number),
        loadAverage: expect.any(Number),
      },
      packages: 'sources',
      quick: true,
      figures: expect.any(Array),
      failures: [],
    });
    expect(report.figures).toHaveLength(5);
    for (const figure of report.figures) {
      const { value, target } = figure;
      expect(figure).toEqual({
        measure: 'b8',
        name: expect.any(String),
        unit: 'bytes',
        value: expect.any(Number),
        low: value,
        high: value,
        rounds: 1,
        target: target && { op: '<=', value: 250 },
        verdict: target === null ? 'stated' : value <= 250 ? 'met' : 'missed',
        details: {},
        note: null,
      });
      // An event holds an id, a time and eight more fields; no less than that can be right.
      expect(value).toBeGreaterThan(100);
    }
    expect(readdirSync(temporary)).toEqual([]);

    const text = toText(report);
    expect(text).toMatch(/^b8 .* <= 250 bytes {2}(met|missed)$/m);
    expect(text).toMatch(/^\d of 3 targets (met|MISSED)$/m);
  },
);

test('--help names every measure and option', async () => {
  const { status, stdout } = await bench('--help');
  expect(status).toBe(0);
  for (const word of [
    'b1',
    'b2',
    'b2o',
    'b3',
    'b4',
    'b5',
    'b6',
    'b7',
    'b8',
    'b10',
    '--only',
    '--quick',
    '--json',
    '--document',
    '--executions',
    '--cache',
  ]) {
    expect(stdout).toContain(word);
  }
});

test('refuses what it does not know, and says why', async () => {
  const { status, stdout, stderr } = await bench('--only', 'b8,b99');
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain("'b99'; there are b1, b2, b2o, b3, b4, b5, b6, b7, b8, b10");
  expect(stderr).toContain('--help');
});

test('a document is about all measures', async () => {
  const { status, stderr } = await bench('--document', 'b8');
  expect(status).toBe(2);
  expect(stderr).toContain('--document is about all measures');
});

test('the document has a line for each figure, its verdict, and what could not be measured', () => {
  const document = toDocument(
    {
      ok: false,
      machine: { node: '24.0.0', platform: 'linux-x64', cpu: 'some', cpus: 2, loadAverage: 0.1 },
      packages: 'built',
      quick: false,
      figures: [
        {
          measure: 'b2',
          name: 'of <them>',
          unit: 'ratio',
          value: 0.5,
          low: 0.4,
          high: 0.6,
          rounds: 3,
          target: { op: '<=', value: 0.25 },
          verdict: 'missed',
          details: { clientNs: 1234 },
          note: 'a note',
        },
      ],
      failures: [{ measure: 'b3', message: 'no room' }],
    },
    'abc1234',
  );
  expect(document).toContain('**1 of 1 targets were missed.**\nCommit abc1234, Node 24.0.0');
  expect(document).toContain(
    '| b2 | of &lt;them> | 0.5 x | 0.4 x to 0.6 x | &lt;= 0.25 x | **missed** | clientNs 1234 |',
  );
  expect(document).toContain('## Notes\n\n- b2: a note\n');
  expect(document).toContain('## Could not be measured\n\n- b3: no room\n');
});

test.runIf(process.threadCpuUsage !== undefined)(
  'what is asked of a stored history is made once, and the answers are right',
  async () => {
    const cache = join(temporary, 'cache');
    const args = ['--quick', '--json', 'B5', '--executions', '20000', '--cache', cache];
    const first = await bench(...args);
    expect(first.stderr).toMatch(/^b5: making .*store-20000-.*, once$/m);
    expect(first.status).toBe(0);

    const report = JSON.parse(first.stdout);
    expect(report.failures).toEqual([]);
    const error = report.figures.find(({ name }: { name: string }) => name.startsWith('largest error'));
    expect(error).toMatchObject({ measure: 'b5', verdict: 'met', target: { op: '<=', value: 0.01 } });
    // A sketch that was never asked would be exact.
    expect(error.value).toBeGreaterThan(0);

    const files = readdirSync(cache).toSorted();
    expect(files).toEqual([
      expect.stringMatching(/^by-hand-20000-v\d+\.db$/),
      expect.stringMatching(/^store-20000-v\d+-[0-9a-f]{8}\.db$/),
    ]);

    // Of another schema, or never finished: it makes way, and what is as it should be stays.
    const [table, store] = files.map((name) => join(cache, name)) as [string, string];
    renameSync(store, store.replace(/[0-9a-f]{8}\.db$/, '00000000.db'));
    const { ino } = statSync(table);
    const second = await bench(...args);
    expect(second.stderr).not.toContain('by-hand');
    expect(readdirSync(cache).toSorted()).toEqual(files);
    expect(statSync(table).ino).toBe(ino);
    rmSync(cache, { recursive: true });
  },
  300_000,
);
