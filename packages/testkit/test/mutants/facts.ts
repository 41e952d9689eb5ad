import { AnalyticsError, type AnalyticsEvent } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import { control, encode } from '../control/control.ts';
import { altered, type Mutant, type Mutants, storing, storingExecutions } from './altered.ts';

/** Drops events of a type. */
function dropping(type: AnalyticsEvent['type']): Mutant {
  return storing((event) => (event.type === type ? [] : event));
}

/** Of a run, takes a field from its first event alone. */
function firstStart(field: 'name' | 'config'): Mutant {
  const seen = new Set<string>();
  return () => {
    seen.clear();
    return storing((event) => {
      if (event.type !== 'run' || !seen.has(event.runId)) {
        seen.add(event.runId ?? '');
        return event;
      }
      return { ...event, [field]: undefined };
    })();
  };
}

export const factsMutants: Mutants = {
  'a fresh far side shows nothing': {
    'announces itself': () => {
      const subject = control();
      subject.server.post(encode([execution({ name: 'startup' })]));
      return subject;
    },
  },
  'an execution arrives once, with its outcome and its latency': {
    'delivers twice': storing((event) => [event, { ...event, id: `${event.id}-again` }]),
    'delivers nothing': storing(() => []),
    'keeps seconds for ms': storingExecutions(({ latencyMs }) => ({ latencyMs: latencyMs && latencyMs / 1000 })),
    'cuts latencies to whole ms': storingExecutions(({ latencyMs }) => ({
      latencyMs: latencyMs && Math.trunc(latencyMs),
    })),
    'takes every call for a failure': storingExecutions(() => ({ success: false })),
  },
  'successes and failures are told apart': {
    'takes every call for a success': storingExecutions(() => ({ success: true })),
    'takes for a failure only what has an error': storingExecutions(({ error }) => ({ success: error === undefined })),
  },
  'names are told apart': {
    'has one name for all': storingExecutions(() => ({ name: 'all' })),
    'cuts names': storingExecutions(({ name }) => ({ name: name.slice(0, 8) })),
  },
  'a skill, a tool and an LLM call of one name are told apart': {
    'takes tools for skills': storingExecutions(({ kind }) => ({ kind: kind === 'tool' ? 'skill' : kind })),
    'takes LLM calls for tools': storingExecutions(({ kind }) => ({ kind: kind === 'llm' ? 'tool' : kind })),
  },
  'an agent, a search and an operation of one name are told apart': {
    'takes searches for operations': storingExecutions(({ kind }) => ({
      kind: kind === 'search' ? 'operation' : kind,
    })),
    'takes agents for operations': storingExecutions(({ kind }) => ({ kind: kind === 'agent' ? 'operation' : kind })),
  },
  'a latency of zero counts, an unknown latency does not': {
    'takes zero for unknown': storingExecutions(({ latencyMs }) => ({ latencyMs: latencyMs || undefined })),
    'takes unknown for zero': storingExecutions(({ latencyMs }) => ({ latencyMs: latencyMs ?? 0 })),
  },
  'a sampled execution counts by its weight': {
    'counts each as one': storingExecutions(() => ({ weight: undefined })),
    'rounds weights': storingExecutions(({ weight = 1 }) => ({ weight: Math.floor(weight) })),
    'keeps costs as they are': storingExecutions(({ cost, weight = 1 }) => ({
      cost: cost && { ...cost, nanoUsd: cost.nanoUsd / weight },
    })),
  },
  'known costs add up to the nano-dollar': {
    'keeps single precision': storingExecutions(({ cost }) => ({
      cost: cost && { ...cost, nanoUsd: Math.fround(cost.nanoUsd) },
    })),
    'rounds to micro-dollars': storingExecutions(({ cost }) => ({
      cost: cost && { ...cost, nanoUsd: Math.round(cost.nanoUsd / 1000) * 1000 },
    })),
  },
  'an unknown cost is not a cost of zero': {
    'takes unknown for free': storingExecutions(({ cost }) => ({ cost: cost ?? { nanoUsd: 0, source: 'provider' } })),
    'takes free for unknown': storingExecutions(({ cost }) => ({ cost: cost?.nanoUsd ? cost : undefined })),
  },
  'tokens add up by class': {
    'adds reasoning to the output': storingExecutions(({ usage }) => ({
      usage: usage && { ...usage, outputTokens: usage.outputTokens + usage.reasoningTokens, reasoningTokens: 0 },
    })),
    'forgets the cache': storingExecutions(({ usage }) => ({ usage: usage && { ...usage, cacheReadTokens: 0 } })),
  },
  'ratings arrive': {
    'drops them': dropping('rating'),
    'counts a comment as a verdict of its own': storing((event) =>
      event.type === 'rating' && event.comment ? [event, { ...event, id: `${event.id}-comment` }] : event,
    ),
  },
  'the latest of several health scores stands': {
    'drops them': dropping('health'),
    'keeps the first': altered(({ write }) => {
      const known = new Set<string>();
      const isFirst = (event: AnalyticsEvent): boolean =>
        event.type !== 'health' || (!known.has(event.skillId) && known.add(event.skillId).size > 0);
      return { write: (events) => write(events.filter(isFirst)) };
    }),
    'takes zero for nothing': storing((event) => (event.type === 'health' && event.score === 0 ? [] : event)),
  },
  'what happens to toolkits arrives': {
    'drops it': dropping('toolkit'),
    'takes every operation for a success': storing((event) =>
      event.type === 'toolkit' ? { ...event, success: true } : event,
    ),
    'takes misses for hits': storing((event) =>
      event.type === 'toolkit' && event.operation === 'cache_miss' ? { ...event, operation: 'cache_hit' } : event,
    ),
  },
  'logged metrics arrive': {
    'drops them': dropping('metrics'),
    'keeps what is positive': storing((event) =>
      event.type === 'metrics'
        ? { ...event, values: Object.fromEntries(Object.entries(event.values).filter(([, value]) => value > 0)) }
        : event,
    ),
  },
  'the state of a run arrives': {
    'drops it': dropping('run'),
    'takes every end for a good one': storing((event) =>
      event.type === 'run' && event.state === 'failed' ? { ...event, state: 'finished' } : event,
    ),
  },
  'a later start of a run changes what it says, and keeps the rest': {
    'forgets the name': storing((event) => (event.type === 'run' ? { ...event, name: event.name ?? '' } : event)),
    'forgets the configuration': storing((event) =>
      event.type === 'run' ? { ...event, config: event.config ?? {} } : event,
    ),
    'forgets the tags': storing((event) => (event.type === 'run' ? { ...event, tags: event.tags ?? [] } : event)),
    'keeps the first name': firstStart('name'),
    'keeps the first configuration, if any': firstStart('config'),
    'shows none of it': () => {
      const subject = control();
      const observe = async () => {
        const { runs = [], ...rest } = await subject.observe();
        return { ...rest, runs: runs.map(({ runId, state }) => ({ runId, state })) };
      };
      return { ...subject, observe };
    },
  },
  'artifacts arrive': {
    'drops them': dropping('artifact'),
    'drops those without a path': storing((event) =>
      event.type === 'artifact' && event.path === undefined ? [] : event,
    ),
  },
  'every type of event is accepted': {
    'refuses artifacts': altered(({ write }) => ({
      write(events) {
        if (events.some(({ type }) => type === 'artifact')) {
          throw new AnalyticsError('EVENTS_REJECTED', 'artifacts are not supported');
        }
        return write(events);
      },
    })),
    'leaves the rest of a batch once it met a run': altered(({ write }) => ({
      write: (events) => write(events.slice(0, events.findIndex(({ type }) => type === 'run') + 1)),
    })),
  },
  'hostile names are kept apart and arrive unchanged': {
    'keeps letters and digits only': storingExecutions(({ name }) => ({ name: name.replaceAll(/\W/g, '_') })),
    'ignores the case': storingExecutions(({ name }) => ({ name: name.toLowerCase() })),
    'trims them': storingExecutions(({ name }) => ({ name: name.trim() })),
    'normalises Unicode': storingExecutions(({ name }) => ({ name: name.normalize() })),
    'cuts them at 255': storingExecutions(({ name }) => ({ name: name.slice(0, 255) })),
    'unescapes what was not escaped': storingExecutions(({ name }) => ({ name: name.replaceAll('\\n', '\n') })),
    'keeps them as keys of an object': storing((event) => {
      const byName: Record<string, AnalyticsEvent> = {};
      if (event.type === 'execution') {
        byName[event.name] = event;
        return Object.values(byName);
      }
      return event;
    }),
  },
  'attributes and fields of later versions disturb nothing': {
    'spreads attributes over the event': storing((event) => ({ ...event, ...event.attributes, id: event.id })),
    'refuses fields it does not know': altered(({ write }) => ({
      write(events) {
        if (events.some((event) => 'addedLater' in event)) {
          throw new AnalyticsError('EVENTS_REJECTED', 'no such column: addedLater');
        }
        return write(events);
      },
    })),
  },
};
