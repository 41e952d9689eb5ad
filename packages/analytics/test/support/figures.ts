import type { RunState } from '@toolweaver/analytics';
import type { Decoded } from '../../../otlp/test/support/wire.ts';
import { tokenFields } from '../../../prometheus/test/support/observe.ts';
import { parse } from '../../../prometheus/test/support/parse.ts';
import { query } from '../../../sqlite/test/support/rows.ts';
import type { LoggedRun } from '../../../wandb/test/support/log-reader.ts';

// What each far side says, in one form.

/** By the words that they are told apart by, as a list in JSON. */
type Sums = Record<string, number>;

export interface Figures {
  /** Whole nano-dollars by kind, name and model; what has no known cost is not there. */
  readonly nanoUsd: Sums;
  /** By model and class. */
  readonly tokens: Sums;
  /** Executions by kind, name (of LLM calls: model) and outcome. */
  readonly calls: Sums;
}

/** What is known of one run; '' is the id of what belongs to none. */
export interface RunFigures {
  readonly name: string | undefined;
  readonly state: RunState | undefined;
  readonly project: string | undefined;
  readonly config: Readonly<Record<string, unknown>>;
  readonly tags: readonly string[];
  readonly executions: number;
  readonly failures: number;
  readonly nanoUsd: number;
  readonly tokens: number;
}

export function newFigures(): Figures {
  return { nanoUsd: {}, tokens: {}, calls: {} };
}

/** A cost of 0 is kept: it is known. */
export function addCost(sums: Sums, words: readonly string[], nanoUsd: number): void {
  const key = JSON.stringify(words);
  sums[key] = (sums[key] ?? 0) + nanoUsd;
}

/** Tokens or calls. None of them is as good as not there. */
export function addCount(sums: Sums, words: readonly string[], count: number): void {
  if (count !== 0) {
    addCost(sums, words, count);
  }
}

/** The sums by one of the words. */
export function by(sums: Sums, place: number): Sums {
  const result: Sums = {};
  for (const [key, value] of Object.entries(sums)) {
    const word: string = JSON.parse(key)[place];
    result[word] = (result[word] ?? 0) + value;
  }
  return result;
}

/** The sums of one first word. */
export function only(sums: Sums, first: string): Sums {
  return Object.fromEntries(Object.entries(sums).filter(([words]) => JSON.parse(words)[0] === first));
}

export function total(sums: Sums): number {
  return Object.values(sums).reduce((sum, value) => sum + value, 0);
}

/** The upper of the two in the middle, where there are two. */
export function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** Whole nano-dollars of an amount. @throws Error when it is not the number that is nearest to them: a sum that has drifted. */
export function nanoUsdOf(usd: number): number {
  const nanoUsd = Math.round(usd * 1e9);
  if (nanoUsd / 1e9 !== usd) {
    throw new Error(`$${usd} is no whole number of nano-dollars`);
  }
  return nanoUsd;
}

/** A value of a counter. */
interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, unknown>>;
  readonly value: number;
}

export function scrapedSeries(text: string): Series[] {
  return [...parse(text).values()].flatMap(({ samples }) => samples);
}

export function pushedSeries({ metrics }: Decoded): Series[] {
  return metrics
    .filter(({ type }) => type === 'sum')
    .flatMap(({ name, points }) =>
      points.map(({ attributes, asDouble = 0 }) => ({ name, labels: attributes, value: asDouble })),
    );
}

export function figuresOfSeries(series: readonly Series[]): Figures {
  const figures = newFigures();
  for (const { name, labels, value } of series) {
    // An empty label is as good as none.
    const words = (...names: string[]): string[] => names.map((label) => String(labels[label] ?? ''));
    const [status = ''] = words('status');
    const called = (kind: string, subject: string, outcome = status): void =>
      addCount(figures.calls, [kind, subject, outcome], value);
    const [skill = '', tool = '', model = '', kind = '', operation = ''] = words(
      'skill_id',
      'tool_name',
      'model',
      'kind',
      'operation',
    );
    switch (name) {
      case 'toolweaver_cost_dollars_total':
        addCost(figures.nanoUsd, words('kind', 'name', 'model'), nanoUsdOf(value));
        break;
      case 'toolweaver_token_usage_total':
        addCount(figures.tokens, [model, tokenFields[String(labels['type'])] ?? ''], value);
        break;
      case 'toolweaver_skill_success_total':
        called('skill', skill, 'success');
        break;
      case 'toolweaver_skill_failures_total':
        called('skill', skill, 'failure');
        break;
      case 'toolweaver_tool_executions_total':
        called('tool', tool);
        break;
      case 'toolweaver_llm_calls_total':
        called('llm', model);
        break;
      case 'toolweaver_request_total':
        called(kind, operation);
        break;
      default:
    }
  }
  return figures;
}

