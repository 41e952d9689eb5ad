import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toDocument } from './document.ts';
import type { Measure, MeasureId, Setting } from './figure.ts';
import { describeMachine } from './machine.ts';
import { help, type Options, parseOptions } from './options.ts';
import { type Report, toText } from './report.ts';

/** Measures are loaded on demand, so that none runs on a heap that the modules of another have filled. */
const load: Readonly<Record<MeasureId, () => Promise<Measure>>> = {
  b1: async () => (await import('./b1-record.ts')).record,
  b2: async () => (await import('./b2-prometheus.ts')).count,
  b2o: async () => (await import('./b2o-otlp.ts')).push,
  b3: async () => (await import('./b3-ingest.ts')).ingest,
  b4: async () => (await import('./b4-stall.ts')).stall,
  b5: async () => (await import('./b5-questions.ts')).ask,
  b6: async () => (await import('./b6-scrape.ts')).scrape,
  b7: async () => (await import('./b7-import.ts')).load,
  b8: async () => (await import('./b8-heap.ts')).heap,
  b10: async () => (await import('./b10-runs.ts')).runs,
};

process.exitCode = await main(process.argv.slice(2));

/** Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`${(error as Error).message}\nRun with --help to see the options.`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(help);
    return 0;
  }
  if (process.threadCpuUsage === undefined) {
    console.error(`The benchmarks need Node 24 or later (process.threadCpuUsage); this is ${process.versions.node}.`);
    return 1;
  }
  const interrupted = new AbortController();
  // Files cannot be removed while a thread writes to them, so let the current step end. A second Ctrl-C kills the process.
  process.once('SIGINT', () => interrupted.abort());
  const report = await measureAll(options, interrupted.signal);
  if (interrupted.signal.aborted) {
    return 130;
  }
  if (options.document) {
    writeFileSync(join(import.meta.dirname, '..', '..', 'BENCHMARKS.md'), toDocument(report, commit()));
  }
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : toText(report));
  return report.failures.length === 0 ? 0 : 1;
}

async function measureAll({ only, quick, executions, cache }: Options, interrupted: AbortSignal): Promise<Report> {
  const machine = describeMachine();
  const resolved = import.meta.resolve('@toolweaver/analytics-core');
  const folder = temporaryFolder();
  let files = 0;
  const figures: Report['figures'][number][] = [];
  const failures: Report['failures'][number][] = [];
  for (const id of only) {
    if (interrupted.aborted) {
      break;
    }
    const setting: Setting = {
      quick,
      executions,
      cache,
      newPath: (name) => {
        files += 1;
        return join(folder, `${files}-${name}`);
      },
      progress(text) {
        interrupted.throwIfAborted();
        showProgress(`${id}: ${text}`);
      },
      announce(text) {
        showProgress('');
        console.error(`${id}: ${text}`);
      },
    };
    try {
      const measure = await load[id]();
      figures.push(...(await measure(setting)));
    } catch (error) {
      failures.push({ measure: id, message: (error as Error).message });
    }
  }
  showProgress('');
  const ok = failures.length === 0 && figures.every(({ verdict }) => verdict !== 'missed');
  return { ok, machine, packages: resolved.endsWith('.ts') ? 'sources' : 'built', quick, figures, failures };
}

/** Makes a folder that is removed when the process ends. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'toolweaver-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Overwrites one line on a terminal. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  }
}

/** The commit that is measured, marked if files differ from it. */
function commit(): string {
  try {
    const args = ['describe', '--always', '--dirty', '--exclude', '*'];
    return execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
