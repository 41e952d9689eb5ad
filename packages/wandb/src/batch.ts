/** One line of a run's history: keys, and their values as JSON texts. */
export interface Row {
  readonly keys: readonly string[];
  readonly values: readonly string[];
}

/** Rows that belong together: all of them arrive, and the same object is sent again until they did. */
export interface Batch {
  readonly rows: readonly Row[];
  /** What becomes of the summary with these rows: changed keys and their new values. */
  readonly changes: ReadonlyMap<string, unknown>;
  /** The whole summary, with the changes, as JSON text. */
  summaryText(): string;
}

/** JSON texts of keys. Most of them come again and again. */
const quoted = new Map<string, string>();
const maxQuoted = 20_000;

export function quote(key: string): string {
  let text = quoted.get(key);
  if (text === undefined) {
    if (quoted.size >= maxQuoted) {
      quoted.clear();
    }
    text = JSON.stringify(key);
    quoted.set(key, text);
  }
  return text;
}

export function lineOf({ keys, values }: Row): string {
  let line = '{';
  for (let at = 0; at < keys.length; at += 1) {
    line += `${at === 0 ? '' : ','}${quote(keys[at] as string)}:${values[at]}`;
  }
  return `${line}}`;
}
