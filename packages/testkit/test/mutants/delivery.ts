import { setTimeout as sleep } from 'node:timers/promises';
import { AnalyticsError, type AnalyticsEvent } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import { control, encode, startServer } from '../control/control.ts';
import { altered, type Mutants, never, storing, unavailable } from './altered.ts';

export const deliveryMutants: Mutants = {
  'the backend has a name, and delivery settings within range': {
    'has no name': altered(() => ({ name: ' ' })),
    'takes no event': altered(() => ({ delivery: { maxEvents: 0, maxDelayMs: 10 } })),
    'takes half an event': altered(() => ({ delivery: { maxEvents: 1.5, maxDelayMs: 10 } })),
    'waits for ever': altered(() => ({ delivery: { maxEvents: 10, maxDelayMs: Number.POSITIVE_INFINITY } })),
    'waits for less than nothing': altered(() => ({ delivery: { maxEvents: 10, maxDelayMs: -1 } })),
  },
  'an immediate write is done when it returns': {
    'is done later': altered(() => ({ delivery: 'immediate' })),
    'is done, and returns a promise': altered(({ writeSync }) => ({
      delivery: 'immediate',
      write: async (events) => writeSync?.(events),
    })),
    'leaves it to a timer': altered(({ writeSync }) => ({
      delivery: 'immediate',
      write(events) {
        setTimeout(() => writeSync?.(events), 50).unref();
      },
    })),
  },
  'a counting backend needs neither ids nor times': {
    'tells executions apart by their ids': altered(() => ({ delivery: 'counting' })),
    'counts only what is new': altered(({ write }) => ({
      delivery: 'counting',
      write: (events) =>
        write(events.filter(({ at }) => at > 0).map((event) => ({ ...event, id: crypto.randomUUID() }))),
    })),
  },
  'a counting backend asks for the latest events before it shows anything': {
    'shows what it has': altered(({ writeSync }) => ({
      delivery: 'counting',
      write: (events) => writeSync?.(events),
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
  'an event that is in a batch twice counts once, and the batch is accepted': {
    'refuses such a batch': altered(({ write }) => ({
      write(events) {
        if (new Set(events.map(({ id }) => id)).size < events.length) {
          throw new AnalyticsError('EVENTS_REJECTED', 'duplicate key value violates unique constraint');
        }
        return write(events);
      },
    })),
    'looks only at earlier batches': altered(({ write }) => {
      const known = new Set<string>();
      return {
        async write(events) {
          const unknown = events.filter(({ id }) => !known.has(id));
          const ids = new Set<string>();
          await write(
            unknown.map((event) => (ids.size < ids.add(event.id).size ? event : { ...event, id: crypto.randomUUID() })),
          );
          for (const { id } of events) {
            known.add(id);
          }
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
      const kept: (readonly AnalyticsEvent[])[] = [];
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
      let last: readonly AnalyticsEvent[] = [];
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
};