/** Costs of tools alone, which metrics show a second time. */
export function toolCostsOfSeries(series: readonly Series[]): Sums {
  const sums: Sums = {};
  for (const { name, labels, value } of series) {
    if (name === 'toolweaver_tool_cost_usd_total') {
      sums[String(labels['tool_name'])] = nanoUsdOf(value);
    }
  }
  return sums;
}

/** By SQL, from the file. */
export function figuresOfFile(path: string): { readonly figures: Figures; readonly runs: Record<string, RunFigures> } {
  const rows = <T>(sql: string): T[] => query(path, sql) as T[];
  const figures = newFigures();
  for (const { kind, name, model, sum } of rows<{ kind: string; name: string; model: string; sum: number }>(`
    SELECT kind, name, coalesce(model, '') AS model, SUM(cost_nano_usd) AS sum
    FROM executions WHERE cost_nano_usd IS NOT NULL GROUP BY 1, 2, 3`)) {
    addCost(figures.nanoUsd, [kind, name, model], sum);
  }
  for (const [column, tokenClass] of Object.entries(tokenFields)) {
    for (const { model, sum } of rows<{ model: string; sum: number | null }>(`
      SELECT coalesce(model, '') AS model, SUM(${column}_tokens) AS sum FROM executions GROUP BY 1`)) {
      addCount(figures.tokens, [model, tokenClass], sum ?? 0);
    }
  }
  for (const { kind, name, outcome, calls } of rows<{ kind: string; name: string; outcome: string; calls: number }>(`
    SELECT kind, CASE kind WHEN 'llm' THEN model ELSE name END AS name,
      CASE WHEN success THEN 'success' ELSE 'failure' END AS outcome, COUNT(*) AS calls
    FROM executions GROUP BY 1, 2, 3`)) {
    addCount(figures.calls, [kind, name, outcome], calls);
  }
  const runs = rows<RunRow>(`
    SELECT coalesce(e.run_id, '') AS id, r.name, r.state, r.project, coalesce(r.config, '{}') AS config,
      coalesce(r.tags, '[]') AS tags, COUNT(*) AS executions, SUM(NOT e.success) AS failures,
      SUM(e.cost_nano_usd) AS nanoUsd, SUM(e.total_tokens) AS tokens
    FROM executions e LEFT JOIN runs r ON r.run_id = e.run_id GROUP BY e.run_id`);
  return {
    figures,
    runs: Object.fromEntries(
      runs.map(({ id, name, state, project, config, tags, ...sums }) => [
        id,
        {
          name: name ?? undefined,
          state: state ?? undefined,
          project: project ?? undefined,
          config: JSON.parse(config),
          tags: JSON.parse(tags),
          ...sums,
        },
      ]),
    ),
  };
}

interface RunRow {
  readonly id: string;
  readonly name: string | null;
  readonly state: RunState | null;
  readonly project: string | null;
  readonly config: string;
  readonly tags: string;
  readonly executions: number;
  readonly failures: number;
  readonly nanoUsd: number;
  readonly tokens: number;
}

/** From the history of the runs: a row for each execution. */
export function figuresOfRows(runs: readonly LoggedRun[]): Figures {
  const figures = newFigures();
  for (const row of runs.flatMap(({ rows }) => rows)) {
    const status = Object.keys(row).find((key) => key.endsWith('/status'));
    if (status === undefined) {
      continue;
    }
    const prefix = status.slice(0, -'/status'.length);
    const parts = prefix.split('/').map(decodeURIComponent);
    const [kind = '', name = ''] = parts.length === 1 ? ['tool', ...parts] : parts;
    // The model of an LLM call that is named after it is not said again.
    const model = String(row[`${prefix}/model`] ?? (kind === 'llm' ? name : ''));
    addCount(figures.calls, [kind, kind === 'llm' ? model : name, String(row[status])], 1);
    const cost = row[`${prefix}/cost`];
    if (cost !== undefined) {
      addCost(figures.nanoUsd, [kind, name, model], nanoUsdOf(cost as number));
    }
    for (const [key, tokenClass] of Object.entries(tokenFields)) {
      addCount(figures.tokens, [model, tokenClass], (row[`tokens/${key}`] as number | undefined) ?? 0);
    }
  }
  return figures;
}

/** From the description and the summary of a run. */
export function figuresOfRun({ name, summary, project, config, tags }: LoggedRun): RunFigures {
  const figure = (key: string): number => (summary[`summary/${key}`] as number | undefined) ?? Number.NaN;
  return {
    name,
    state: summary['summary/state'] as RunState | undefined,
    project,
    config,
    tags,
    executions: figure('total_operations'),
    failures: figure('failures'),
    nanoUsd: nanoUsdOf(figure('total_cost')),
    tokens: figure('total_tokens'),
  };
}
