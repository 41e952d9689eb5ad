import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

const { root } = protobuf.parse(readFileSync(join(import.meta.dirname, 'otlp.proto'), 'utf8'));

type Attributes = Record<string, string | number | boolean>;

/** A data point of any type; what its type does not have is missing. */
export interface Point {
  readonly attributes: Attributes;
  readonly startTimeUnixNano: number;
  readonly timeUnixNano: number;
  readonly asDouble?: number;
  readonly asInt?: number;
  readonly count?: number;
  readonly sum?: number;
  readonly bucketCounts?: number[];
  readonly explicitBounds?: number[];
  readonly scale?: number;
  readonly zeroCount?: number;
  readonly positive?: { readonly offset?: number; readonly bucketCounts?: number[] };
}

export interface DecodedMetric {
  readonly name: string;
  readonly unit: string;
  readonly type: 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram';
  readonly temporality: number | undefined;
  readonly isMonotonic: boolean | undefined;
  readonly points: readonly Point[];
}

/** What a request said: of one resource. */
export interface Decoded {
  readonly resource: Attributes;
  readonly scopes: readonly string[];
  readonly metrics: readonly DecodedMetric[];
  readonly logs: readonly { readonly eventName: string; readonly attributes: Attributes }[];
}

export interface Headers {
  readonly [name: string]: string | string[] | undefined;
}

/** The body without its compression. */
export function unpack(headers: Headers, bytes: Buffer): Buffer {
  return headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
}

/** Reads a request of metrics or logs in either encoding. Throws when it is not what its headers say. */
export function decode(path: string, headers: Headers, bytes: Buffer): Decoded {
  const body = unpack(headers, bytes);
  const type = path.endsWith('/v1/logs') ? 'LogsRequest' : 'MetricsRequest';
  if (headers['content-type'] === 'application/json') {
    return plain(JSON.parse(body.toString()));
  }
  if (headers['content-type'] !== 'application/x-protobuf') {
    throw new Error(`content-type ${headers['content-type']}`);
  }
  const message = root.lookupType(type);
  return plain(message.toObject(message.decode(body), { longs: String }));
}

/** An answer, or a status, in protobuf. */
export function encode(type: 'MetricsResponse' | 'Status', value: object): Buffer {
  return Buffer.from(root.lookupType(type).encode(value).finish());
}

type Json = Record<string, unknown>;
const list = (value: unknown): Json[] => (value ?? []) as Json[];

function plain(request: Json): Decoded {
  const resources = [...list(request['resourceMetrics']), ...list(request['resourceLogs'])];
  const scopes = resources.flatMap((one) => [...list(one['scopeMetrics']), ...list(one['scopeLogs'])]);
  return {
    resource: attributes((resources[0]?.['resource'] as Json | undefined)?.['attributes']),
    scopes: scopes.map(({ scope }) => String((scope as Json)['name'])),
    metrics: scopes.flatMap((scope) => list(scope['metrics'])).map(metric),
    logs: scopes
      .flatMap((scope) => list(scope['logRecords']))
      .map((record) => ({ eventName: String(record['eventName']), attributes: attributes(record['attributes']) })),
  };
}

const types = ['gauge', 'sum', 'histogram', 'exponentialHistogram'] as const;

function metric(one: Json): DecodedMetric {
  const type = types.find((name) => one[name] !== undefined) as DecodedMetric['type'];
  const data = one[type] as Json;
  return {
    name: String(one['name']),
    unit: String(one['unit'] ?? ''),
    type,
    temporality: data['aggregationTemporality'] as number | undefined,
    isMonotonic: data['isMonotonic'] as boolean | undefined,
    points: list(data['dataPoints']).map(point),
  };
}

function point({ attributes: pairs, ...figures }: Json): Point {
  return { ...(numbers(figures) as object), attributes: attributes(pairs) } as Point;
}

/** 64-bit numbers are texts in both encodings. */
function numbers(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(numbers);
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, numbers(one)]));
  }
  return Number(value);
}

function attributes(pairs: unknown): Attributes {
  return Object.fromEntries(
    list(pairs).map(({ key, value }) => {
      const [[kind, content] = []] = Object.entries(value as Json);
      return [key, kind === 'intValue' ? Number(content) : content];
    }),
  ) as Attributes;
}
