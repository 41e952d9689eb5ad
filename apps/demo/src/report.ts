import type { Summary } from '@toolweaver/analytics';
import { counted } from './counted.ts';
import type { SkippedLine } from './read-receipts.ts';

interface Score {
  readonly right: number;
  /** The number of receipts for which the truth is known. */
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

/** The figures from the database. */
export interface StoredFigures {
  /** The summary of this run alone. */
  readonly run: Summary;
  /** The summary of everything in the database. */
  readonly all: Summary;
  /** The database file, if there is one. */
  readonly db: string | undefined;
  readonly isDefaultDb: boolean;
}

export interface DemoReport {
  readonly result: RunResult;
  /** Undefined if no backend can be read. */
  readonly stored: StoredFigures | undefined;
  /** Where metrics can be scraped, if anywhere. */
  readonly metricsUrl: string | undefined;
  /** Where metrics were pushed to, or should have been, if anywhere. */
  readonly push: { readonly url: string; readonly ok: boolean } | undefined;
  /** Where else the run can be seen: pages, or directories of runs that were kept offline. */
  readonly elsewhere: readonly string[];
}

/** Returns the object that `--json` prints. */
export function toJson({ result, stored, metricsUrl, push, elsewhere }: DemoReport): object {
  const { id, receipts, skipped, totals, dates } = result;
  return {
    receipts,
    skipped,
    ...(stored && { ...counts(stored.all), runs: stored.all.runs }),
    run: { id, ...(stored && counts(stored.run)) },
    extraction: { totals, dates },
    db: stored?.db ?? null,
    metricsUrl: metricsUrl ?? null,
    ...(push?.ok && { pushedTo: push.url }),
    ...(elsewhere.length > 0 && { elsewhere }),
  };
}

function counts({
  executions,
  successes,
  failures,
  successRate,
  operations,
  failuresByType,
  latencyMs,
  slowest,
}: Summary) {
  return {
    executions,
    successes,
    failures,
    successRate,
    // Executions of other kinds may have the same name.
    byTool: Object.fromEntries(tools(operations).map(({ name, ...rest }) => [name, rest])),
    failuresByType,
    latencyMs,
    slowest: slowest.map(({ name, latencyMs, attributes }) => ({
      name,
      latencyMs,
      receiptId: attributes?.['receiptId'],
    })),
  };
}

function tools(operations: Summary['operations']): Summary['operations'] {
  return operations.filter(({ kind }) => kind === 'tool');
}

/** Returns the summary as text. */
export function toText(report: DemoReport): string {
  const { result, stored, metricsUrl, push, elsewhere } = report;
  const { receipts, skipped, totals, dates } = result;
  return [
    'Summary of this run',
    `  Receipts         ${receipts}${skipped.length > 0 ? `, and ${counted(skipped.length, 'line')} skipped` : ''}`,
    `  Totals right     ${score(totals)}`,
    `  Dates right      ${score(dates)}`,
    ...(stored === undefined ? [] : storedLines(stored)),
    ...(metricsUrl === undefined ? [] : ['', `Metrics: ${metricsUrl} (as long as the demo runs: --hold 60)`]),
    ...(push === undefined ? [] : [`Metrics ${push.ok ? 'pushed to' : 'could not be pushed to'}: ${push.url}`]),
    ...elsewhere.map((place) => `Run: ${place}`),
    '',
    'Next:',
    ...nextLines(report),
    '',
  ].join('\n');
}

function storedLines({ run, all, db }: StoredFigures): string[] {
  const { average, p50, p95, p99 } = run.latencyMs;
  return [
    `  Requests         ${run.executions}`,
    `  Success rate     ${percent(run.successes, run.executions)}`,
    `  Latency          average ${ms(average)} · P50 ${ms(p50)} · P95 ${ms(p95)} · P99 ${ms(p99)}`,
    '',
    'Most used tools',
    ...tools(run.operations).map(
      ({ name, executions, successes, averageLatencyMs }, at) =>
        `  ${at + 1}. ${name.padEnd(14)} ${counted(executions, 'call')}, ${percent(successes, executions)}, average ${ms(averageLatencyMs)}`,
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
    `Database: ${db ?? 'in memory'} (${counted(all.executions, 'execution')} of ${counted(all.runs, 'run')})`,
  ];
}

function nextLines({ stored, metricsUrl }: DemoReport): string[] {
  return [
    ...(stored === undefined
      ? [next('ANALYTICS_BACKEND=sqlite,prometheus npm run demo', 'figures of this run, too, from a database')]
      : []),
    ...(stored?.db === undefined
      ? []
      : [
          `  sqlite3 ${quote(stored.db)} 'SELECT name, COUNT(*), SUM(success) FROM executions GROUP BY name'`,
          next(
            stored.isDefaultDb ? 'npm run demo' : `npm run demo -- --db ${quote(stored.db)}`,
            'adds another run to the database',
          ),
        ]),
    ...(metricsUrl === undefined
      ? [next('ANALYTICS_BACKEND=prometheus npm run demo -- --hold 60', 'metrics for Prometheus')]
      : [`  curl -s ${metricsUrl} | grep _total`]),
    next('npm run -s demo -- --receipts FILE --json', 'your own receipts, and an answer for programs'),
  ];
}

/** Formats a command and what it does. */
function next(command: string, what: string): string {
  return `  ${command.padEnd(54)}  ${what}`;
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
