import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  AnalyticsError,
  type AnalyticsEvent,
  type AnalyticsReader,
  type Backend,
  type ExecutionEvent,
} from '@toolweaver/analytics-core';
import { execution, type Subject } from '@toolweaver/analytics-testkit';
import { type Control, control, encode, startServer, token } from './control.ts';

type Mutant = () => Subject;
type Events = readonly AnalyticsEvent[];

/** The control backend with some of its members replaced. */
function altered(change: (backend: Backend, subject: Control) => Partial<Backend>): Mutant {
  return () => {
    const subject = control();
    return { ...subject, backend: { ...subject.backend, ...change(subject.backend, subject) } };
  };
}

/** Delivers something else than what it was given. */
function storing(change: (event: AnalyticsEvent) => AnalyticsEvent | readonly AnalyticsEvent[]): Mutant {
  return altered(({ write, writeSync }) => ({
    write: (events) => write(events.flatMap(change)),
    writeSync: (events) => writeSync?.(events.flatMap(change)),
  }));
}

function storingExecutions(change: (event: ExecutionEvent) => object): Mutant {
  return storing((event) => (event.type === 'execution' ? { ...event, ...change(event) } : event));
}

/** Writes in its own way. */
function writing(write: (events: Events, subject: Control) => void | Promise<void>): Mutant {
  return altered((_, subject) => ({ write: (events) => write(events, subject) }));
}

/** Drops what the far side of a store without such events would not get. */
function dropping(...types: readonly AnalyticsEvent['type'][]): Mutant {
  return storing((event) => (types.includes(event.type) ? [] : event));
}

/** Answers wrongly. */
function reading(change: (reader: AnalyticsReader, subject: Control) => Partial<AnalyticsReader>): Mutant {
  return altered(({ reader }, subject) =>
    reader === undefined ? {} : { reader: { ...reader, ...change(reader, subject) } },
  );
}

/** Answers with some fields replaced. */
async function but<T extends object>(answer: Promise<T>, change: (answer: T) => Partial<T>): Promise<T> {
  const right = await answer;
  return { ...right, ...change(right) };
}

const unavailable = (message: string): AnalyticsError => new AnalyticsError('BACKEND_UNAVAILABLE', message);
const never = (): Promise<never> => new Promise(() => {});

