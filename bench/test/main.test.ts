import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
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
  for (const word of ['b1', 'b3', 'b4', 'b7', 'b8', '--only', '--quick', '--json']) {
    expect(stdout).toContain(word);
  }
});

test.each([
  [['--fast'], '--fast'],
  [['everything'], 'everything'],
  [['--only', 'b8,b99'], "'b99'; there are b1, b3, b4, b7, b8"],
])('refuses %j and says why', async (args, why) => {
  const { status, stdout, stderr } = await bench(...args);
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain(why);
  expect(stderr).toContain('--help');
});
