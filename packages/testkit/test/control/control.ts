import { setImmediate as turn } from 'node:timers/promises';
import { AnalyticsError, type AnalyticsEvent, type Backend } from '@toolweaver/analytics-core';
import { secret } from '@toolweaver/analytics-core/backend';
import { type Subject, tally } from '@toolweaver/analytics-testkit';
import { readerOver } from './reader.ts';

/** The far side of the control backend: takes lines of JSON, an id only once, and knows nothing of the backend. */
export interface Server {
  up: boolean;
  post(body: string): void;
  rows(): AnalyticsEvent[];
}

export interface Control extends Subject {
  readonly server: Server;
  readonly secrets: readonly string[];
}

export const token = 'canary-4f1d-never-show-me';

export function startServer(): Server {
  const lines: string[] = [];
  const ids = new Set<string>();
  return {
    up: true,
    post(body) {
      if (!this.up) {
        throw new Error('connect ECONNREFUSED 127.0.0.1:9');
      }
      for (const line of body.split('\n').filter(Boolean)) {
        const { id } = JSON.parse(line) as { id: string };
        if (!ids.has(id)) {
          ids.add(id);
          lines.push(line);
        }
      }
    },
    rows: () => lines.map((line) => JSON.parse(line, revive) as AnalyticsEvent),
  };
}

/** A backend that keeps every law, on a far side of its own. */
export function control(server: Server = startServer()): Control {
  return {
    server,
    backend: controlBackend(server),
    observe: () => tally(server.rows()),
    breakFarSide() {
      server.up = false;
    },
    repairFarSide() {
      server.up = true;
    },
    reopen: () => controlBackend(server),
    secrets: [token],
  };
}

function controlBackend(server: Server): Backend {
  const credentials = secret(token);
  function post(events: readonly AnalyticsEvent[]): void {
    try {
      server.post(encode(events));
    } catch (cause) {
      throw new AnalyticsError('BACKEND_UNAVAILABLE', 'the server cannot be reached', { cause, backend: 'control' });
    }
  }
  return {
    name: 'control',
    delivery: { maxEvents: 100, maxDelayMs: 10 },
    settings: { url: 'http://127.0.0.1:9', token: credentials, tags: ['a', { b: null }] },
    async write(events) {
      const body = [...events];
      await turn();
      post(body);
    },
    writeSync: post,
    closing() {},
    async flush(signal) {
      signal.throwIfAborted();
    },
    async check() {
      if (!server.up) {
        throw new AnalyticsError('BACKEND_UNAVAILABLE', 'the server cannot be reached');
      }
    },
    reader: readerOver(() => server.rows()),
    async close() {},
  };
}

export function encode(events: readonly AnalyticsEvent[]): string {
  return events.map((event) => JSON.stringify(event, replaceBytes)).join('\n');
}

function replaceBytes(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value;
}

function revive(key: string, value: unknown): unknown {
  return key === 'bytes' ? Uint8Array.from(Buffer.from((value as { base64: string }).base64, 'base64')) : value;
}
