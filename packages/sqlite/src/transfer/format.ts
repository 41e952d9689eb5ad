/** JSON Lines hold events of every type, CSV holds executions. */
export type FileFormat = 'jsonl' | 'csv';

export const fileFormats: readonly FileFormat[] = ['jsonl', 'csv'];

/** The format that the ending of a path stands for. */
export function formatOf(path: string): FileFormat | undefined {
  const [, ending] = /\.(jsonl|ndjson|csv)(?:\.gz)?$/i.exec(path) ?? [];
  return ending === undefined ? undefined : ending.toLowerCase() === 'csv' ? 'csv' : 'jsonl';
}

export function isGzip(path: string): boolean {
  return /\.gz$/i.test(path);
}
