import type { Summary } from '@toolweaver/analytics';
import type { SkippedLine } from './read-receipts.ts';

interface Score {
  readonly right: number;
  /** How many of the receipts say what is right. */
  readonly known: number;
}

/** What this invocation did. */
export interface RunResult {
  readonly id: string;
  readonly receipts: number;
  readonly skipped: readonly SkippedLine[];
  readonly totals: Score;
  readonly dates: Score;
}

export interface DemoReport {
  readonly result: RunResult;
  /** Of this run alone. */
  readonly run: Summary;
  /** Of everything in the database. */
  readonly all: Summary;
  readonly db: string;
  /** Where else the run can be seen: pages, or directories of runs that were kept offline. */
  readonly elsewhere: readonly string[];
}

/** The object that `--json` prints. */
export function toJson({ result, run, all, db, elsewhere }: DemoReport): object {
  const { id, receipts, skipped, totals, dates } = result;
  return {
    receipts,
    skipped,
    ...counts(all),
    runs: all.runs,
    run: { id, ...counts(run) },
    extraction: { totals, dates },
    db,
    ...(elsewhere.length > 0 && { elsewhere }),
  };
}

function counts({ executions, successes, failures, successRate, names, failuresByType, latencyMs, slowest }: Summary) {
  return {
    executions,
    successes,
    failures,
    successRate,
    byTool: Object.fromEntries(names.map(({ name, ...rest }) => [name, rest])),
    failuresByType,
    latencyMs,
    slowest: slowest.map(({ name, latencyMs, attributes }) => ({
      name,
      latencyMs,
      receiptId: attributes?.['receiptId'],
    })),
  };
}

/** The summary for people. */
export function toText({ result, run, all, db, elsewhere }: DemoReport): string {
  const { average, p50, p95, p99 } = run.latencyMs;
  const tools = run.names.filter(({ kind }) => kind === 'tool');
  return [
    'Summary of this run',
    `  Receipts         ${result.receipts}${result.skipped.length > 0 ? `, and ${result.skipped.length} lines skipped` : ''}`,
    `  Totals right     ${score(result.totals)}`,
    `  Dates right      ${score(result.dates)}`,
    `  Requests         ${run.executions}`,
    `  Success rate     ${percent(run.successes, run.executions)}`,
    `  Latency          average ${ms(average)} · P50 ${ms(p50)} · P95 ${ms(p95)} · P99 ${ms(p99)}`,
    '',
    'Most used tools',
    ...tools.map(
      ({ name, executions, successes, averageLatencyMs }, at) =>
        `  ${at + 1}. ${name.padEnd(14)} ${executions} calls, ${percent(successes, executions)}, average ${ms(averageLatencyMs)}`,
    ),
    '',
    'Failures by type',
    ...(run.failuresByType.length === 0 ? ['  none'] : []),
    ...run.failuresByType.map(
      ({ name, errorType, failures }) => `  ${String(failures).padStart(4)}  ${errorType} in ${name}`,
    ),
    '',
    'Slowest calls',
    ...run.slowest.map(
      ({ name, latencyMs, attributes }) =>
        `  ${ms(latencyMs).padStart(9)}  ${name}, receipt ${attributes?.['receiptId']}`,
    ),
    '',
    `Database: ${db} (${all.executions} executions of ${all.runs} ${all.runs === 1 ? 'run' : 'runs'})`,
    ...elsewhere.map((place) => `Run: ${place}`),
    '',
    'Next:',
    `  sqlite3 ${quote(db)} 'SELECT name, COUNT(*), SUM(success) FROM executions GROUP BY name'`,
    '  npm run demo                                     adds another run to the database',
    '  npm run -s demo -- --receipts FILE --json        your own receipts, and an answer for programs',
    '',
  ].join('\n');
}

function score({ right, known }: Score): string {
  return known === 0 ? 'unknown: no receipt says what it should be' : percent(right, known);
}

function percent(part: number, whole: number): string {
  return whole === 0 ? 'none' : `${((100 * part) / whole).toFixed(1)} % (${part} of ${whole})`;
}

function ms(value: number | null | undefined): string {
  return value === null || value === undefined ? 'unknown' : `${value.toFixed(2)} ms`;
}

function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
