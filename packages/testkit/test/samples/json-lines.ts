// json-lines.ts
import { appendFileSync, constants, existsSync, readFileSync } from 'node:fs';
import { access, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AnalyticsError, type AnalyticsEvent, type Backend, type Env } from '@toolweaver/analytics-core';
import { isDiskFull, parseEvent, readEnv } from '@toolweaver/analytics-core/backend';

export interface JsonLinesOptions {
  /** The file. Its folder has to be there; nobody else may write to it. */
  readonly path: string;
}

/** What the environment says. Throws one error with everything that is wrong. */
export function jsonLinesFromEnv(env: Env): JsonLinesOptions {
  return readEnv(env, (vars) => ({ path: vars.text('JSON_LINES_PATH') ?? 'events.jsonl' }));
}

/** Appends each event to a file, as a line of JSON. */
export function jsonLines({ path }: JsonLinesOptions): Backend {
  const failed = (cause: unknown): never => {
    const code = isDiskFull(cause) ? 'STORAGE_FULL' : 'BACKEND_UNAVAILABLE';
    throw new AnalyticsError(code, `${path} cannot be written`, { cause, backend: 'json-lines' });
  };
  return {
    name: 'json-lines',
    delivery: { maxEvents: 1000, maxDelayMs: 100 },
    settings: { path },
    write: (events) => append(path, toLines(events)).catch(failed),
    writeSync: (events) => appendFileSync(path, toLines(events), { mode: 0o600 }),
    check: () => access(dirname(path), constants.W_OK).catch(failed),
  };
}

/** All of the text or nothing of it: a disk that fills up half way leaves the file as it was. */
async function append(path: string, text: string): Promise<void> {
  const file = await open(path, 'a', 0o600);
  try {
    const { size } = await file.stat();
    await file.writeFile(text).catch(async (cause: unknown) => {
      await file.truncate(size);
      throw cause;
    });
  } finally {
    await file.close();
  }
}

/** Begins with a line end: what a crash, or a `write` under way, has left half done is a line of its own then. */
function toLines(events: readonly AnalyticsEvent[]): string {
  const encode = (_key: string, value: unknown): unknown =>
    value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
  return `\n${events.map((event) => `${JSON.stringify(event, encode)}\n`).join('')}`;
}

/** What is in the file. After a retry a line may be there twice, so ids tell; blank lines and half ones are left out. */
export function readEvents(path: string): AnalyticsEvent[] {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  const events = new Map<string, AnalyticsEvent>();
  for (const line of lines) {
    try {
      const event = parseEvent(JSON.parse(line));
      events.set(event.id, event);
    } catch {}
  }
  return [...events.values()];
}
