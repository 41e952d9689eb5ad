import type { Summary } from '@toolweaver/analytics-core';

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
  return tables.filter((text) => text !== '').join('\n');
}

/** Columns of numbers are aligned to the right. '' without rows. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) {
    return '';
  }
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const firstNumber = head.findIndex((name) => name === 'executions' || name === 'failures');
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, column) =>
      column < firstNumber ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    return `${padded.join('  ').trimEnd()}\n`;
  };
  return [head, ...rows].map(line).join('');
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
