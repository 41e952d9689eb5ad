import type { Statement } from 'better-sqlite3';
import { type Connection, type DatabaseConfig, transaction } from './database.ts';
import type { Column, Rows, Slice, Subject } from './slice.ts';

/** Puts slices into the tables. Serves the thread that writes as well as the last delivery of an exiting process. */
export interface Writer {
  /** All of the slices of a batch or none of them. Events that are already there (same id) stay as they are. */
  write(slices: readonly Slice[]): void;
}

/** Past this many the cache of ids starts anew: it must not grow with every user there ever was. */
const maxCachedIds = 50_000;
/** One statement for each set of columns; there are only a few, but nothing else says so. */
const maxStatements = 100;

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

  function insertion({ table, columns }: Rows): Statement {
    const names = columns.map(({ name }) => name).join(', ');
    const values = columns.map(() => '?').join(', ');
    const text = `INSERT INTO ${table} (${names}) VALUES (${values}) ON CONFLICT (id) DO NOTHING`;
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

  function insert(rows: Rows, texts: readonly number[], subjects: readonly number[]): void {
    const statement = insertion(rows);
    const cells = rows.columns.map((column) => cellReader(column, texts, subjects));
    const row: unknown[] = new Array(cells.length).fill(null);
    for (let at = 0; at < rows.count; at += 1) {
      for (let column = 0; column < cells.length; column += 1) {
        row[column] = (cells[column] as Cell)(at);
      }
      // Spread: handing over an array costs better-sqlite3 more.
      statement.run(...row);
    }
  }

  return {
    write(slices) {
      try {
        transaction(db, config, () => {
          const texts: number[] = [];
          const subjects: number[] = [];
          for (const slice of slices) {
            for (const text of slice.texts) {
              texts.push(textIds.get(text));
            }
            for (const subject of slice.subjects) {
              subjects.push(subjectIds.get(subject));
            }
            for (const rows of slice.rows) {
              insert(rows, texts, subjects);
            }
          }
        });
      } catch (error) {
        // What was added to the dictionary is gone again.
        textIds.clear();
        subjectIds.clear();
        throw error;
      }
    },
  };
}

type Cell = (row: number) => unknown;

function cellReader(column: Column, texts: readonly number[], subjects: readonly number[]): Cell {
  switch (column.type) {
    case 'number': {
      const { values } = column;
      return (row) => {
        const value = values[row] as number;
        return Number.isNaN(value) ? null : value;
      };
    }
    case 'text': {
      const { values } = column;
      return (row) => {
        const number = values[row] as number;
        return number === 0 ? null : texts[number - 1];
      };
    }
    case 'subject': {
      const { values } = column;
      return (row) => subjects[values[row] as number];
    }
    case 'plain': {
      const { values } = column;
      return (row) => values[row];
    }
    case 'uuid': {
      const { values, known } = column;
      // SQLite copies what it is given, so one buffer does for all rows.
      const bytes = Buffer.alloc(16);
      return (row) => {
        if (known?.[row] === 0) {
          return null;
        }
        for (let at = 0; at < 16; at += 1) {
          bytes[at] = values[row * 16 + at] as number;
        }
        return bytes;
      };
    }
  }
}

interface IdCache<T> {
  readonly get: (value: T) => number;
  clear(): void;
}

/** The ids of values in a table that gives each value one. To be used within a transaction. */
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
        ids.set(key, id);
      }
      return id;
    },
    clear: () => ids.clear(),
  };
}
