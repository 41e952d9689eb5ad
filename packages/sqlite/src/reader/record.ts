/** A record that inherits nothing: users' names are its keys, and `constructor` may be one of them. */
export function toRecord<T>(entries: Iterable<readonly [string, T]>): Readonly<Record<string, T>> {
  const record: Record<string, T> = Object.create(null);
  for (const [key, value] of entries) {
    record[key] = value;
  }
  return record;
}
