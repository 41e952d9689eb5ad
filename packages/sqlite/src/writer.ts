import type { Statement } from 'better-sqlite3';
import { type Aggregate, createAggregate, type RunTotals } from './aggregate.ts';
import { type Connection, type DatabaseConfig, transaction } from './database.ts';
import { type Cell, cellReader } from './decode.ts';
import { failure } from './failure.ts';
import { foldSome, isLogLong } from './fold.ts';
import { isTime, nextTail, tailBits, tailOf } from './sequence.ts';
import type { Column, NumberedColumn, NumberedRows, Rows, Slice, Subject } from './slice.ts';

/** Writes slices to the tables. Serves the writer thread, and the last delivery of an exiting process. */
export interface Writer {
  /** Writes all slices of a batch or none of them. Existing events (same id) stay as they are. */
  write(slices: readonly Slice[]): void;
}

/** The cache of ids is cleared at this size: it must not grow with every user there ever was. */
const maxCachedIds = 50_000;
/** The cache holds one statement per set of columns. These are few, but nothing else limits them. */
const maxStatements = 100;
/** Checks the length of the log only after this many lines, as other processes may have added as many. */
const linesBetweenLooks = 16;

export function createWriter(db: Connection, config: DatabaseConfig): Writer {
  const textIds = idCache<string>(
    (text) => text,
    db.prepare('SELECT id FROM dictionary WHERE text = ?'),
    db.prepare('INSERT INTO dictionary (text) VALUES (?)'),
    (text) => [text],
  );
  const subjectIds = idCache<Subject>(
    ({ kind, name }) => `${kind} ${name}`,
    db.prepare('SELECT id FROM subjects WHERE kind = ? AND name = ?'),
    db.prepare('INSERT INTO subjects (kind, name) VALUES (?, ?)'),
    ({ kind, name }) => [kind, name],
  );
  const statements = new Map<string, Statement>();
  const addLine = db.prepare('INSERT INTO rollup_log (cells) VALUES (?)');
  const addRun = db.prepare(`
    INSERT INTO run_rollups (run, org, user, first_at, last_at, executions, successes, tokens, cost_nano_usd, cost_weight)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (run) DO UPDATE SET
      org = coalesce(excluded.org, org), user = coalesce(excluded.user, user),
      first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at),
      executions = executions + excluded.executions, successes = successes + excluded.successes,
      tokens = tokens + excluded.tokens, cost_nano_usd = cost_nano_usd + excluded.cost_nano_usd,
      cost_weight = cost_weight + excluded.cost_weight`);
  const idAt = db.prepare(`SELECT id FROM execution_events WHERE seq = (? << ${tailBits}) | ?`).pluck();
  const countErasures = db.prepare("SELECT before FROM floors WHERE name = 'erasures'").pluck();
  let erasures: unknown;
  let lines = 0;
  /** Whether part of a long log was folded and more is to follow. */
  let isFolding = false;

  function insertion({ table, columns }: NumberedRows): Statement {
    const isExecution = table === 'execution_events';
    const names = columns.map(({ name }) => (isExecution && name === 'at' ? 'seq' : name)).join(', ');
    const values = columns
      .map(({ name }) => (isExecution && name === 'at' ? `(? << ${tailBits}) | ?` : '?'))
      .join(', ');
    const conflict = isExecution ? 'seq' : 'id';
    const text = `INSERT INTO ${table} (${names}) VALUES (${values}) ON CONFLICT (${conflict}) DO NOTHING`;
    let statement = statements.get(text);
    if (statement === undefined) {
      if (statements.size >= maxStatements) {
        statements.clear();
      }
      statement = db.prepare(text);
      statements.set(text, statement);
    }
    return statement;
  }

  function insert(rows: NumberedRows, texts: readonly number[], subjects: readonly number[]): void {
    const statement = insertion(rows);
    const cells = rows.columns.map((column) => cellReader(column, texts, subjects));
    const row: unknown[] = new Array(cells.length).fill(null);
    for (let at = 0; at < rows.places.length; at += 1) {
      for (let column = 0; column < cells.length; column += 1) {
        row[column] = (cells[column] as Cell)(at);
      }
      // Spread, as passing an array costs better-sqlite3 more.
      statement.run(...row);
    }
  }

  /** Returns a function that inserts the next row and tells whether it was new. */
  function executionInsertion(
    rows: NumberedRows,
    texts: readonly number[],
    subjects: readonly number[],
  ): (row: number) => boolean {
    const statement = insertion(rows);
    const idCell = rows.columns.findIndex(({ name }) => name === 'id');
    const timeCell = rows.columns.findIndex(({ name }) => name === 'at');
    const readId = cellReader(rows.columns[idCell] as NumberedColumn, texts, subjects);
    let id: Uint8Array;
    let tail = 0;
    const cells = rows.columns.flatMap((column, at): Cell[] => {
      if (at === idCell) {
        return [() => id];
      }
      const cell = cellReader(column, texts, subjects);
      return at === timeCell ? [cell, () => tail] : [cell];
    });
    const row: unknown[] = new Array(cells.length).fill(null);

    return (at) => {
      id = readId(at) as Uint8Array;
      tail = tailOf(id);
      for (let column = 0; column < cells.length; column += 1) {
        row[column] = (cells[column] as Cell)(at);
      }
      if (!isTime(row[timeCell] as number)) {
        throw failure('EVENTS_REJECTED', `${row[timeCell]} is no time of an execution: too late, or before 1970`);
      }
      if (statement.run(...row).changes === 1) {
        return true;
      }
      for (const first = tail; ; ) {
        if ((idAt.get(row[timeCell], tail) as Buffer).equals(row[idCell] as Buffer)) {
          return false;
        }
        // The tail belongs to another execution of the same ms.
        tail = nextTail(tail);
        row[timeCell + 1] = tail;
        if (statement.run(...row).changes === 1) {
          return true;
        }
        if (tail === first) {
          throw failure('EVENTS_REJECTED', `${config.path} holds no more than ${2 ** tailBits} executions of one ms`);
        }
      }
    };
  }

  /** Inserts in the order of recording, whatever their layout, so that the table grows at its end, without gaps. */
  function insertExecutions(
    all: readonly NumberedRows[],
    texts: readonly number[],
    subjects: readonly number[],
    aggregate: Aggregate,
  ): void {
    const groups = all.map((rows) => ({ rows, next: 0, insert: executionInsertion(rows, texts, subjects) }));
    const order: (typeof groups)[number][] = [];
    for (const group of groups) {
      for (const place of group.rows.places) {
        order[place] = group;
      }
    }
    // Events other than executions leave holes, which `forEach` skips.
    order.forEach((group) => {
      if (group.insert(group.next)) {
        aggregate.add(group.rows, group.next);
      }
      group.next += 1;
    });
  }

  /** Clears the cache after an erasure by any process: an erased text that is recorded again gets a new id. */
  function forgetErased(): void {
    const now = countErasures.get();
    if (now !== erasures) {
      textIds.clear();
      erasures = now;
    }
  }

  /** Returns the rows with numbers for all texts: adds those without to `texts`. */
  function numbered({ table, places, columns }: Rows, texts: number[]): NumberedRows {
    const numberTexts = (column: Column): NumberedColumn => {
      if (column.type !== 'lines') {
        return column;
      }
      const lines = column.text.split('\n');
      if (lines.length !== places.length) {
        throw failure('EVENTS_REJECTED', `a line break in ${column.name}: no event from a client has one`);
      }
      // `Uint32Array.from` would take twice as long.
      const values = new Uint32Array(lines.length);
      lines.forEach((line, row) => {
        if (line !== '') {
          values[row] = texts.push(textIds.get(line));
        }
      });
      return { name: column.name, type: 'text', values };
    };
    return { table, places, columns: columns.map(numberTexts) };
  }

  function writeSlices(slices: readonly Slice[]): void {
    forgetErased();
    const texts: number[] = [];
    const subjects: number[] = [];
    const aggregate = createAggregate(texts, subjects);
    for (const slice of slices) {
      for (const text of slice.texts) {
        texts.push(textIds.get(text));
      }
      for (const subject of slice.subjects) {
        subjects.push(subjectIds.get(subject));
      }
    }
    // Only now, as the numbers of a slice go on after those of the one before.
    for (const slice of slices) {
      const allRows = slice.rows.map((rows) => numbered(rows, texts));
      const executions = allRows.filter(({ table }) => table === 'execution_events');
      if (executions.length > 0) {
        insertExecutions(executions, texts, subjects, aggregate);
      }
      for (const rows of allRows) {
        if (rows.table !== 'execution_events') {
          insert(rows, texts, subjects);
        }
      }
    }
    const line = aggregate.takeLine();
    if (line !== undefined) {
      addLine.run(line);
      lines += 1;
    }
    for (const [run, totals] of aggregate.runs) {
      addRun.run(run, ...runValues(totals));
    }
  }

  /**
   * Folds a long log after a write. Ignores failures such as a full disk: the write is committed, and a later one can fold. Folds
   * in parts, one per write, so that no write waits for all of it.
   */
  function foldWhenLong(): void {
    if (isFolding || lines >= linesBetweenLooks) {
      lines = 0;
      try {
        isFolding = (isFolding || isLogLong(db)) && foldSome(db, config);
      } catch {
        isFolding = false;
      }
    }
  }

  return {
    write(slices) {
      try {
        transaction(db, config, () => writeSlices(slices));
      } catch (error) {
        // Entries added to the dictionary were rolled back.
        textIds.clear();
        subjectIds.clear();
        throw error;
      }
      foldWhenLong();
    },
  };
}

function runValues(totals: RunTotals): (number | null)[] {
  const { org, user, first_at, last_at, executions, successes, tokens, cost_nano_usd, cost_weight } = totals;
  return [org, user, first_at, last_at, executions, successes, tokens, cost_nano_usd, cost_weight];
}

interface IdCache<T> {
  readonly get: (value: T) => number;
  clear(): void;
}

/** Caches the ids of values in a table that assigns them. To be used within a transaction. */
function idCache<T>(
  keyOf: (value: T) => string,
  find: Statement,
  add: Statement,
  parametersOf: (value: T) => string[],
): IdCache<T> {
  const ids = new Map<string, number>();
  find.pluck();
  return {
    get(value) {
      const key = keyOf(value);
      let id = ids.get(key);
      if (id === undefined) {
        const parameters = parametersOf(value);
        id = (find.get(parameters) as number | undefined) ?? Number(add.run(parameters).lastInsertRowid);
        if (ids.size >= maxCachedIds) {
          ids.clear();
        }
        // A copy: part of a long string would keep all of it in memory.
        ids.set(Buffer.from(key).toString(), id);
      }
      return id;
    },
    clear: () => ids.clear(),
  };
}
