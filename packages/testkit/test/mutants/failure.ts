import { AnalyticsError, type AnalyticsEvent } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import { type Control, control, encode, token } from '../control/control.ts';
import { altered, type Mutant, type Mutants, never, unavailable } from './altered.ts';

/** Writes in its own way. */
function writing(write: (events: readonly AnalyticsEvent[], subject: Control) => void | Promise<void>): Mutant {
  return altered((_, subject) => ({ write: (events) => write(events, subject) }));
}

/** Keeps what was refused, and delivers it then. */
function keeping(until: 'flush' | 'close'): Mutant {
  return altered(({ write, close }, { server }) => {
    const kept: AnalyticsEvent[] = [];
    const deliver = async (): Promise<void> => {
      if (kept.length > 0 && server.up) {
        server.post(encode(kept.splice(0)));
      }
    };
    return {
      async write(events) {
        kept.push(...events);
        await write(events);
        kept.splice(0);
      },
      ...(until === 'flush' ? { flush: deliver } : { close: () => deliver().then(close) }),
    };
  });
}

export const failureMutants: Mutants = {
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
    'keeps it for later': keeping('flush'),
    'tries it again by itself': writing(async (events, { server }) => {
      try {
        server.post(encode(events));
      } catch (thrown) {
        const again = setInterval(() => {
          if (server.up) {
            clearInterval(again);
            server.post(encode(events));
          }
        }, 20).unref();
        throw thrown;
      }
    }),
    'delivers it when it closes': keeping('close'),
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
};
