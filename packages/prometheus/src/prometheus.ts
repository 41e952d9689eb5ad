import { AnalyticsError, type Backend } from '@toolweaver/analytics-core';
import { createNotices, createReporter, steadyClock } from '@toolweaver/analytics-core/backend';
import { type Cells, createCells } from '@toolweaver/analytics-metrics';
import { createScrape, type Exposition, type Scrape } from './answer.ts';
import { defaultMetrics } from './default-metrics.ts';
import { type FetchHandler, fetchHandler, type HttpHandler, httpHandler } from './http.ts';
import { type PrometheusOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { type Pushgateway, pushgatewayClient } from './pushgateway.ts';
import { startPushing } from './pushing.ts';
import { registerCells } from './registry.ts';
import { contentType, createRenderer } from './render.ts';
import { type Endpoint, openEndpoint } from './server.ts';
import { takeSnapshot } from './snapshot.ts';
import { type Group, type GroupOptions, joinGroup } from './workers/group.ts';

/**
 * The backend, and the ways to read its metrics. These still work after `close()`, and show the last values, or with a `registry`
 * what is left in it. Only the server is gone then.
 */
export interface PrometheusBackend extends Backend {
  /** Of the metrics, as seen from this machine; undefined without a server, or while it cannot listen. */
  readonly url: string | undefined;
  /** That it listens on; undefined whenever `url` is. */
  readonly port: number | undefined;
  /** The text that a scraper would get now. */
  scrape(): Promise<string>;
  /** The type of that text. */
  readonly contentType: string;
  /** Answers with the metrics, for a route of your own `node:http` server or of a framework on it. */
  readonly handler: HttpHandler;
  /** The same for servers that take a `Request` and return a `Response`. */
  readonly fetch: FetchHandler;
  /** Undefined unless the options name a Pushgateway. */
  readonly pushgateway: Pushgateway | undefined;
}

/**
 * Counts events, and shows the counts to Prometheus.
 * @throws AnalyticsError `INVALID_CONFIG` for wrong options, a host or port on which this process may not listen, or a registry
 *   that has metrics of our names. It does not throw for a port that is in use, or cannot be had for now: see `onNotice`.
 */
export async function prometheus(options: PrometheusOptions = {}): Promise<PrometheusBackend> {
  const resolved = resolveOptions(options);
  const { name, enabled, host, port, registry, workers } = resolved;
  const notices = createNotices(resolved.onNotice);
  const cells = createCells(resolved.metrics);
  const unregister = registry === undefined || !enabled ? () => {} : registerCells(cells, registry);
  const group = enabled && workers ? joinGroup(groupOptions(cells, resolved)) : undefined;
  async function leave(): Promise<void> {
    await group?.close();
    unregister();
  }
  // What a worker counts is shown by the primary.
  const isShown = enabled && group?.isWorker !== true;
  let exposition: Exposition;
  let scrape: Scrape;
  let endpoint: Endpoint | undefined;
  try {
    exposition = await createExposition(cells, group, resolved);
    scrape = createScrape(exposition);
    endpoint =
      isShown && port !== false
        ? await openEndpoint({ name, host, port, scrape, onNotice: notices.report })
        : undefined;
  } catch (error) {
    await leave();
    throw error;
  }
  const target = isShown ? resolved.pushgateway : undefined;
  const gateway = target && pushgatewayClient({ name, target, ...exposition });
  const reporter = createReporter(notices.report, steadyClock());
  const pushing =
    gateway && target && startPushing(gateway, target, (error) => reporter.report(error.code, name, () => error));

  return {
    name,
    delivery: 'counting',
    settings: {
      ...settingsOf(resolved),
      get url() {
        return endpoint?.url ?? null;
      },
    },
    write(events) {
      if (enabled) {
        for (const event of events) {
          cells.record(event);
        }
      }
    },
    attach(client) {
      notices.attach(client);
      // Disabled cells count nothing, so they must not count for other backends of the client.
      if (enabled) {
        cells.attach(client);
      }
    },
    ...(pushing && { flush: (signal: AbortSignal) => pushing.push(signal) }),
    async check(signal) {
      await endpoint?.probe(signal);
      await gateway?.probe(signal);
      // A gateway that is ready may refuse what is pushed, or who pushes it.
      if (pushing?.failure !== undefined) {
        await pushing.push(signal);
      }
      if (group !== undefined && !(await group.isShown())) {
        throw new AnalyticsError('BACKEND_UNAVAILABLE', `${name}: ${unshown}`, { backend: name });
      }
    },
    async close() {
      // The port is free at once, whatever happens to the last push.
      await Promise.all([pushing?.close(), endpoint?.close()]);
      await leave();
    },
    get url() {
      return endpoint?.url;
    },
    get port() {
      return endpoint?.port;
    },
    scrape: async () => (await exposition.render()).toString(),
    get contentType() {
      return exposition.contentType();
    },
    handler: httpHandler(scrape),
    fetch: fetchHandler(scrape),
    pushgateway: gateway,
  };
}

const unshown =
  'nobody shows what this worker counts: create a client with `workers` (PROMETHEUS_WORKERS) and the same name in the main thread of the primary, too';

async function createExposition(cells: Cells, group: Group | undefined, options: ResolvedOptions): Promise<Exposition> {
  const { registry } = options;
  if (registry !== undefined) {
    return { render: async () => Buffer.from(await registry.metrics()), contentType: () => registry.contentType };
  }
  const renderer = createRenderer();
  const isAsked = options.enabled && options.defaultMetrics && group?.isWorker !== true;
  const ofProcess = isAsked ? await defaultMetrics() : undefined;
  return {
    async render() {
      const own = await renderer.render(group === undefined ? takeSnapshot(cells) : await group.collect());
      return ofProcess === undefined ? own : Buffer.concat([own, Buffer.from(`\n${await ofProcess()}`)]);
    },
    contentType: () => contentType,
  };
}

function groupOptions(cells: Cells, { name, metrics }: ResolvedOptions): GroupOptions {
  return {
    group: `${name} ${metrics.namespace}`,
    metrics: cells.families().map(({ metric }) => metric),
    maxLabelSets: metrics.maxLabelSets,
    take: () => takeSnapshot(cells),
  };
}

function settingsOf({ enabled, host, port, defaultMetrics, registry, workers, pushgateway, metrics }: ResolvedOptions) {
  return {
    enabled,
    host: port === false ? null : host,
    port: port === false ? null : port,
    defaultMetrics,
    registry: registry === undefined ? 'own' : 'given',
    workers,
    pushgateway:
      pushgateway === undefined ? null : { ...pushgateway, authorization: pushgateway.authorization ?? null },
    ...metrics,
  };
}
