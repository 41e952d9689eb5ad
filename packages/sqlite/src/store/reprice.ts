import type { CostSource } from '@toolweaver/analytics-core';
import { type CellKey, cellWidths, dayMs } from '../cell.ts';
import { cellMap } from '../cell-map.ts';
import { type Connection, type DatabaseConfig, transaction } from '../database.ts';
import { keepText } from '../dictionary.ts';
import { fold, foldWithin } from '../fold.ts';

// Price providers are functions of the host, so they stay in its thread. This thread hands out executions to be priced and takes
// their costs, both in steps of a few ms, between which other requests are answered.

/** Rows examined per step: as many as the host's event loop has time for. */
const stepRows = 1_000;

/** Executions with a model and usage, in columns: transferring these to the host's thread costs next to nothing. */
export interface PriceableStep {
  readonly seqs: BigInt64Array;
  readonly at: Float64Array;
  /** Distinct models; `model` has an index into them for each row. */
  readonly models: readonly { readonly model: string; readonly provider: string | undefined }[];
  readonly model: Uint32Array;
  /** Five counts per row, in the order of `Usage`. */
  readonly tokens: Float64Array;
  readonly weight: Float64Array;
  /** The recorded cost; NaN if unknown. */
  readonly nanoUsd: Float64Array;
  /** Where the next step starts; undefined at the end. */
  readonly next: bigint | undefined;
}

/** New costs of rows, in columns. */
export interface CostChanges {
  readonly seqs: BigInt64Array;
  /** The cost when the row was read, NaN if unknown: a row that has changed since is left alone. */
  readonly was: Float64Array;
  readonly nanoUsd: Float64Array;
  readonly sources: readonly CostSource[];
}

type Row = [
  seq: bigint,
  at: bigint,
  model: bigint,
  provider: bigint | null,
  weight: number | null,
  nanoUsd: bigint | null,
  ...tokens: (bigint | null)[],
];

/** Reads rows from `from` up to but not including `to` whose cost is unknown or has one of the sources. */
export function readPriceable(db: Connection, from: bigint, to: bigint, sources: readonly CostSource[]): PriceableStep {
  const some = 'SELECT * FROM execution_events NOT INDEXED WHERE seq >= ? AND seq < ? ORDER BY seq LIMIT ?';
  const window = [from, to, stepRows];
  const [count, last] = db
    .prepare(`SELECT count(*), max(seq) FROM (${some})`)
    .safeIntegers()
    .raw()
    .get(...window) as [bigint, bigint | null];
  const rows = db
    .prepare(`
      SELECT seq, at, model, provider, weight, cost_nano_usd,
        input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens
      FROM (${some})
      WHERE model IS NOT NULL AND input_tokens IS NOT NULL AND (
        cost_nano_usd IS NULL
        OR cost_source IN (SELECT id FROM dictionary WHERE text IN (SELECT value FROM json_each(?)))
      )`)
    .safeIntegers()
    .raw()
    .all(...window, JSON.stringify(sources)) as Row[];
  const text = db.prepare('SELECT text FROM dictionary WHERE id = ?').pluck();
  const numbers = new Map<string, number>();
  const models: { readonly model: string; readonly provider: string | undefined }[] = [];
  const step = {
    seqs: new BigInt64Array(rows.length),
    at: new Float64Array(rows.length),
    models,
    model: new Uint32Array(rows.length),
    tokens: new Float64Array(rows.length * 5),
    weight: new Float64Array(rows.length),
    nanoUsd: new Float64Array(rows.length),
    next: Number(count) < stepRows || last === null ? undefined : last + 1n,
  };
  for (const [at, [seq, time, model, provider, weight, nanoUsd, ...tokens]] of rows.entries()) {
    const key = `${model} ${provider}`;
    let number = numbers.get(key);
    if (number === undefined) {
      number = models.length;
      numbers.set(key, number);
      models.push({
        model: text.get(model) as string,
        provider: provider === null ? undefined : (text.get(provider) as string),
      });
    }
    step.seqs[at] = seq;
    step.at[at] = Number(time);
    step.model[at] = number;
    step.weight[at] = weight ?? 1;
    step.nanoUsd[at] = nanoUsd === null ? Number.NaN : Number(nanoUsd);
    tokens.forEach((tokensOfClass, place) => {
      step.tokens[at * 5 + place] = Number(tokensOfClass ?? 0);
    });
  }
  return step;
}

/** What to add to the sums that a row is counted in. */
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

/** Sets the costs of rows and adds the differences to every sum, in one transaction. Returns which changes were made. */
export function setCosts(db: Connection, config: DatabaseConfig, changes: CostChanges): Uint8Array {
  // Folds most of the log in advance, so that the transaction is short.
  fold(db, config);
  return transaction(db, config, () => {
    // Folds the rest, so that every row is counted in cells.
    foldWithin(db);
    const find = db.prepare(`
      SELECT at, subject, model, org, run, weight, cost_nano_usd AS nanoUsd FROM execution_events WHERE seq = ?`);
    const set = db.prepare('UPDATE execution_events SET cost_nano_usd = ?, cost_source = ? WHERE seq = ?');
    const ids = new Map([...new Set(changes.sources)].map((source) => [source, keepText(db, source)]));
    const none = (key: CellKey): Difference => ({ key, nanoUsd: 0, weight: 0 });
    const cells = new Map(Object.values(cellWidths).map((width) => [width, cellMap(none)]));
    const runs = new Map<number, Difference>();
    const made = new Uint8Array(changes.seqs.length);
    for (const [place, seq] of changes.seqs.entries()) {
      const row = find.get(seq) as Counted | undefined;
      const was = changes.was[place] as number;
      const nanoUsd = changes.nanoUsd[place] as number;
      if (row === undefined || !Object.is(row.nanoUsd ?? Number.NaN, was)) {
        continue;
      }
      set.run(nanoUsd, ids.get(changes.sources[place] as CostSource), seq);
      made[place] = 1;
      const { at, subject, org, run } = row;
      const [model, weight] = [row.model ?? 0, row.weight ?? 1];
      const add = (difference: Difference): void => {
        difference.nanoUsd += weight * (nanoUsd - (row.nanoUsd ?? 0));
        difference.weight += row.nanoUsd === null ? weight : 0;
      };
      for (const [width, ofWidth] of cells) {
        add(ofWidth.get(at - (at % width), 0, subject, model));
        // Organisations have daily cells only.
        if (org !== null && width === dayMs) {
          add(ofWidth.get(at - (at % width), org, subject, model));
        }
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
    for (const [width, ofWidth] of cells) {
      for (const { key, nanoUsd, weight } of ofWidth.values()) {
        // Changes nothing for hours whose cells were deleted.
        addToCell.run(nanoUsd, weight, width, key.org, key.start, key.subject, key.model);
      }
    }
    const addToRun = db.prepare(`UPDATE run_rollups SET ${sums} WHERE run = ?`);
    for (const [run, { nanoUsd, weight }] of runs) {
      addToRun.run(nanoUsd, weight, run);
    }
    return made;
  });
}
