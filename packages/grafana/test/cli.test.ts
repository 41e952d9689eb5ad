import { type StdioOptions, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateFiles } from '@toolweaver/analytics-grafana';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { runCommand } from '../src/command.ts';

// As it is published.
const cli = fileURLToPath(new URL(`../${manifest.bin['toolweaver-grafana']}`, import.meta.url));

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'grafana-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

function grafana(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    cwd,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

const files = generateFiles();

test('lists what there is, also where nothing was asked', () => {
  const { status, stdout, stderr } = grafana();
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/\s{2,}/)[0]),
  ).toEqual(files.map(({ path }) => path));
  expect(grafana('list').stdout).toBe(stdout);
  const { files: listed } = JSON.parse(grafana('list', '--json').stdout);
  expect(listed[0]).toEqual({
    path: 'dashboards/toolweaver-overview.json',
    description: 'Dashboard Overview',
    bytes: Buffer.byteLength(files[0]?.text ?? ''),
  });
});

test('says what its version is, and how it is used', () => {
  expect(grafana('--version')).toEqual({ status: 0, stdout: `${manifest.version}\n`, stderr: '' });
  expect(grafana('draw')).toMatchObject({ status: 2, stdout: '' });
});

test('takes the examples that its help and its refusals give', () => {
  const [, buckets = ''] = /--buckets-ms LIST .*as in (\S+)/.exec(grafana('--help').stdout) ?? [];
  const [, setting = ''] = /as in --set (\S+),/.exec(grafana('--set', '').stderr) ?? [];
  const { status, stderr } = grafana('list', '--buckets-ms', buckets, '--set', setting);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('prints one file, by its name or the end of it', () => {
  const alerts = files.find(({ path }) => path === 'rules/toolweaver-alerts.yaml');
  expect(grafana('print', 'rules/toolweaver-alerts.yaml')).toEqual({ status: 0, stdout: alerts?.text, stderr: '' });
  expect(grafana('print', 'alerts.yaml').stdout).toBe(alerts?.text);
  expect(JSON.parse(grafana('print', 'alerts.yaml', '--json').stdout)).toEqual(alerts);
});

test('writes all files, and then finds them there', () => {
  const first = grafana('write', 'monitoring');
  expect(first).toEqual({
    status: 0,
    stdout: `${join(cwd, 'monitoring')}: ${files.length} files written, 0 already there\n`,
    stderr: '',
  });
  for (const { path, text } of files) {
    expect(readFileSync(join(cwd, 'monitoring', path), 'utf8'), path).toBe(text);
  }
  const again = JSON.parse(grafana('write', 'monitoring', '--json').stdout);
  expect(again).toMatchObject({ folder: join(cwd, 'monitoring'), written: [], kept: [], failed: [] });
  expect(again.unchanged).toHaveLength(files.length);
});

test('leaves alone what somebody has changed, says so, and replaces it only by force', () => {
  grafana('write', '.');
  writeFileSync(join(cwd, 'alertmanager.yml'), 'mine');
  rmSync(join(cwd, 'compose.yaml'));
  const { status, stdout, stderr } = grafana('write', '.');
  expect(status).toBe(1);
  expect(stderr).toContain('  alertmanager.yml\n');
  expect(stderr).toContain('--force');
  expect(stdout).toContain('1 file written');
  expect(readFileSync(join(cwd, 'alertmanager.yml'), 'utf8')).toBe('mine');
  expect(existsSync(join(cwd, 'compose.yaml'))).toBe(true);
  expect(grafana('write', '.', '--force').status).toBe(0);
  expect(readFileSync(join(cwd, 'alertmanager.yml'), 'utf8')).not.toBe('mine');
});

test('writes what it can, and names what it could not', () => {
  writeFileSync(join(cwd, 'rules'), 'a file where a folder should be');
  const { status, stderr } = grafana('write', '.');
  expect(status).toBe(1);
  expect(stderr.match(/rules\/toolweaver-\w+\.yaml: /g)).toHaveLength(3);
  expect(existsSync(join(cwd, 'compose.yaml'))).toBe(true);
  expect(readdirSync(cwd, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('a place that is no folder is one mistake', () => {
  writeFileSync(join(cwd, 'file'), '');
  const { status, stdout, stderr } = grafana('write', 'file');
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/^.*file is no folder and cannot become one: .*\n$/);
});

test.skipIf(process.platform !== 'linux')('nor does it wait for ever for a file system that takes no folders', () => {
  const { status, stderr } = grafana('write', '/proc/x');
  expect(status).toBe(1);
  expect(stderr).toMatch(/^\/proc\/x is no folder and cannot become one: ENOENT.*\n$/);
});

test.skipIf(process.platform !== 'linux')('an output that takes nothing is said to, in a line', () => {
  const full = openSync('/dev/full', 'w');
  onTestFinished(() => closeSync(full));
  const stdio: StdioOptions = ['ignore', full, 'pipe'];
  const { status, stderr } = spawnSync(process.execPath, [cli], { cwd, stdio, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(/^cannot write the output: .*ENOSPC.*\n$/),
  });
});

test('makes them for another namespace, other targets and other thresholds', () => {
  const options = ['--namespace', 'acme', '--target', '10.0.0.7:8000', '--target', '[::1]:9000'];
  const more = ['--grafana-url', 'https://g.example.com', '--set', 'costPerHourUsd=20', '--set', 'healthScore=70'];
  expect(grafana('write', '.', ...options, ...more).status).toBe(0);
  const text = (path: string) => readFileSync(join(cwd, path), 'utf8');
  expect(text('prometheus.yml')).toContain("targets: ['10.0.0.7:8000', '[::1]:9000']");
  expect(text('rules/acme-alerts.yaml')).toContain('sum by (job) (increase(acme_cost_dollars_total[1h])) > 20\n');
  expect(text('rules/acme-alerts.yaml')).toContain('(acme_skill_health_score) < 70\n');
  expect(text('rules/acme-alerts.yaml')).toContain('runbook_url: https://g.example.com/d/acme-runbooks?viewPanel=1\n');
  expect(text('dashboards/acme-overview.json')).not.toContain('toolweaver_');
});

test.each<[string[], number, string]>([
  [['--help'], 0, 'Usage: npx @toolweaver/analytics-grafana'],
  [['help'], 0, 'Usage: npx @toolweaver/analytics-grafana'],
  [['--version'], 0, manifest.version],
  [['-v'], 0, manifest.version],
  [['draw'], 2, 'There is no command "draw"'],
  [['print'], 2, 'print takes the name of a file'],
  [['write'], 2, 'write takes a folder'],
  [['list', 'all'], 2, 'list takes no argument'],
  [['print', 'a', 'b'], 2, 'print takes one argument, got 2'],
  [['--colour'], 2, "Unknown option '--colour'\nTry"],
  [['--set', 'costPerHourUsd'], 2, '--set takes NAME=NUMBER'],
  [['--set', '=3'], 2, '--set takes NAME=NUMBER'],
  [['--set', 'costPerHourUsd=cheap'], 2, '--set costPerHourUsd: must be a number from 0 to 1000000000, got NaN\n'],
  [['--set', 'cost=1'], 2, '--set cost: is not an option; the options are successRatio'],
  [['--set', 'llmP95Ms=60000'], 2, 'Set it lower or --buckets-ms higher\n'],
  [
    ['--target', 'a:1', '--target', 'b'],
    2,
    '--target: must be one or more of host:port, for example 10.0.0.7:8000, got ["b"]\n',
  ],
  [['--namespace', '9'], 2, '--namespace: must begin with a letter'],
  [['--grafana-url', 'x'], 2, '--grafana-url: must be a URL that begins with https:// or http://'],
  [['--namespace', '9', '--target', 'x', '--grafana-url', 'x'], 2, '3 problems'],
  [['--buckets-ms', '10,x'], 2, '--buckets-ms: must be 1 to 200 numbers'],
  [['print', 'no.json'], 1, 'There is no file no.json'],
  [['print', '.json'], 1, 'More than one file ends with .json:\ndashboards/'],
])('%j: exit code %d, %s', (args, expected, text) => {
  let stdout = '';
  let stderr = '';
  const output = {
    out(text: string) {
      stdout += text;
    },
    err(text: string) {
      stderr += text;
    },
  };
  // In this process: to start one for each would take longer than all the rest.
  const status = runCommand(args, cwd, manifest.version, output);
  expect(status).toBe(expected);
  expect(status === 0 ? stdout : stderr).toContain(text);
  expect(status === 0 ? stderr : stdout).toBe('');
});
