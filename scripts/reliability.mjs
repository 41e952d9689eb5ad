// A trial is a test that leaves its figures in the `meta` of its result (`test/support/trial.ts`).
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toDocument } from './reliability-document.mjs';

const help = `Runs every test, also the slow ones, and tells what the trials of the backends have counted.

  npm run reliability                         as often as a release needs it; an hour and more
  npm run reliability -- --quick              as often as every push can afford it; five minutes
  npm run reliability -- --soak 60            also an hour of steady load
  npm run -s reliability -- --json            one JSON object on stdout, and nothing else
  npm run reliability -- --document           also writes RELIABILITY.md; of all trials only
  SEED=7 npm run reliability -- -t R06        one trial again; what is not named here goes to vitest

Ends with 0 when every test has passed.
`;
const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(help);
  process.exit();
}

/** Removes an option, with its value if it has one, from the arguments for vitest, and returns it. */
function take(option, hasValue = false) {
  const at = args.indexOf(option);
  return at === -1 ? undefined : args.splice(at, hasValue ? 2 : 1).at(-1);
}

const asJson = take('--json') !== undefined;
const wantsDocument = take('--document') !== undefined;
const mode = take('--quick') === undefined ? 'full' : 'quick';
const soakMinutes = take('--soak', true);
if (soakMinutes !== undefined && !(Number(soakMinutes) > 0)) {
  console.error(`--soak takes a number of minutes, got ${soakMinutes}`);
  process.exit(2);
}
if (wantsDocument && args.length > 0) {
  console.error(`--document is of all trials: it goes with nothing for vitest, got ${args.join(' ')}`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'reliability-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
// If the caller asks for vitest's own report, it goes there, and this script reads it from there.
const wanted = args.find((arg) => arg.startsWith('--outputFile.json='));
const file = wanted?.slice(wanted.indexOf('=') + 1) ?? join(folder, 'vitest.json');
const jsonReporter = join(import.meta.dirname, 'json-reporter.mjs');
const reporters =
  wanted === undefined ? ['--reporter=default', `--reporter=${jsonReporter}`, `--outputFile.json=${file}`] : [];

const started = performance.now();
const status = await vitest(['run', '--mode', 'reliability', ...reporters, ...args]);
const report = toReport(readResults(), performance.now() - started);
process.stdout.write(asJson ? `${JSON.stringify(report, null, 2)}\n` : toText(report));
process.exitCode = status;
if (wantsDocument && report.trials.length > 0) {
  writeFileSync(join(import.meta.dirname, '..', 'RELIABILITY.md'), toDocument(report));
} else if (wantsDocument) {
  console.error('RELIABILITY.md is left as it was: no trial has come to its end.');
  process.exitCode = status || 1;
}

function vitest(options) {
  return new Promise((done) => {
    const env = {
      // Hundreds of processes compile the same sources, so share a cache.
      NODE_COMPILE_CACHE: join(import.meta.dirname, '..', 'node_modules', '.cache', 'compile'),
      ...process.env,
      RELIABILITY: mode,
      ...(soakMinutes && { SOAK_MINUTES: soakMinutes }),
    };
    const child = spawn('vitest', options, {
      env,
      stdio: ['ignore', asJson ? process.stderr : 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    });
    // The terminal sends Ctrl-C to the child as well. It ends first, and this process with it.
    process.on('SIGINT', () => {}).on('SIGTERM', (signal) => child.kill(signal));
    child.on('error', (error) => {
      console.error(error.message);
      done(1);
    });
    child.on('close', (code) => done(code ?? 1));
  });
}

/** The outcome of each test; undefined if vitest did not finish. */
function readResults() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function toReport(results, durationMs) {
  const tests = results?.testResults.flatMap(({ assertionResults }) => assertionResults) ?? [];
  const count = (...statuses) => tests.filter(({ status }) => statuses.includes(status)).length;
  return {
    ok: status === 0 && results?.success === true,
    counts: mode,
    durationMs: Math.round(durationMs),
    commit: commit(),
    versions: versions(),
    tests: { passed: count('passed'), failed: count('failed'), skipped: count('skipped', 'pending', 'todo') },
    failed: tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
    errors: results?.errors ?? [],
    trials: [...Map.groupBy(tests, ({ meta }) => meta?.trial && `${meta.trial.id} ${meta.trial.name}`)]
      .filter(([trial]) => trial !== undefined)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, cases]) => toTrial(cases)),
  };
}

/** Merges the tests of one trial, which may be one or several. */
function toTrial(cases) {
  const [{ id, name, skipped }] = cases.map(({ meta }) => meta.trial);
  const seeds = cases.flatMap(({ meta }) => meta.trial.seed ?? []);
  const counts = {};
  for (const { trial } of cases.map(({ meta }) => meta)) {
    for (const [figure, count] of Object.entries(trial.counts)) {
      const before = counts[figure] ?? 0;
      counts[figure] = trial.peaks.includes(figure) ? Math.max(before, count) : before + count;
    }
  }
  const failures = cases.flatMap(({ failureMessages }) => failureMessages);
  return {
    id,
    name,
    ...(skipped === undefined ? { ok: cases.every(({ status }) => status === 'passed') } : { skipped }),
    counts,
    seeds,
    durationMs: Math.round(cases.reduce((sum, { duration }) => sum + (duration ?? 0), 0)),
    ...(failures.length > 0 && { failures }),
  };
}

function versions() {
  const requireFromStore = createRequire(new URL('../packages/sqlite/package.json', import.meta.url));
  const Database = requireFromStore('better-sqlite3');
  const db = new Database(':memory:');
  const sqlite = db.prepare('SELECT sqlite_version()').pluck().get();
  db.close();
  return {
    node: process.versions.node,
    sqlite,
    betterSqlite3: requireFromStore('better-sqlite3/package.json').version,
    platform: `${process.platform}-${process.arch}`,
  };
}

/** The commit that was run, with a plus if files other than those generated by runs differ. Undefined outside of git. */
function commit() {
  const git = (...command) =>
    execFileSync('git', command, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', ':!BENCHMARKS.md', ':!RELIABILITY.md');
    return git('rev-parse', '--short', 'HEAD') + (changed && '+');
  } catch {
    return undefined;
  }
}

function toText({ ok, counts, durationMs, versions, tests, failed, errors, trials }) {
  const { node, sqlite, betterSqlite3, platform } = versions;
  const outcome = (one) => (one.skipped === undefined ? (one.ok ? 'ok' : 'FAILED') : 'skipped');
  const figures = (one) =>
    one.skipped ??
    Object.entries(one.counts)
      .map(([figure, value]) => `${figure} ${value}`)
      .join(', ');
  return [
    `Node ${node}, SQLite ${sqlite} of better-sqlite3 ${betterSqlite3}, ${platform}; counts: ${counts}`,
    '',
    ...trials.flatMap((one) => [
      `${one.id}  ${outcome(one).padEnd(7)}  ${one.name}`,
      `     ${(one.durationMs / 1000).toFixed(1)} s${one.seeds.length === 0 ? '' : `, seed ${one.seeds.join(', ')}`}: ${figures(one)}`,
    ]),
    ...failed.map((name) => `FAILED: ${name}`),
    ...errors.map((error) => `Outside of tests: ${error}`),
    '',
    `${ok ? 'ok' : 'FAILED'} after ${(durationMs / 1000).toFixed(0)} s: ${tests.passed} tests passed, ${tests.failed} failed, ${tests.skipped} skipped`,
    '',
  ].join('\n');
}
