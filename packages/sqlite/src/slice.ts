// What the caller's thread sends to the writer: columns rather than objects, since cloning a typed array costs next to nothing,
// and cloning an object a microsecond. Names that many events share are sent once a batch and referred to by number.

export type TableName =
  | 'execution_events'
  | 'rating_events'
  | 'health_events'
  | 'toolkit_events'
  | 'metrics_events'
  | 'run_events'
  | 'artifact_events';

/** The values of one column, by row. */
type NumberedData =
  /** NaN means NULL. */
  | { readonly type: 'number'; readonly values: Float64Array<ArrayBuffer> }
  /** Numbers of texts, from 1; 0 means NULL. */
  | { readonly type: 'text'; readonly values: Uint32Array<ArrayBuffer> }
  /** Numbers of subjects, from 0. */
  | { readonly type: 'subject'; readonly values: Uint32Array<ArrayBuffer> }
  /** 36 characters a row in a single string, which the writer thread parses. Blanks mean NULL. */
  | { readonly type: 'uuid'; readonly digits: string }
  | { readonly type: 'plain'; readonly values: readonly (string | Uint8Array | null)[] };

/** Texts that have no numbers yet: one a line, as they hold no line breaks. An empty line means NULL. */
type LinesData = { readonly type: 'lines'; readonly text: string };

export type NumberedColumn = NumberedData & { readonly name: string };
export type Column = (NumberedData | LinesData) & { readonly name: string };

/** Rows of one table. Columns that are NULL in all rows are left out. */
export interface Rows<C = Column> {
  readonly table: TableName;
  /** The index of each row's event in the slice, ascending. */
  readonly places: Uint32Array<ArrayBuffer>;
  readonly columns: readonly C[];
}

export type NumberedRows = Rows<NumberedColumn>;

/** What executions, ratings and health scores are about. */
export interface Subject {
  readonly kind: string;
  readonly name: string;
}

/** Some of the events of a batch, and the texts and subjects that no earlier slice named. */
export interface Slice {
  readonly texts: readonly string[];
  readonly subjects: readonly Subject[];
  readonly rows: readonly Rows[];
}
