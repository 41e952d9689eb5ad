import { AnalyticsError, type AnalyticsEvent, type HealthEvent, type JsonObject } from '@toolweaver/analytics-core';
import { altered, type Mutant, type Mutants, storing, storingExecutions } from './altered.ts';

function storingHealth(change: (event: HealthEvent) => Partial<HealthEvent>): Mutant {
  return storing((event) => (event.type === 'health' ? { ...event, ...change(event) } : event));
}

function storingCosts(change: (nanoUsd: number) => number): Mutant {
  return storingExecutions(({ cost }) => ({ cost: cost && { ...cost, nanoUsd: change(cost.nanoUsd) } }));
}

function mapped(values: Readonly<Record<string, number>>, change: (value: number) => number): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}

/** The same data with no more digits in its numbers. */
function digits(count: number, data: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(data), (_key, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(count)) : value,
  );
}

export const fieldsMutants: Mutants = {
  'every field of every event survives': {
    'forgets the organisation': storing((event) => ({ ...event, orgId: undefined })),
    'forgets the order of tags': storing((event) =>
      event.type === 'run' ? { ...event, tags: [...new Set(event.tags)].sort() } : event,
    ),
    'cuts latencies to tenths': storingExecutions(({ latencyMs }) => ({
      latencyMs: latencyMs && Math.round(latencyMs * 10) / 10,
    })),
    'takes bytes for text': storing((event) =>
      event.type === 'artifact' && event.bytes
        ? { ...event, bytes: new TextEncoder().encode(new TextDecoder().decode(event.bytes)) }
        : event,
    ),
    'has each of them twice': storing((event) => [event, { ...event, id: crypto.randomUUID() }]),
    'stamps the time of delivery': storing((event) => ({ ...event, at: event.at + 1 })),
    'forgets that a skill is deprecated': storingHealth(() => ({ deprecated: undefined })),
    'takes what is not deprecated for unknown': storingHealth(({ deprecated }) => ({
      deprecated: deprecated || undefined,
    })),
    'takes what the provider says for its own computation': storingExecutions(({ cost }) => ({
      cost: cost && { ...cost, source: cost.source === 'provider' ? 'computed' : cost.source },
    })),
  },
  'the weight of a sampled execution survives': {
    'forgets it': storingExecutions(() => ({ weight: undefined })),
    'keeps whole ones': storingExecutions(({ weight }) => ({ weight: weight && Math.round(weight) })),
    'keeps single precision': storingExecutions(({ weight }) => ({ weight: weight && Math.fround(weight) })),
  },
  'what an event does not say stays unknown': {
    'counts the first attempt': storingExecutions(({ attempt = 1 }) => ({ attempt })),
    'takes unknown for null': storing((event) => ({ userId: null, ...event }) as unknown as AnalyticsEvent),
    'takes unknown for nobody': storing((event) => ({ ...event, userId: event.userId ?? '' })),
  },
  'hostile text survives in every field': {
    'has comments on one line': storing((event) =>
      event.type === 'rating' ? { ...event, comment: event.comment?.replaceAll('\n', ' ') } : event,
    ),
    'loses what JavaScript takes for a prototype': storing((event) => {
      const attributes: Record<string, string> = {};
      for (const [key, value] of Object.entries(event.attributes ?? {})) {
        attributes[key] = value as string;
      }
      return { ...event, attributes };
    }),
    'strips quotes from error types': storingExecutions(({ error }) => ({
      error: error && { ...error, type: error.type.replaceAll('"', '') },
    })),
  },
  'numbers and times at the limits of core survive': {
    'has 15 bits for tokens': storingExecutions(({ usage }) => ({
      usage: usage && { ...usage, inputTokens: Math.min(usage.inputTokens, 32_767) },
    })),
    'has 31 bits for tokens': storingExecutions(({ usage }) => ({
      usage: usage && { ...usage, cacheReadTokens: Math.min(usage.cacheReadTokens, 2 ** 31 - 1) },
    })),
    'has 31 bits for bytes': storingExecutions(({ inputBytes }) => ({
      inputBytes: inputBytes && Math.min(inputBytes, 2 ** 31 - 1),
    })),
    'has one byte for attempts': storingExecutions(({ attempt }) => ({ attempt: attempt && Math.min(attempt, 255) })),
    'keeps latencies in single precision': storingExecutions(({ latencyMs }) => ({
      latencyMs: latencyMs && Math.fround(latencyMs),
    })),
    'keeps latencies to the nanosecond': storingExecutions(({ latencyMs }) => ({
      latencyMs: latencyMs && Math.round(latencyMs * 1e6) / 1e6,
    })),
    'keeps 15 digits in attributes': storing((event) => ({
      ...event,
      attributes: event.attributes && digits(15, event.attributes),
    })),
    'keeps metrics in single precision': storing((event) =>
      event.type === 'metrics' ? { ...event, values: mapped(event.values, Math.fround) } : event,
    ),
    'has no time before 2001': storing((event) => ({ ...event, at: Math.max(event.at, Date.UTC(2001)) })),
    'has no time after 2038': storing((event) => ({ ...event, at: Math.min(event.at, 1000 * (2 ** 31 - 1)) })),
  },
  'texts at the limits of core survive': {
    'cuts messages at 500': storingExecutions(({ error }) => ({
      error: error && { ...error, message: error.message?.slice(0, 500) },
    })),
    'counts bytes instead of characters': storingExecutions(({ name }) => ({
      name: Buffer.from(name).subarray(0, 256).toString(),
    })),
    'cuts comments at 1000': storing((event) =>
      event.type === 'rating' ? { ...event, comment: event.comment?.slice(0, 1000) } : event,
    ),
    'cuts paths at 1024': storing((event) =>
      event.type === 'artifact' ? { ...event, path: event.path?.slice(0, 1024) } : event,
    ),
    'cuts tags at 64': storing((event) =>
      event.type === 'run' ? { ...event, tags: event.tags?.map((tag) => tag.slice(0, 64)) } : event,
    ),
  },
  'attributes, metrics, tags and bytes at the limits of core survive': {
    'drops attributes above 8 KiB': storing((event) => ({
      ...event,
      attributes: JSON.stringify(event.attributes ?? {}).length > 8192 ? undefined : event.attributes,
    })),
    'has room for 500 metrics': storing((event) =>
      event.type === 'metrics'
        ? { ...event, values: Object.fromEntries(Object.entries(event.values).slice(0, 500)) }
        : event,
    ),
    'has room for 50 tags': storing((event) =>
      event.type === 'run' ? { ...event, tags: event.tags?.slice(0, 50) } : event,
    ),
    'refuses what is nested 64 levels deep': storing((event) => {
      if (/\[{64}/.test(JSON.stringify(event.attributes ?? {}))) {
        throw new AnalyticsError('EVENTS_REJECTED', 'too deep');
      }
      return event;
    }),
    'refuses a large body': altered(({ write }) => ({
      async write(events) {
        if (events.some((event) => event.type === 'artifact' && (event.bytes?.length ?? 0) > 1e6)) {
          throw new AnalyticsError('TOO_LARGE', '413 Payload Too Large');
        }
        await write(events);
      },
    })),
  },
  'any amount of money survives to the nano-dollar': {
    'keeps dollars, and cuts what they say': storingCosts((nanoUsd) => Math.floor((nanoUsd / 1e9) * 1e9)),
    'keeps dollars, and rounds what they say': storingCosts((nanoUsd) => Math.round((nanoUsd / 1e9) * 1e9)),
    'has 31 bits for it': storingCosts((nanoUsd) => Math.min(nanoUsd, 2 ** 31 - 1)),
    'keeps single precision': storingCosts(Math.fround),
    'keeps micro-dollars': storingCosts((nanoUsd) => Math.round(nanoUsd / 1000) * 1000),
  },
};
