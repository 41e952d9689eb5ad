import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { type Mutants, storing, storingExecutions } from './altered.ts';

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
  },
  'the weight of a sampled execution survives': {
    'forgets it': storingExecutions(() => ({ weight: undefined })),
    'keeps whole ones': storingExecutions(({ weight }) => ({ weight: weight && Math.round(weight) })),
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
};
