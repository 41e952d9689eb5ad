// What goes from the caller's thread to the one that writes: columns rather than objects, since cloning a typed array costs
// next to nothing and cloning an object a microsecond. Names are sent once a batch and meant by number.

export type TableName =
  | 'execution_events'
  | 'rating_events'
  | 'health_events'
  | 'toolkit_events'
  | 'metrics_events'
  | 'run_events'
  | 'artifact_events';

/** The values of one column, by row. */
type ColumnData =
  /** NaN means NULL. */
  | { readonly type: 'number'; readonly values: Float64Array<ArrayBuffer> }
  /** Number of a text, from 1; 0 means NULL. */
  | { readonly type: 'text'; readonly values: Uint32Array<ArrayBuffer> }
  /** Number of a subject, from 0. */
  | { readonly type: 'subject'; readonly values: Uint32Array<ArrayBuffer> }
  /** 36 characters a row, one text in all: to read them is left to the thread that writes. Blanks mean NULL. */
  | { readonly type: 'uuid'; readonly digits: string }
  | { readonly type: 'plain'; readonly values: readonly (string | Uint8Array | null)[] };

export type Column = ColumnData & { readonly name: string };

/** Rows of one table. A column that is NULL in all of them is left out. */
export interface Rows {
  readonly table: TableName;
  /** Where in the slice each row's event was, rising. */
  readonly places: Uint32Array<ArrayBuffer>;
  readonly columns: readonly Column[];
}

/** What executions, ratings and health scores are about. */
export interface Subject {
  readonly kind: string;
  readonly name: string;
}

/** Some of the events of a batch, and the texts and subjects that no slice before it has named. */
export interface Slice {
  readonly texts: readonly string[];
  readonly subjects: readonly Subject[];
  readonly rows: readonly Rows[];
}
