import { AnalyticsError } from '@toolweaver/analytics-core';
import { configError } from '@toolweaver/analytics-core/backend';
import { messageOf } from '../failure.ts';
import { csvSplitter } from './csv.ts';
import { fromExecutionRow, headerProblem } from './csv-executions.ts';
import type { ImportOptions } from './import-options.ts';
import { jsonlSplitter } from './jsonl.ts';
import type { TextRecord } from './records.ts';

/** A row of a source, in any format. */
export interface Row {
  readonly line: number;
  /** Approximate size in memory. */
  readonly size: number;
  /** Returns the data of the event; undefined skips the row. Throws if the row is invalid. */
  read(): unknown;
}

/** Yields the rows that each piece of the text completes. */
export async function* textRows(
  pieces: AsyncIterable<string>,
  format: 'jsonl' | 'csv',
  map: ImportOptions['map'],
): AsyncGenerator<Row[]> {
  if (format === 'jsonl') {
    const { push, end } = jsonlSplitter();
    for await (const piece of pieces) {
      yield push(piece).map((record) => rowOf(record, parseJson));
    }
    yield end().map((record) => rowOf(record, parseJson));
    return;
  }
  const { push, end } = csvSplitter();
  let header: string[] | undefined;
  function rowsOf(records: TextRecord<string[]>[]): Row[] {
    const rows = header === undefined ? records.slice(1) : records;
    const [first] = records;
    if (header === undefined && first !== undefined) {
      header = headerOf(first, map === undefined);
    }
    const names = header ?? [];
    return rows.map((record) =>
      rowOf(record, (cells, line) => {
        const row = byName(names, cells);
        return map === undefined ? fromExecutionRow(row) : map(row, line);
      }),
    );
  }
  for await (const piece of pieces) {
    yield rowsOf(push(piece));
  }
  yield rowsOf(end());
  if (header === undefined) {
    throw unreadable('it is empty: CSV starts with a header');
  }
}

/** Yields a row for each item, which is the data of an event. */
export async function* itemRows(items: AsyncIterable<unknown> | Iterable<unknown>): AsyncGenerator<Row[]> {
  let line = 0;
  for await (const item of items) {
    line += 1;
    const { bytes } = (item ?? {}) as { bytes?: unknown };
    yield [{ line, size: bytes instanceof Uint8Array ? bytes.byteLength : 0, read: () => item }];
  }
}

function rowOf<T>(record: TextRecord<T>, read: (value: T, line: number) => unknown): Row {
  const { line, length } = record;
  return {
    line,
    size: length,
    read: () => ('problem' in record ? refuseRow(record.problem) : read(record.value, line)),
  };
}

function refuseRow(message: string): never {
  throw new AnalyticsError('INVALID_EVENT', `row ${message}`, { problems: [{ field: 'row', message }] });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return refuseRow(`is no JSON: ${messageOf(error)}`);
  }
}

function headerOf(record: TextRecord<string[]>, isOurs: boolean): string[] {
  if ('problem' in record) {
    throw unreadable(`its header ${record.problem}`);
  }
  const names = record.value;
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    throw unreadable(`its header names ${JSON.stringify(twice)} twice`);
  }
  const problem = isOurs ? headerProblem(names) : undefined;
  if (problem !== undefined) {
    throw unreadable(`its header ${problem}`);
  }
  return names;
}

function byName(names: readonly string[], cells: readonly string[]): Record<string, string> {
  return cells.length === names.length
    ? Object.fromEntries(names.map((name, at) => [name, cells[at] as string]))
    : refuseRow(`has ${cells.length} cells, the header ${names.length}`);
}

function unreadable(reason: string): AnalyticsError {
  return configError([{ field: 'source', message: `cannot be imported: ${reason}` }]);
}