/** Broken backends, by the law that has to find them. */
export const mutants: Readonly<Record<string, Readonly<Record<string, Mutant>>>> = {
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

  'the backend has a name, and delivery settings within range': {
    'has no name': altered(() => ({ name: ' ' })),
    'takes no event': altered(() => ({ delivery: { maxEvents: 0, maxDelayMs: 10 } })),
    'takes half an event': altered(() => ({ delivery: { maxEvents: 1.5, maxDelayMs: 10 } })),
    'waits for ever': altered(() => ({ delivery: { maxEvents: 10, maxDelayMs: Number.POSITIVE_INFINITY } })),
    'waits for less than nothing': altered(() => ({ delivery: { maxEvents: 10, maxDelayMs: -1 } })),
  },
  'an immediate write is done when it returns': {
    'is done later': altered(() => ({ delivery: 'immediate' })),
    'leaves it to a timer': altered(({ writeSync }) => ({
      delivery: 'immediate',
      write(events) {
        setTimeout(() => writeSync?.(events), 50).unref();
      },
    })),
  },
  'the settings are plain data': {
    'shows a function': altered(() => ({ settings: { format: (() => 'x') as unknown as string } })),
    'shows a date': altered(() => ({ settings: { since: new Date() as unknown as string } })),
    'shows what is not there': altered(() => ({ settings: { url: undefined as unknown as null } })),
    'shows a number that JSON does not know': altered(() => ({ settings: { nested: [{ limit: Number.NaN }] } })),
  },
  'the largest batch arrives whole': {
    'has room for 99': altered(({ write }) => ({ write: (events) => write(events.slice(0, 99)) })),
    'takes 100 for the limit of a larger one': altered(({ write }) => ({
      delivery: { maxEvents: 5000, maxDelayMs: 10 },
      write: (events) => write(events.slice(0, 4096)),
    })),
    'loses count when events come one by one': altered((_, { server }) => {
      let written = 0;
      return {
        delivery: 'immediate',
        write(events) {
          written += 1;
          if (written < 9000) {
            server.post(encode(events));
          }
        },
      };
    }),
  },
  'batches add up in order': {
    'keeps the last batch only': () => {
      const subject = control();
      let last = startServer();
      return {
        ...subject,
        observe: () => control(last).observe(),
        backend: {
          ...subject.backend,
          write(events) {
            last = startServer();
            last.post(encode(events));
          },
        },
      };
    },
    'keeps the time of the first batch': altered(({ write }) => {
      let at: number | undefined;
      return {
        write(events) {
          at ??= events[0]?.at ?? 0;
          const late = at;
          return write(events.map((event, index) => ({ ...event, at: late - index - (event.at - late) })));
        },
      };
    }),
  },
  'an event that is delivered again counts once': {
    'makes ids of its own': storing((event) => ({ ...event, id: crypto.randomUUID() })),
    'remembers the last batch only': altered(({ write }) => {
      let last = new Set<string>();
      let deliveries = 0;
      return {
        async write(events) {
          deliveries += 1;
          const repeated = last;
          last = new Set(events.map(({ id }) => id));
          await write(
            events.map((event) => (repeated.has(event.id) ? event : { ...event, id: `${deliveries}-${event.id}` })),
          );
        },
      };
    }),
  },
  'write leaves the events and the batch as they were': {
    'takes events out of the batch': altered(({ write }) => ({
      async write(events) {
        const batch = events as AnalyticsEvent[];
        await write([...batch]);
        batch.splice(0);
      },
    })),
    'sorts the batch': altered(({ write }) => ({
      write: (events) => write((events as AnalyticsEvent[]).sort((one, other) => (one.type < other.type ? -1 : 1))),
    })),
    'stamps the events': altered(({ write }) => ({
      write(events) {
        for (const event of events) {
          Object.assign(event, { deliveredAt: 1 });
        }
        return write(events);
      },
    })),
    'encrypts bytes in place': altered(({ write }) => ({
      async write(events) {
        await write(events);
        for (const event of events) {
          if (event.type === 'artifact') {
            event.bytes?.fill(0);
          }
        }
      },
    })),
  },
  'write keeps no reference to the batch': {
    'sends the array when it is flushed': altered((_, { server }) => {
      const kept: Events[] = [];
      return {
        async write(events) {
          kept.push(events);
        },
        async flush() {
          for (const events of kept.splice(0)) {
            server.post(encode(events));
          }
        },
      };
    }),
  },
  'flush delivers what write accepted': {
    'sends in full dozens': altered((_, { server }) => {
      const kept: AnalyticsEvent[] = [];
      return {
        async write(events) {
          kept.push(...events);
          while (kept.length >= 12) {
            server.post(encode(kept.splice(0, 12)));
          }
        },
      };
    }),
    'does not wait for it': altered((_, { server }) => ({
      async write(events) {
        void sleep(100, undefined, { ref: false }).then(() => server.post(encode(events)));
      },
    })),
  },
  'a second flush adds nothing': {
    'sends the last batch again': altered(({ write }) => {
      let last: Events = [];
      let flushes = 0;
      return {
        write(events) {
          last = [...events];
          return write(events);
        },
        async flush() {
          flushes += 1;
          await write(last.map((event) => ({ ...event, id: `${event.id}-${flushes}` })));
        },
      };
    }),
    'counts its flushes as executions': altered(({ write }) => ({
      flush: async () => write([execution({ kind: 'operation', name: 'flush' })]),
    })),
  },
  'flush and check end when they are called off, and lose nothing': {
    'flushes for ever': altered(({ flush }) => ({
      flush: (signal) => (signal.aborted ? never() : flush?.(signal)) ?? Promise.resolve(),
    })),
    'probes for ever': altered(({ check }) => ({
      check: (signal) => (signal.aborted ? never() : check?.(signal)) ?? Promise.resolve(),
    })),
    'throws away what it could not flush': altered((_, { server }) => {
      let kept: AnalyticsEvent[] = [];
      return {
        async write(events) {
          kept.push(...events);
        },
        async flush(signal) {
          const events = kept;
          kept = [];
          signal.throwIfAborted();
          if (events.length > 0) {
            server.post(encode(events));
          }
        },
      };
    }),
  },
  'check and flush disturb no write that is under way': {
    'loses a write when it is probed': altered(({ write }) => {
      let probed = false;
      return {
        async write(events) {
          probed = false;
          await sleep(5);
          await (probed ? undefined : write(events));
        },
        async check() {
          probed = true;
        },
      };
    }),
    'does one thing at a time': altered(({ write }) => {
      let busy = false;
      return {
        async write(events) {
          busy = true;
          await write(events);
          busy = false;
        },
        async flush() {
          if (busy) {
            throw unavailable('busy');
          }
        },
      };
    }),
  },
  'writeSync delivers before it returns': {
    'delivers a little later': altered(({ write }) => ({
      writeSync: (events) => {
        void sleep(50, undefined, { ref: false }).then(() => write([...events]));
      },
    })),
  },
  'writeSync of a batch whose write is under way counts once': {
    'gives the copies ids of their own': altered((_, { server }) => ({
      writeSync: (events) => server.post(encode(events.map((event) => ({ ...event, id: `${event.id}-exit` })))),
    })),
    'leaves it to the write': altered(({ write, writeSync }) => {
      let writing = false;
      return {
        async write(events) {
          writing = true;
          await sleep(50);
          await write(events);
          writing = false;
        },
        writeSync: (events) => (writing ? undefined : writeSync?.(events)),
      };
    }),
  },

  'check resolves while the far side is well': {
    'is never well': altered(() => ({ check: () => Promise.reject(unavailable('never')) })),
    'probes with an event': altered(({ write }) => ({ check: async () => write([execution({ name: 'probe' })]) })),
  },
  'check rejects while the far side is broken': {
    'is always well': altered(() => ({ check: async () => {} })),
    'cannot be asked': () => {
      const { backend, ...subject } = control();
      const { check: _, ...unchecked } = backend;
      return { ...subject, backend: unchecked };
    },
  },
  'check resolves again once the far side is repaired': {
    'remembers the first answer': altered(({ check }) => {
      let answer: Promise<void> | undefined;
      return {
        check(signal) {
          answer ??= check?.(signal) ?? Promise.resolve();
          return answer;
        },
      };
    }),
  },
  'a delivery to a broken far side rejects with an AnalyticsError': {
    'passes on what it caught': writing((events, { server }) => server.post(encode(events))),
    'says nothing': writing((events, { server }) => {
      if (server.up) {
        server.post(encode(events));
      }
    }),
  },
  'the error of a broken far side is one that core tries again': {
    'takes a broken connection for its own fault': altered(({ write }) => ({
      write: async (events) =>
        write(events)?.catch((cause: unknown) => {
          throw new AnalyticsError('INTERNAL', 'failed', { cause });
        }),
    })),
    'takes it for a fault of the events': altered(({ write }) => ({
      write: async (events) =>
        write(events)?.catch((cause: unknown) => {
          throw new AnalyticsError('EVENTS_REJECTED', 'failed', { cause });
        }),
    })),
  },
  'what write refused never reaches the far side': {
    'keeps it for later': altered(({ write }, { server }) => {
      const kept: AnalyticsEvent[] = [];
      return {
        async write(events) {
          kept.push(...events);
          await write(events);
          kept.splice(0);
        },
        async flush() {
          if (kept.length > 0 && server.up) {
            server.post(encode(kept.splice(0)));
          }
        },
      };
    }),
    'gives up in the middle': writing(async (events, { server }) => {
      const wasUp = server.up;
      server.up = true;
      server.post(encode(wasUp ? events : events.slice(0, 1)));
      server.up = wasUp;
      if (!wasUp) {
        throw unavailable('the second half failed');
      }
    }),
  },
  'a failed delivery arrives once when it is made again': {
    'thinks that it has been delivered': altered(({ write }) => {
      const known = new Set<string>();
      return {
        async write(events) {
          const unknown = events.filter(({ id }) => !known.has(id));
          for (const { id } of unknown) {
            known.add(id);
          }
          await (unknown.length > 0 ? write(unknown) : undefined);
        },
      };
    }),
    'never recovers': altered(({ write }) => {
      let broken = false;
      return {
        async write(events) {
          if (broken) {
            throw unavailable('still');
          }
          await write(events)?.catch((error: unknown) => {
            broken = true;
            throw error;
          });
        },
      };
    }),
    'queues it as well': altered(({ write }) => {
      const queued: AnalyticsEvent[] = [];
      return {
        async write(events) {
          try {
            await write([...queued.splice(0), ...events]);
          } catch (error) {
            queued.push(...events.map((event) => ({ ...event, id: `${event.id}-queued` })));
            throw error;
          }
        },
      };
    }),
  },
  'close resolves although the far side is broken': {
    'tells of it': altered(({ check }) => ({ close: () => check?.(new AbortController().signal) as Promise<void> })),
    'waits for better days': altered((_, { server }) => ({
      async close() {
        await (server.up ? undefined : never());
      },
    })),
  },
  'no error shows a secret': {
    'names the token': altered(() => ({
      write: () => Promise.reject(unavailable(`401 for Bearer ${token}`)),
    })),
    'hands on the request': altered((_, { server }) => ({
      async write(events) {
        try {
          server.post(encode(events));
        } catch (error) {
          throw new AnalyticsError('BACKEND_UNAVAILABLE', 'failed', {
            cause: Object.assign(error as Error, { request: { headers: { authorization: token } } }),
          });
        }
      },
    })),
  },

  'two backends share nothing': {
    'shares the far side': (() => {
      const server = startServer();
      return () => control(server);
    })(),
    'shares its ids': (() => {
      const ids = new Set<string>();
      return storing((event) => (ids.has(event.id) ? [] : ids.add(event.id) && event));
    })(),
    'is closed with the other one': (() => {
      let closed = false;
      return altered(({ write }) => ({
        write(events) {
          if (closed) {
            throw new AnalyticsError('CLOSED', 'closed');
          }
          return write(events);
        },
        async close() {
          closed = true;
        },
      }));
    })(),
  },
  'close delivers what write accepted': {
    'leaves it to flush': altered((_, { server }) => {
      const kept: AnalyticsEvent[] = [];
      return {
        async write(events) {
          kept.push(...events);
        },
        async flush() {
          if (kept.length > 0) {
            server.post(encode(kept.splice(0)));
          }
        },
      };
    }),
  },
  'closing during a write leaves all of it or nothing': {
    'stops in the middle': altered((_, { server }) => {
      let closed = false;
      return {
        async write(events) {
          server.post(encode(events.slice(0, 10)));
          await sleep(5);
          if (closed) {
            throw new AnalyticsError('CLOSED', 'closed');
          }
          server.post(encode(events));
        },
        async close() {
          closed = true;
        },
      };
    }),
    'waits for ever': altered(() => {
      let end = (): void => {};
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      return { write: () => ended, close: () => ended.then(end) };
    }),
  },
  'what was delivered outlives the backend': {
    'starts from nothing': () => {
      let server = startServer();
      return {
        ...control(server),
        observe: () => control(server).observe(),
        reopen() {
          server = startServer();
          return control(server).backend;
        },
      };
    },
    'cannot go on': () => ({
      ...control(),
      reopen: () => ({ ...control().backend, write: () => Promise.reject(unavailable('locked by nobody')) }),
    }),
  },
  'an event that is delivered again after a restart counts once': {
    'makes ids of its own': () => {
      const subject = control();
      const { server, backend } = subject;
      return {
        ...subject,
        reopen: () => ({
          ...backend,
          write: async (events) => server.post(encode(events.map((event) => ({ ...event, id: `${event.id}-2` })))),
        }),
      };
    },
  },
  'close leaves nothing behind: no handle, timer, worker or process listener': {
    'leaves a timer': altered(() => {
      setTimeout(() => {}, 2000);
      return {};
    }),
    'leaves a worker': altered(() => {
      new Worker('setTimeout(() => {}, 2000)', { eval: true }).unref();
      return {};
    }),
    'leaves a listener': altered(() => {
      process.on('beforeExit', () => {});
      return {};
    }),
  },
  'neither the settings nor the backend show a secret': {
    'shows it in the settings': altered(() => ({ settings: { dsn: `http://user:${token}@127.0.0.1` } })),
    'carries it as a property': altered(() => ({ options: { token } }) as Partial<Backend>),
    'hides it from listings only': altered(() => ({
      settings: Object.defineProperty({}, 'token', { value: token, enumerable: false }),
    })),
  },
  'nothing is printed': {
    'greets, if it is not the first': (() => {
      let made = 0;
      return altered(() => {
        made += 1;
        if (made > 1) {
          console.info('connected');
        }
        return {};
      });
    })(),
    'writes to stdout': altered(({ write }) => ({
      write(events) {
        process.stdout.write(`${events.length} events\n`);
        return write(events);
      },
    })),
    'complains about a broken far side': altered(({ write }) => ({
      write: async (events) =>
        write(events)?.catch((error: unknown) => {
          console.error('delivery failed', error);
          throw error;
        }),
    })),
    warns: altered(() => ({
      async check() {
        process.emitWarning('slow today');
      },
    })),
    'has a talkative worker': altered(() => {
      const worker = new Worker('console.log("ready")', { eval: true, stdout: true });
      return {
        async close() {
          await new Promise((resolve) => worker.once('exit', resolve));
        },
      };
    }),
  },
  'nothing is thrown but by its methods': {
    'forgets a promise': altered(({ write }) => ({
      write(events) {
        // On purpose without a catch.
        const writing = write([...events]);
        void writing;
        return writing;
      },
      async check() {
        void Promise.reject(new Error('nobody waits for this'));
      },
    })),
    'throws in a timer': altered(() => ({
      async check() {
        setTimeout(() => {
          throw new Error('too late');
        }, 1);
      },
    })),
    'emits an error that nobody hears': altered((_, { server }) => ({
      async check() {
        if (!server.up) {
          setImmediate(() => new EventEmitter().emit('error', new Error('socket hang up')));
        }
      },
    })),
  },

  'the summary agrees with the far side': {
    'counts each sampled execution once': reading((reader, { server }) => ({
      summary: (options) => but(reader.summary(options), () => ({ executions: server.rows().length })),
    })),
    'forgets the cost': reading((reader) => ({
      summary: (options) => but(reader.summary(options), () => ({ totalCostUsd: 0 })),
    })),
    'counts two classes of tokens': reading((reader) => ({
      summary: (options) => but(reader.summary(options), ({ totalTokens }) => ({ totalTokens: totalTokens - 4 * 92 })),
    })),
    'takes those that asked no cache for misses': reading((reader) => ({
      summary: (options) => but(reader.summary(options), () => ({ cacheHitRate: 3 / 14 })),
    })),
    'has the fastest for the slowest': reading((reader) => ({
      summary: (options) => but(reader.summary(options), ({ slowest }) => ({ slowest: slowest.toReversed() })),
    })),
    'leaves out agents': reading((reader) => ({
      summary: (options) =>
        but(reader.summary(options), ({ names }) => ({ names: names.filter(({ kind }) => kind !== 'agent') })),
    })),
    'counts failures of a known type only': reading((reader) => ({
      summary: (options) =>
        but(reader.summary(options), ({ failuresByType }) => ({
          failuresByType: failuresByType.filter(({ errorType }) => errorType !== 'unknown'),
        })),
    })),
    'is off by two percent at the median': reading((reader) => ({
      summary: (options) =>
        but(reader.summary(options), ({ latencyMs }) => ({
          latencyMs: { ...latencyMs, p50: (latencyMs.p50 ?? 0) * 1.02 },
        })),
    })),
  },
  'the summary of nothing has zeros and nulls': {
    'takes nothing for free': reading((reader) => ({
      summary: (options) => but(reader.summary(options), () => ({ totalCostUsd: 0 })),
    })),
    'divides by zero': reading((reader) => ({
      summary: (options) => but(reader.summary(options), () => ({ successRate: Number.NaN })),
    })),
  },
  'the usage of a skill agrees with the far side': {
    'counts users by execution': reading((reader) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), ({ executions }) => ({ uniqueUsers: executions })),
    })),
    'averages the unknown as zero': reading((reader) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), ({ latencyMs }) => ({
          latencyMs: { ...latencyMs, average: (latencyMs.average ?? 0) * (7.5 / 8.5) },
        })),
    })),
    'takes the last one recorded for the latest': reading((reader, { server }) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), () => ({ lastUsedAt: server.rows().at(-1)?.at ?? null })),
    })),
    'looks at a week': reading((reader) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), ({ to = 0 }) => ({ from: to - 7 * 86_400_000 })),
    })),
  },
  'the usage of a skill is that of its window and its organisation': {
    'forgets the window': reading((reader) => ({
      getSkillUsage: (skillId, options) => reader.getSkillUsage(skillId, { ...options, days: 30 }),
    })),
    'forgets the organisation': reading((reader) => ({
      getSkillUsage: (skillId, options) => reader.getSkillUsage(skillId, { ...options, orgId: undefined }),
    })),
  },
  'a skill that nobody used has zeros and nulls': {
    'takes a tool for it': reading((reader) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), () => ({ executions: 1, successes: 1, successRate: 1 })),
    })),
    'knows nothing of it': reading(() => ({ getSkillUsage: () => Promise.reject(new Error('not found')) })),
    'has a latency of zero': reading((reader) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), ({ latencyMs }) => ({ latencyMs: { ...latencyMs, average: 0 } })),
    })),
  },
  'the leaderboard ranks by each of its metrics': {
    'has the slowest first': reading((reader) => ({
      getLeaderboard: async (options) => {
        const board = await reader.getLeaderboard(options);
        return options?.metric === 'latency'
          ? board.toReversed().map((entry, at) => ({ ...entry, rank: at + 1 }))
          : board;
      },
    })),
    'ranks from zero': reading((reader) => ({
      getLeaderboard: async (options) =>
        (await reader.getLeaderboard(options)).map((entry) => ({ ...entry, rank: entry.rank - 1 })),
    })),
    'forgets the period': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ ...options, period: 'all' }),
    })),
    'forgets the limit': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ ...options, limit: 1000 }),
    })),
    'knows skills only': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ ...options, kind: 'skill' }),
    })),
    'leaves out what was only rated': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ minExecutions: 1, ...options }),
    })),
  },
  'every execution is listed once, newest first, page by page': {
    'lists in the order of recording': reading((reader, { server }) => ({
      listExecutions: async (filter, cursor) => {
        const page = await reader.listExecutions(filter, cursor);
        const order = server.rows().map(({ id }) => id);
        return {
          ...page,
          executions: page.executions.toSorted((one, other) => order.indexOf(one.id) - order.indexOf(other.id)),
        };
      },
    })),
    'repeats the last one of a page': reading((reader) => ({
      listExecutions: async (filter, cursor) => {
        const page = await reader.listExecutions(filter, cursor);
        return page.nextCursor === undefined ? page : { ...page, nextCursor: String(Number(page.nextCursor) - 1) };
      },
    })),
    'loses a field': reading((reader) => ({
      listExecutions: async (filter, cursor) => {
        const page = await reader.listExecutions(filter, cursor);
        return { ...page, executions: page.executions.map((one) => ({ ...one, attributes: undefined })) };
      },
    })),
    'never ends': reading((reader) => ({
      listExecutions: async (filter) => ({ ...(await reader.listExecutions(filter)), nextCursor: '0' }),
    })),
  },
  'the list of executions keeps to its filter': Object.fromEntries(
    (['kind', 'name', 'success', 'errorType', 'orgId', 'userId', 'runId', 'from', 'to'] as const).map((field) => [
      `forgets \`${field}\``,
      reading((reader) => ({
        listExecutions: (filter, cursor) => reader.listExecutions({ ...filter, [field]: undefined }, cursor),
      })),
    ]),
  ),
  'the reader sees what was just written': {
    'remembers its first answer': reading((reader) => {
      let answer: ReturnType<AnalyticsReader['summary']> | undefined;
      return {
        summary(options) {
          answer ??= reader.summary(options);
          return answer;
        },
      };
    }),
  },
  'the reader refuses wrong options and names all of them': {
    'takes what it gets': reading((reader) => ({
      getSkillUsage: (skillId) => reader.getSkillUsage(skillId),
    })),
    'throws a TypeError': reading(() => ({
      summary: () => Promise.reject(new TypeError('Invalid time value')),
    })),
    'names the first problem': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ ...options, metric: undefined }),
    })),
    'starts again at an unknown cursor': reading((reader) => ({
      listExecutions: (filter) => reader.listExecutions(filter),
    })),
  },
};
