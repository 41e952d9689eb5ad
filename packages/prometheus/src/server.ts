import { once } from 'node:events';
import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AnalyticsError } from '@toolweaver/analytics-core';
import { configError } from '@toolweaver/analytics-core/backend';
import { type Answer, notAllowed, type Scrape, textAnswer } from './answer.ts';
import { answerTo, sendTo } from './http.ts';

export interface EndpointOptions {
  /** Of the backend, for error messages. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly scrape: Scrape;
  readonly onNotice: (notice: AnalyticsError) => void;
}

/** The server for scrapers. */
export interface Endpoint {
  /** Undefined while it cannot listen, as when something else uses the port. */
  readonly port: number | undefined;
  /** Of the metrics, as seen from this machine; undefined whenever `port` is. */
  readonly url: string | undefined;
  /** Asks the server over the network whether it is there; rejects with the reason if it is not. */
  probe(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Longer than a minute, the default between two scrapes, so that a connection is not closed just as it is used. */
const keepAliveMs = 75_000;
/** A request for metrics has no body; a slow one is not a scrape. */
const requestMs = 10_000;
/** By default, Node checks this only every 30 s. */
const checkRequestsMs = 1_000;
const firstRetryMs = 1_000;
const longestRetryMs = 30_000;
/** For answers under way, before connections are cut. */
const graceMs = 500;

/**
 * Listens, or keeps trying while the port is in use, or the machine short of something.
 * @throws AnalyticsError `INVALID_CONFIG` for a host or a port on which this process may not listen.
 */
export async function openEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const { name, host, port, scrape, onNotice } = options;
  let server: Server | undefined;
  let failure: AnalyticsError | undefined;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;

  async function listen(delayMs: number): Promise<void> {
    const candidate = newServer(scrape);
    try {
      await listening(candidate, host, port);
    } catch (error) {
      if (failure === undefined) {
        failure = failureOf(options, error as NodeJS.ErrnoException);
        if (failure.code === 'INVALID_CONFIG') {
          throw failure;
        }
        onNotice(failure);
      }
      if (!closed) {
        retry = setTimeout(() => void listen(Math.min(2 * delayMs, longestRetryMs)), delayMs).unref();
      }
      return;
    }
    if (closed) {
      await stop(candidate);
      return;
    }
    server = candidate;
    failure = undefined;
  }

  await listen(firstRetryMs);

  const portNow = (): number | undefined => (server?.address() as AddressInfo | null | undefined)?.port;
  return {
    get port() {
      return portNow();
    },
    get url() {
      const listened = portNow();
      return listened === undefined ? undefined : `${urlOf(toReach(host), listened)}/metrics`;
    },
    async probe(signal) {
      const listened = portNow();
      if (listened === undefined) {
        throw failure ?? new AnalyticsError('CLOSED', `${name}: the server is closed`, { backend: name });
      }
      await probe({ host: toReach(host), port: listened }, name, signal);
    },
    async close() {
      closed = true;
      clearTimeout(retry);
      const closing = server;
      server = undefined;
      if (closing !== undefined) {
        await stop(closing);
      }
    },
  };
}

function newServer(scrape: Scrape): Server {
  const server = createServer(
    {
      keepAliveTimeout: keepAliveMs,
      // Covers its headers, too.
      requestTimeout: requestMs,
      connectionsCheckingInterval: checkRequestsMs,
    },
    (request, response) => {
      // A proxy may put the scheme and host before it: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
      const path = (request.url ?? '').replace(/^https?:\/\/[^/]*|\?.*/g, '');
      const answer = path === '/metrics' ? answerTo(request, scrape) : Promise.resolve(page(path, request.method));
      sendTo(request, response, answer);
    },
  );
  // Waiting to be scraped must not keep a program alive.
  server.on('connection', (socket) => socket.unref());
  return server.unref();
}

function page(path: string, method: string | undefined): Answer {
  if (path !== '/' && path !== '/healthz') {
    return textAnswer(404, 'There is nothing here; the metrics are at /metrics.\n');
  }
  if (method !== 'GET' && method !== 'HEAD') {
    return notAllowed;
  }
  return path === '/healthz' ? textAnswer(200, 'ok\n') : textAnswer(200, landingPage, 'text/html');
}

const landingPage = `<!doctype html>
<html lang="en">
<title>Toolweaver Analytics</title>
<h1>Toolweaver Analytics</h1>
<p><a href="/metrics">Metrics</a> for Prometheus · <a href="/healthz">health</a></p>
</html>
`;

async function listening(server: Server, host: string, port: number): Promise<void> {
  // Exclusive: workers of a cluster that shared the port would answer in turn, each with its own numbers.
  await once(server.listen({ host, port, exclusive: true }), 'listening');
  // Such as too many open files: it keeps listening.
  server.on('error', () => {});
}

/** What is wrong with the host, which a retry does not change; `EAI_…` is from looking up its name. */
const hostErrors = /^(EADDRNOTAVAIL|EAFNOSUPPORT|EINVAL|ENOTFOUND|EAI_\w+)$/;

function failureOf({ name, host, port }: EndpointOptions, error: NodeJS.ErrnoException): AnalyticsError {
  const { code = '', message } = error;
  if (code === 'EACCES') {
    return configError([{ field: 'port', message: `${port} needs elevated privileges; choose one from 1024 on` }]);
  }
  if (hostErrors.test(code)) {
    const text = `${JSON.stringify(host)} is not an address that this machine can listen on: ${message}`;
    return configError([{ field: 'host', message: text }]);
  }
  const isInUse = code === 'EADDRINUSE';
  const what = isInUse ? 'is in use' : `cannot be had (${message})`;
  const advice = isInUse
    ? '. Give this program another port (PROMETHEUS_PORT; 0 is any free one), or stop what uses it; workers of one program share a port with PROMETHEUS_WORKERS=true'
    : '';
  const text = `${name}: port ${port} of ${host} ${what}, so nobody can scrape the metrics there; they are still counted, and the port is tried again${advice}`;
  return new AnalyticsError('BACKEND_UNAVAILABLE', text, { backend: name, cause: error });
}

/** A server that listens on all addresses is reached at the loopback address. */
function toReach(host: string): string {
  return { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function stop(server: Server): Promise<void> {
  const ended = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await ended;
  clearTimeout(cut);
}

/** By host and port, since no URL can hold an address with a zone. */
function probe({ host, port }: { host: string; port: number }, name: string, signal: AbortSignal): Promise<void> {
  const url = `${urlOf(host, port)}/healthz`;
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: unknown): void =>
      reject(new AnalyticsError('BACKEND_UNAVAILABLE', `${name}: ${url} ${reason}`, { backend: name, cause }));
    // A connection of its own, without any proxy or pool of the host's.
    get({ host, port, path: '/healthz', agent: false, signal }, (response) => {
      response.resume();
      response.once('error', (error) => fail(`broke off: ${error.message}`, error));
      response.once('end', () => (response.statusCode === 200 ? resolve() : fail(`answered ${response.statusCode}`)));
    }).once('error', (error) => fail(`cannot be reached: ${error.message}`, error));
  });
}
