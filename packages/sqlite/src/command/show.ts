import type { CostReport, ExecutionEvent, RunSummary, Summary } from '@toolweaver/analytics-core';

/** A report as lines of `name: value`, with what is nested in one line each. */
export function showReport(report: object): string {
  return lines(report, '').join('');
}

function lines(report: object, prefix: string): string[] {
  return Object.entries(report).flatMap(([key, value]) => {
    const name = `${prefix}${key}`;
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      return lines(value, `${name}.`);
    }
    const isTime = typeof value === 'number' && (/(At|^from|^to)$/.test(key) || prefix === 'deletedBefore.');
    return [`${name}: ${isTime ? new Date(value).toISOString() : Array.isArray(value) ? value.length : value}\n`];
  });
}

const unknown = '-';
/** Of messages: the rest is in the output as JSON. */
const maxMessage = 100;

/** The summary for people: totals, and a table of operations and one of failures. */
export function showSummary(summary: Summary): string {
  const { executions, successRate, totalCostUsd, pricedExecutions, totalTokens, runs, operations, failuresByType } =
    summary;
  const cost = `${dollars(totalCostUsd)} known, of ${count(pricedExecutions)} executions`;
  const totals = [
    ['executions', count(executions)],
    ['succeeded', percent(successRate)],
    ['cost', cost],
    ['tokens', count(totalTokens)],
    ['runs', count(runs)],
  ];
  const tables = [
    totals.map(([name = '', value = '']) => `${name.padEnd(12)}${value}\n`).join(''),
    table(
      ['kind', 'name', 'executions', 'succeeded', 'mean ms', 'tokens', 'cost'],
      operations.map((of) => [
        of.kind,
        of.name,
        count(of.executions),
        percent(of.successRate),
        of.averageLatencyMs === null ? unknown : count(of.averageLatencyMs),
        count(of.totalTokens),
        dollars(of.totalCostUsd),
      ]),
    ),
    table(
      ['kind', 'name', 'error', 'failures'],
      failuresByType.map(({ kind, name, errorType, failures }) => [kind, name, errorType, count(failures)]),
    ),
  ];
  return joined(...tables);
}

export function showCosts({ entries, totalCostUsd, pricedExecutions, executions }: CostReport): string {
  const total = `${dollars(totalCostUsd)} known, of ${count(pricedExecutions)} of ${count(executions)} executions\n`;
  const rows = entries.map((entry) => [
    entry.kind ?? unknown,
    entry.name ?? unknown,
    count(entry.executions),
    count(entry.totalTokens),
    dollars(entry.totalCostUsd),
  ]);
  return joined(total, table(['kind', 'name', 'executions', 'tokens', 'cost'], rows));
}

export function showFailures(executions: readonly ExecutionEvent[]): string {
  const rows = executions.map(({ at, kind, name, runId, error }) => [
    time(at),
    kind,
    name,
    runId ?? unknown,
    error?.type ?? unknown,
    error?.message?.replace(/\s+/g, ' ').slice(0, maxMessage) ?? unknown,
  ]);
  return table(['time', 'kind', 'name', 'run', 'error', 'message'], rows) || 'no failures\n';
}

export function showRuns(runs: readonly RunSummary[]): string {
  const rows = runs.map(({ startedAt, runId, name, state, executions, successRate, totalTokens, totalCostUsd }) => [
    time(startedAt),
    runId,
    name ?? unknown,
    state ?? unknown,
    count(executions),
    percent(successRate),
    count(totalTokens),
    dollars(totalCostUsd),
  ]);
  return table(['started', 'run', 'name', 'state', 'executions', 'succeeded', 'tokens', 'cost'], rows) || 'no runs\n';
}

/** Columns of numbers are aligned to the right. '' without rows. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) {
    return '';
  }
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const numbers = head.findIndex((name) => name === 'executions' || name === 'failures');
  const firstNumber = numbers < 0 ? head.length : numbers;
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, column) =>
      column < firstNumber ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    return `${padded.join('  ').trimEnd()}\n`;
  };
  return [head, ...rows].map(line).join('');
}

function joined(...parts: readonly string[]): string {
  return parts.filter((text) => text !== '').join('\n');
}

/** In UTC, as the times in the views. */
function time(at: number): string {
  return new Date(at).toISOString().replace('T', ' ').slice(0, 19);
}

function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

function percent(share: number | null): string {
  return share === null ? unknown : `${(share * 100).toFixed(1)} %`;
}

function dollars(usd: number | null): string {
  return usd === null
    ? unknown
    : `$${usd.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 6 })}`;
}
