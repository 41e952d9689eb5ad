import { AnalyticsError, type ExecutionEvent, type Usage } from '@toolweaver/analytics-core';
import { describeValue } from '@toolweaver/analytics-core/backend';
import { guardFormula, toCsvLine, unguardFormula } from './csv.ts';

// Executions as rows of CSV: the columns of the view `executions`, in its order.

/** Reads the value of a column from an execution; undefined becomes an empty cell. */
type Column = (event: ExecutionEvent) => string | number | bigint | boolean | undefined;

/** Guards a text against formulas, as anybody may have written it. Numbers and ids generated here need no guard. */
const text =
  (get: (event: ExecutionEvent) => string | undefined): Column =>
  (event) => {
    const value = get(event);
    return value === undefined ? undefined : guardFormula(value);
  };

const columns: Readonly<Record<string, Column>> = {
  id: ({ id }) => id,
  at: ({ at }) => at,
  timestamp: ({ at }) => new Date(at).toISOString().slice(0, -1).replace('T', ' '),
  kind: ({ kind }) => kind,
  name: text(({ name }) => name),
  success: ({ success }) => success,
  latency_ms: ({ latencyMs }) => latencyMs,
  error_type: text(({ error }) => error?.type),
  error_message: text(({ error }) => error?.message),
  version: text(({ version }) => version),
  toolkit: text(({ toolkit }) => toolkit),
  parent_id: ({ parentId }) => parentId,
  attempt: ({ attempt }) => attempt,
  cache_hit: ({ cacheHit }) => cacheHit,
  input_bytes: ({ inputBytes }) => inputBytes,
  output_bytes: ({ outputBytes }) => outputBytes,
  model: text(({ model }) => model),
  provider: text(({ provider }) => provider),
  input_tokens: ({ usage }) => usage?.inputTokens,
  cache_read_tokens: ({ usage }) => usage?.cacheReadTokens,
  cache_write_tokens: ({ usage }) => usage?.cacheWriteTokens,
  output_tokens: ({ usage }) => usage?.outputTokens,
  reasoning_tokens: ({ usage }) => usage?.reasoningTokens,
  total_tokens: ({ usage }) => usage && total(usage),
  cost_nano_usd: ({ cost }) => cost?.nanoUsd,
  cost_usd: ({ cost }) => cost && cost.nanoUsd / 1e9,
  cost_source: ({ cost }) => cost?.source,
  run_id: text(({ runId }) => runId),
  user_id: text(({ userId }) => userId),
  org_id: text(({ orgId }) => orgId),
  attributes: ({ attributes }) => attributes && JSON.stringify(attributes),
  weight: ({ weight }) => weight ?? 1,
};

function total(usage: Usage): number | bigint {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage;
  const tokens = [inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens];
  const sum = tokens.reduce((some, more) => some + more, 0);
  // Each count is a safe integer, but their sum may not be.
  return Number.isSafeInteger(sum) ? sum : tokens.reduce((some, more) => some + BigInt(more), 0n);
}

export const executionHeader: string = toCsvLine(Object.keys(columns));

export function toExecutionLine(event: ExecutionEvent): string {
  return toCsvLine(
    Object.values(columns).map((column) => {
      const value = column(event);
      return value === undefined ? '' : String(typeof value === 'boolean' ? Number(value) : value);
    }),
  );
}

type Row = Readonly<Record<string, string>>;

/** Why rows under a header cannot be read as executions; undefined if they can. */
export function headerProblem(header: readonly string[]): string | undefined {
  const [separator] = header.length === 1 ? (/[;\t|]/.exec(header[0] ?? '') ?? []) : [];
  if (separator !== undefined) {
    return `is set apart by ${JSON.stringify(separator)}: cells of CSV are set apart by commas`;
  }
  const unknown = header.filter((name) => !Object.hasOwn(columns, name));
  const missing = ['kind', 'name', 'success'].filter((name) => !header.includes(name));
  if (!header.includes('at') && !header.includes('timestamp')) {
    missing.push('at');
  }
  const problems = [
    ...(unknown.length > 0 ? [`has unknown columns (${unknown.slice(0, 5).join(', ')})`] : []),
    ...(missing.length > 0 ? [`lacks the columns ${missing.join(', ')}`] : []),
  ];
  return problems.length === 0 ? undefined : `${problems.join(' and ')}: say what its rows mean with map`;
}

