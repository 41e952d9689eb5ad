import { ExportResultCode } from '@opentelemetry/core';
import { AggregationTemporalityPreference, OTLPMetricExporterBase } from '@opentelemetry/exporter-metrics-otlp-http';
import {
  createOtlpNetworkExportDelegate,
  ExporterMetrics,
  type ExportResponse,
} from '@opentelemetry/otlp-exporter-base';
import {
  JsonMetricsSerializer,
  MetricsExporterMetricsHelper,
  ProtobufMetricsSerializer,
} from '@opentelemetry/otlp-transformer';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Delivery, Sender } from './sender.ts';
import { type Encoding, type PartialSuccess, readPartialSuccess } from './verdict.ts';

const serializers = { protobuf: ProtobufMetricsSerializer, json: JsonMetricsSerializer };

/** Measures nothing, as it has no meter provider. */
const selfObservation: ExporterMetrics<ResourceMetrics> = new ExporterMetrics({
  componentType: 'otlp_http_metric_exporter',
  metricsHelper: MetricsExporterMetricsHelper,
  url: undefined,
  meterProvider: undefined,
  responseAttributesFromError: () => ({}),
});

/** The `background` and `maxAttempts` of a delivery. */
export type Manner = Pick<Delivery, 'background' | 'maxAttempts'>;

/**
 * Exports with OpenTelemetry's exporter and serializers, over a transport of our own: theirs hides a partial success, has no
 * deadline for an answer that trickles, and sends the headers of the environment to any endpoint. Rejects with `sender`'s error.
 */
export function exportMetrics(
  sender: Sender,
  url: URL,
  encoding: Encoding,
  metrics: ResourceMetrics,
  manner: Manner,
  signal: AbortSignal,
): Promise<void> {
  // One exporter for each push, so that its transport knows the push's signal.
  const transport = {
    async send(body: Uint8Array): Promise<ExportResponse> {
      await sender.send({ url, body, read: readAnswer, ...manner }, signal);
      return { status: 'success' };
    },
    shutdown() {},
  };
  const options = { timeoutMillis: 0, concurrencyLimit: 1, compression: 'none' } as const;
  const exporter = new OTLPMetricExporterBase(
    createOtlpNetworkExportDelegate(options, serializers[encoding], selfObservation, transport),
    { temporalityPreference: AggregationTemporalityPreference.CUMULATIVE },
  );
  return new Promise((resolve, reject) => {
    exporter.export(metrics, ({ code, error }) => (code === ExportResultCode.SUCCESS ? resolve() : reject(error)));
  });
}

/** Sends an empty export, which a receiver accepts if it is reachable and the credentials are right. */
export function probe(sender: Sender, url: URL, encoding: Encoding, signal: AbortSignal): Promise<void> {
  const body = encoding === 'json' ? Buffer.from('{"resourceMetrics":[]}') : new Uint8Array();
  return sender.send({ url, body, read: readAnswer, maxAttempts: 1 }, signal);
}

function readAnswer(body: Uint8Array, encoding: Encoding): PartialSuccess {
  return readPartialSuccess(body, encoding, ProtobufMetricsSerializer, 'rejectedDataPoints');
}
