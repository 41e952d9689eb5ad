// The kinds of rows in the file, under names that stay when tables change.

/** The number of rows of each kind. */
export interface RowCounts {
  readonly executions: number;
  readonly ratings: number;
  readonly healthScores: number;
  readonly toolkitEvents: number;
  /** Events, each with any number of values. */
  readonly metrics: number;
  readonly artifacts: number;
  /** Starts and ends of runs. */
  readonly runEvents: number;
  /** Runs with the totals of their executions. */
  readonly runTotals: number;
  readonly recommendations: number;
}

export type Kind = keyof RowCounts;

/** Where the rows of a kind are: the table, its key, which rises as rows are added, and the column with the time in ms. */
export interface KeptTable {
  readonly table: string;
  readonly key: string;
  readonly time: string;
  /** A condition for rows `kept` that may be deleted when they are old. Default: all. */
  readonly ages?: string;
}

/** A score holds until a later one replaces it; whether a skill is deprecated, until a later one that says so. */
const replaced = `EXISTS (
  SELECT 1 FROM health_events later
  WHERE later.subject = kept.subject AND later.org IS kept.org AND (later.at, later.id) > (kept.at, kept.id)
    AND (later.deprecated IS NOT NULL OR kept.deprecated IS NULL)
)`;

export const keptTables: Readonly<Record<Kind, KeptTable>> = {
  executions: { table: 'execution_events', key: 'seq', time: 'at' },
  ratings: { table: 'rating_events', key: 'seq', time: 'at' },
  healthScores: { table: 'health_events', key: 'seq', time: 'at', ages: replaced },
  toolkitEvents: { table: 'toolkit_events', key: 'seq', time: 'at' },
  metrics: { table: 'metrics_events', key: 'seq', time: 'at' },
  artifacts: { table: 'artifact_events', key: 'seq', time: 'at' },
  runEvents: { table: 'run_events', key: 'seq', time: 'at' },
  runTotals: { table: 'run_rollups', key: 'run', time: 'last_at' },
  recommendations: { table: 'recommendations', key: 'rowid', time: 'at' },
};

export const kinds: readonly Kind[] = Object.keys(keptTables) as Kind[];

export function countRows(count: (kind: Kind) => number): RowCounts {
  return Object.fromEntries(kinds.map((kind) => [kind, count(kind)])) as unknown as RowCounts;
}