/** Returns the data of an execution for `parseEvent`, which rejects invalid cells by field: these are passed on as they are. */
export function fromExecutionRow(row: Row): Record<string, unknown> {
  const cell = (name: string): string | undefined => row[name] || undefined;
  const textOf = (name: string): string | undefined => {
    const value = cell(name);
    return value === undefined ? undefined : unguardFormula(value);
  };
  const numberOf = (name: string): unknown => parseNumber(cell(name));
  const usage: Record<keyof Usage, unknown> = {
    inputTokens: numberOf('input_tokens'),
    cacheReadTokens: numberOf('cache_read_tokens'),
    cacheWriteTokens: numberOf('cache_write_tokens'),
    outputTokens: numberOf('output_tokens'),
    reasoningTokens: numberOf('reasoning_tokens'),
  };
  const weight = numberOf('weight');
  const nanoUsd = numberOf('cost_nano_usd');
  const usd = numberOf('cost_usd');
  const error = { type: textOf('error_type'), message: textOf('error_message') };
  return {
    type: 'execution',
    id: cell('id'),
    at: numberOf('at') ?? parseTimestamp(cell('timestamp')),
    kind: cell('kind'),
    name: textOf('name'),
    success: parseFlag(cell('success')),
    latencyMs: numberOf('latency_ms'),
    error: error.type === undefined && error.message === undefined ? undefined : error,
    version: textOf('version'),
    toolkit: textOf('toolkit'),
    parentId: cell('parent_id'),
    attempt: numberOf('attempt'),
    cacheHit: parseFlag(cell('cache_hit')),
    inputBytes: numberOf('input_bytes'),
    outputBytes: numberOf('output_bytes'),
    model: textOf('model'),
    provider: textOf('provider'),
    usage: Object.values(usage).every((tokens) => tokens === undefined) ? undefined : usage,
    cost: nanoUsd === undefined && usd === undefined ? undefined : { nanoUsd, usd, source: cell('cost_source') },
    runId: textOf('run_id'),
    userId: textOf('user_id'),
    orgId: textOf('org_id'),
    attributes: parseJson(cell('attributes')),
    weight: weight === 1 ? undefined : weight,
  };
}

function parseNumber(cell: string | undefined): unknown {
  return cell !== undefined && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cell) ? Number(cell) : cell;
}

function parseFlag(cell: string | undefined): unknown {
  return cell === undefined
    ? undefined
    : (new Map([
        ['1', true],
        ['true', true],
        ['0', false],
        ['false', false],
      ]).get(cell.toLowerCase()) ?? cell);
}

/** Parses a time in the form of the view or as ISO 8601; UTC without an offset. Throws if it is neither. */
function parseTimestamp(cell: string | undefined): number | undefined {
  if (cell === undefined) {
    return undefined;
  }
  const [, day, time, zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:\d\d)?$/.exec(cell) ?? [];
  const ms = Date.parse(`${day}T${time}${zone}`);
  // `Date.parse` accepts 30 February as a day in March.
  const isDay = new Date(`${day}T00:00:00Z`).getUTCDate() === Number(day?.slice(8));
  if (Number.isNaN(ms) || !isDay) {
    const message = `must be like 2026-01-31 23:59:59.999, in UTC, or ISO 8601, got ${describeValue(cell)}`;
    throw new AnalyticsError('INVALID_EVENT', `timestamp ${message}`, { problems: [{ field: 'timestamp', message }] });
  }
  return ms;
}

function parseJson(cell: string | undefined): unknown {
  try {
    return cell === undefined ? undefined : JSON.parse(cell);
  } catch {
    return cell;
  }
}
