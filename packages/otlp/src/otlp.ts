import type { Resource } from '@opentelemetry/resources';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { AnalyticsError, type Backend } from '@toolweaver/analytics-core';
import {
  checkOptions,
  createNotices,
  createReporter,
  secretsOfHeader,
  toAnalyticsError,
} from '@toolweaver/analytics-core/backend';
import { createCells } from '@toolweaver/analytics-metrics';
import { createEvaluations } from './evaluations.ts';
import { openHostInstruments } from './host-instruments.ts';
import type { Connection } from './http.ts';
import { exportMetrics, type Manner, probe } from './metrics-exporter.ts';
import { type OtlpOptions, optionNames, type ResolvedOptions, resolveOptions } from './options.ts';
import { createCollect } from './points.ts';
import { createPusher } from './pusher.ts';
import { createResource } from './resource.ts';
import { scope } from './scope.ts';
import { createSender } from './sender.ts';
import { tlsOf } from './tls-files.ts';

/** The backend that `otlp` returns. It counts events inside `record…()`, without a queue. */
export interface OtlpBackend extends Backend {
  readonly delivery: 'immediate' | 'counting';
}

/** Collects only on request: this backend decides itself what to push, and when. */
class PlainReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/**
 * Creates a backend that counts events as metrics and pushes these at intervals to an OTLP receiver. `flush` pushes at once, and
 * rejects with the receiver's message when it did not accept everything; the next push then includes it, as totals are kept.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem of the options, or when the `meterProvider` has metrics of the same names,
 *   of a backend with other options.
 */
export async function otlp(options: OtlpOptions): Promise<OtlpBackend> {
  const { name = 'otlp', enabled, meterProvider, agent } = Object(options) as OtlpOptions;
  const checked = checkOptions(options, optionNames, (check, given) =>
    enabled === false ? undefined : { resolved: resolveOptions(check, given), tls: tlsOf(check, given.tls) },
  );
  if (checked === undefined) {
    return { name, delivery: 'counting', settings: { enabled: false }, write() {} };
  }
  const { resolved, tls } = checked;
  return meterProvider === undefined
    ? pushingBackend(name, options, resolved, { tls, agent })
    : hostBackend(name, resolved, meterProvider);
}

function pushingBackend(
  name: string,
  options: OtlpOptions,
  resolved: ResolvedOptions,
  connection: Connection,
): OtlpBackend {
  const { url, encoding, clock } = resolved;
  const notices = createNotices(options.onNotice);
  const reporter = createReporter(notices.report, clock);
  const tell = (notice: AnalyticsError): void => reporter.report(notice.code, name, () => notice);
  const resource = createResource(options);
  const cells = createCells(resolved.cells);
  const collect = createCollect(cells, clock.now());
  const reader = new PlainReader({
    metricProducers: [
      {
        async collect() {
          const metrics = collect(clock.now());
          return {
            resourceMetrics: { resource, scopeMetrics: metrics.length > 0 ? [{ scope, metrics }] : [] },
            errors: [],
          };
        },
      },
    ],
  });
  // Private: the host's global provider is never touched.
  const provider = new MeterProvider({ resource, readers: [reader] });
  const headers = (): Record<string, string> => {
    const { instanceId, token } = resolved;
    const given = Object.entries(resolved.headers).map(([key, value]) => [key, value.reveal()]);
    const credentials = token && Buffer.from(`${instanceId}:${token.reveal()}`).toString('base64');
    return { ...Object.fromEntries(given), ...(credentials && { authorization: `Basic ${credentials}` }) };
  };
  const sender = createSender({
    ...resolved,
    ...connection,
    name,
    headers,
    secrets: () => [...Object.values(headers()).flatMap(secretsOfHeader), ...secretsOfQuery(url)],
    onWarning: (message) => tell(new AnalyticsError('EVENTS_REJECTED', message, { backend: name })),
  });
  const evaluations =
    resolved.logsUrl &&
    createEvaluations(sender, resolved.logsUrl, encoding, resource, scope, (count) => {
      const message = `${name}: gave up ${count} evaluation events up to now; the ratings themselves are counted`;
      tell(new AnalyticsError('EVENTS_DROPPED', message, { backend: name }));
    });

  async function push(manner: Manner, signal: AbortSignal): Promise<void> {
    const { resourceMetrics } = await reader.collect();
    const exported =
      resourceMetrics.scopeMetrics.length === 0
        ? Promise.resolve()
        : exportMetrics(sender, url, encoding, resourceMetrics, manner, signal);
    const results = await Promise.allSettled([exported, evaluations?.push(manner, signal)]);
    for (const result of results) {
      if (result.status === 'rejected') {
        throw result.reason;
      }
    }
  }

  const pusher = createPusher({
    intervalMs: resolved.pushIntervalMs,
    clock,
    random: resolved.random,
    push,
    onFailure: (thrown) => tell(toAnalyticsError(thrown, name)),
  });

  return {
    name,
    delivery: 'counting',
    settings: settingsOf(options, resolved, resource),
    write(events) {
      for (const event of events) {
        cells.record(event);
        if (event.type === 'rating') {
          evaluations?.add(event);
        }
      }
      pusher.changed();
    },
    attach(client) {
      cells.attach(client);
      notices.attach(client);
    },
    flush: pusher.push,
    async check(signal) {
      await probe(sender, url, encoding, signal);
      // A probe, being empty, is answered by many a receiver that has no room for data, or refuses them.
      await pusher.check(signal);
    },
    async close() {
      await pusher.close();
      evaluations?.giveUp();
      await provider.shutdown();
    },
  };
}

/** Has no `check`, because nothing is sent from here. */
function hostBackend(
  name: string,
  resolved: ResolvedOptions,
  provider: NonNullable<OtlpOptions['meterProvider']>,
): OtlpBackend {
  const { record, attach, release } = openHostInstruments(provider, resolved.cells);
  const flush = async (): Promise<void> => {
    // The SDK's provider has this method, although the interface does not. It resolves even when an export failed.
    await (provider as { forceFlush?(): Promise<void> }).forceFlush?.();
  };
  return {
    name,
    // Instruments of another library may be read at any time.
    delivery: 'immediate',
    settings: { meterProvider: 'of the host', ...resolved.cells },
    write: (events) => events.forEach(record),
    attach,
    flush,
    async close() {
      try {
        await flush();
      } finally {
        release();
      }
    },
  };
}

/** The query as a whole, and its values as they are written and read: it may hold a key, and answers may repeat the path. */
function secretsOfQuery({ search, searchParams }: URL): string[] {
  const written = search.slice(1);
  return [written, ...written.split('&').map((pair) => pair.replace(/^[^=]*=/, '')), ...searchParams.values()];
}

function settingsOf(
  options: OtlpOptions,
  resolved: ResolvedOptions,
  { attributes }: Resource,
): OtlpBackend['settings'] {
  const { url, instanceId, token, headers, encoding, compression, pushIntervalMs, timeoutMs } = resolved;
  return {
    url: url.origin + url.pathname,
    instanceId: instanceId ?? null,
    token: token ?? null,
    headers,
    protocol: `http/${encoding}`,
    compression,
    pushIntervalMs,
    timeoutMs,
    serviceName: attributes['service.name'] as string,
    serviceVersion: (attributes['service.version'] as string | undefined) ?? null,
    serviceInstanceId: attributes['service.instance.id'] as string,
    evaluationEvents: options.evaluationEvents ?? false,
    ...resolved.cells,
  };
}
