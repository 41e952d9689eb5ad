/** The longest wait that a far side can ask for. */
export const maxRetryAfterMs = 300_000;

/** What a `Retry-After` header asks for, in ms: seconds or an HTTP date. Undefined for anything else. `now`: Unix time in ms. */
export function retryAfterMs(header: string | null | undefined, now: number): number | undefined {
  const text = header ?? '';
  const isDate = / GMT$/.test(text);
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : isDate ? Date.parse(text) - now : Number.NaN;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), maxRetryAfterMs);
}
