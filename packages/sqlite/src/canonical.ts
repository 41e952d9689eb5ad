/** Returns the same JSON for the same data, whatever the order of its keys; bytes are in base64. */
export function canonical(data: unknown): string {
  return JSON.stringify(data, (_, value: unknown) => {
    if (value instanceof Uint8Array) {
      return Buffer.from(value).toString('base64');
    }
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value;
  });
}
