import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { AnalyticsError, type AnalyticsEvent, type Backend } from '@toolweaver/analytics-core';
import { tally } from '@toolweaver/analytics-testkit';
import { control, encode, startServer, token } from '../control/control.ts';
import { altered, type Mutant, type Mutants, storing, unavailable } from './altered.ts';

/** Never closes its connection to a server, which the subject stops. */
function connected(when: 'at once' | 'at its first write', canReopen = false): Mutant {
  return async () => {
    const { reopen: _, ...subject } = control();
    const accepted = new Set<Socket>();
    const server = createServer((socket) => accepted.add(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const connect = async (): Promise<void> => {
      const { port } = server.address() as AddressInfo;
      await once(createConnection(port, '127.0.0.1'), 'connect');
    };
    const open = async (): Promise<Backend> => {
      let connection = when === 'at once' ? await connect().then(() => true) : false;
      const { write } = subject.backend;
      return {
        ...subject.backend,
        async write(events) {
          if (!connection) {
            connection = true;
            await connect();
          }
          await write(events);
        },
      };
    };
    return {
      ...subject,
      backend: await open(),
      ...(canReopen && { reopen: open }),
      dispose() {
        server.close();
        for (const socket of accepted) {
          socket.destroy();
        }
      },
    };
  };
}

export const lifeMutants: Mutants = {
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
    'takes nothing once the other one is closed': (() => {
      let closed = false;
      return altered(({ write }) => ({
        write: async (events) => (closed ? undefined : write(events)),
        async close() {
          closed = true;
        },
      }));
    })(),
    'has nothing left once it is closed': () => {
      const subject = control();
      let closed = false;
      return {
        ...subject,
        observe: () => (closed ? tally([]) : subject.observe()),
        backend: {
          ...subject.backend,
          async close() {
            closed = true;
          },
        },
      };
    },
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
  'closing returns at once, and what comes after it is delivered': {
    'returns a promise': altered(() => ({ closing: () => sleep(1) as never })),
    'takes nothing more': altered((backend) => {
      let isClosing = false;
      return {
        closing() {
          isClosing = true;
        },
        write: async (events) => (isClosing ? undefined : backend.write(events)),
      };
    }),
    throws: altered(() => ({
      closing() {
        throw new Error('not today');
      },
    })),
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
    'has nothing until it is written to': () => {
      const subject = control();
      let opened = true;
      return {
        ...subject,
        observe: () => (opened ? subject.observe() : tally([])),
        reopen() {
          opened = false;
          return {
            ...subject.backend,
            write(events) {
              opened = true;
              return subject.backend.write(events);
            },
          };
        },
      };
    },
    'starts from nothing once it is written to': () => {
      let server = startServer();
      return {
        ...control(server),
        observe: () => control(server).observe(),
        reopen: () => ({
          ...control(server).backend,
          write(events) {
            server = startServer();
            return control(server).backend.write(events);
          },
        }),
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
    'leaves the connection of its first write to the server, which ends it': connected('at its first write'),
    'leaves the connection that it began with, where it can be opened again': connected('at once', true),
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
    'has a talkative worker': altered(({ write }) => {
      const ended = once(new Worker('console.log("ready")', { eval: true, stdout: true }), 'exit');
      return {
        async write(events) {
          await ended;
          await write(events);
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
};
