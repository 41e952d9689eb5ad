import type { CostSource, Usage } from '@toolweaver/analytics-core';
import { type CellKey, cellMap, dayMs, hourMs } from '../cell.ts';
import { type Connection, type DatabaseConfig, transaction } from '../database.ts';
import { foldWithin } from '../fold.ts';

// Prices are functions of the host's, so they stay in its thread: this one hands out executions that a price may be asked for, and
// takes their costs. Both in steps of a few ms, between which others are answered.

/** How many rows are looked at in a step. */
const stepRows = 5_000;

/** An execution that names a model and its usage. */
export interface PriceableRow {
  readonly seq: bigint;
  readonly at: number;
  readonly model: string;
  readonly provider: string | undefined;
  readonly usage: Usage;
  readonly weight: number;
  /** What it is said to have cost; null for unknown. */
  readonly nanoUsd: number | null;
}

export interface PriceableStep {
  readonly rows: readonly PriceableRow[];
  /** Where to go on; undefined at the end. */
  readonly next: bigint | undefined;
}

export interface CostChange {
  readonly seq: bigint;
  /** What the row said when it was read: otherwise it is left alone. */
  readonly was: number | null;
  readonly nanoUsd: number;
  readonly source: CostSource;
}

interface Row {
  readonly seq: bigint;
  readonly at: bigint;
  readonly model: string;
  readonly provider: string | null;
  readonly weight: number | null;
  readonly nanoUsd: bigint | null;
  readonly input: bigint;
  readonly cacheRead: bigint | null;
  readonly cacheWrite: bigint | null;
  readonly output: bigint | null;
  readonly reasoning: bigint | null;
}

/** Rows from `from` on, before `to`, whose cost is unknown or has one of the sources. */
export function readPriceable(db: Connection, from: bigint, to: bigint, sources: readonly CostSource[]): PriceableStep {
  const some = 'SELECT * FROM execution_events NOT INDEXED WHERE seq >= ? AND seq < ? ORDER BY seq LIMIT ?';
  const window = [from, to, stepRows];
  const { count, last } = db
    .prepare(`SELECT count(*) AS count, max(seq) AS last FROM (${some})`)
    .safeIntegers()
    .get(...window) as { count: bigint; last: bigint | null };
  const rows = db
    .prepare(`
      SELECT e.seq, e.at, m.text AS model, p.text AS provider, e.weight, e.cost_nano_usd AS nanoUsd,
        e.input_tokens AS input, e.cache_read_tokens AS cacheRead, e.cache_write_tokens AS cacheWrite,
        e.output_tokens AS output, e.reasoning_tokens AS reasoning
      FROM (${some}) e JOIN dictionary m ON m.id = e.model LEFT JOIN dictionary p ON p.id = e.provider
      WHERE e.input_tokens IS NOT NULL AND (
        e.cost_nano_usd IS NULL
        OR e.cost_source IN (SELECT id FROM dictionary WHERE text IN (SELECT value FROM json_each(?)))
      )`)
    .safeIntegers()
    .all(...window, JSON.stringify(sources)) as Row[];
  return { rows: rows.map(toPriceable), next: Number(count) < stepRows || last === null ? undefined : last + 1n };
}

function toPriceable({ seq, at, model, provider, weight, nanoUsd, ...tokens }: Row): PriceableRow {
  const { input, cacheRead, cacheWrite, output, reasoning } = tokens;
  return {
    seq,
    at: Number(at),
    model,
    provider: provider ?? undefined,
    usage: {
      inputTokens: Number(input),
      cacheReadTokens: Number(cacheRead ?? 0),
      cacheWriteTokens: Number(cacheWrite ?? 0),
      outputTokens: Number(output ?? 0),
      reasoningTokens: Number(reasoning ?? 0),
    },
    weight: weight ?? 1,
    nanoUsd: nanoUsd === null ? null : Number(nanoUsd),
  };
}

/** What is to be added to the sums that a row is counted in. */
interface Difference {
  readonly key: CellKey;
  nanoUsd: number;
  weight: number;
}

interface Counted {
  readonly at: number;
  readonly subject: number;
  readonly model: number | null;
  readonly org: number | null;
  readonly run: number | null;
  readonly weight: number | null;
  readonly nanoUsd: number | null;
}

/** Puts costs into rows, and what they differ by into every sum, in one transaction. Returns the keys of the rows that were changed. */
export function setCosts(db: Connection, config: DatabaseConfig, changes: readonly CostChange[]): readonly bigint[] {
  return transaction(db, config, () => {
    // What waits in the log has cells from here on, and so has every row.
    foldWithin(db);
    const find = db.prepare(`
      SELECT at, subject, model, org, run, weight, cost_nano_usd AS nanoUsd FROM execution_events WHERE seq = ?`);
    const set = db.prepare('UPDATE execution_events SET cost_nano_usd = ?, cost_source = ? WHERE seq = ?');
    const none = (key: CellKey): Difference => ({ key, nanoUsd: 0, weight: 0 });
    const hours = cellMap(none);
    const days = cellMap(none);
    const runs = new Map<number, Difference>();
    const changed: bigint[] = [];
    for (const { seq, was, nanoUsd, source } of changes) {
      const row = find.get(seq) as Counted | undefined;
      if (row === undefined || row.nanoUsd !== was) {
        continue;
      }
      set.run(nanoUsd, sourceId(db, source), seq);
      changed.push(seq);
      const { at, subject, org, run } = row;
      const [model, weight] = [row.model ?? 0, row.weight ?? 1];
      const add = (difference: Difference): void => {
        difference.nanoUsd += weight * (nanoUsd - (was ?? 0));
        difference.weight += was === null ? weight : 0;
      };
      add(hours.get(at - (at % hourMs), 0, subject, model));
      add(days.get(at - (at % dayMs), 0, subject, model));
      if (org !== null) {
        add(days.get(at - (at % dayMs), org, subject, model));
      }
      if (run !== null) {
        const ofRun = runs.get(run) ?? none({ org: 0, start: 0, subject: 0, model: 0 });
        runs.set(run, ofRun);
        add(ofRun);
      }
    }
    const sums = 'cost_nano_usd = cost_nano_usd + ?, cost_weight = cost_weight + ?';
    const addToCell = db.prepare(
      `UPDATE rollups SET ${sums} WHERE width = ? AND org = ? AND start = ? AND subject = ? AND model = ?`,
    );
    for (const [width, cells] of [
      [hourMs, hours],
      [dayMs, days],
    ] as const) {
      for (const { key, nanoUsd, weight } of cells.values()) {
        // Of an hour that is no longer kept there is no cell.
        addToCell.run(nanoUsd, weight, width, key.org, key.start, key.subject, key.model);
      }
    }
    const addToRun = db.prepare(`UPDATE run_rollups SET ${sums} WHERE run = ?`);
    for (const [run, { nanoUsd, weight }] of runs) {
      addToRun.run(nanoUsd, weight, run);
    }
    return changed;
  });
}

function sourceId(db: Connection, source: CostSource): number {
  const found = db.prepare('SELECT id FROM dictionary WHERE text = ?').pluck().get(source) as number | undefined;
  return found ?? Number(db.prepare('INSERT INTO dictionary (text) VALUES (?)').run(source).lastInsertRowid);
}
