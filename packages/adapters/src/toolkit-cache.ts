import type { Analytics } from '@toolweaver/analytics-core';
import { checkOptions, configError } from '@toolweaver/analytics-core/backend';
import { checkClient } from './client.ts';
import { createLifecycle } from './lifecycle.ts';
import { checkToolkit, endNames, wrapToolkit } from './toolkit.ts';
import { checkToolkitOptions, isName, type ToolkitOptions, toolkitOptionNames } from './toolkit-options.ts';

/** Toolkits by name, each made once, and tracked as by `trackToolkit`. One that its user has ended is let go. */
export interface ToolkitCache {
  /** The toolkit of this name (`cache_hit`), or else (`cache_miss`) the one that `make` makes (`create`); failures are not kept. */
  get<T extends object>(name: string, make: () => T | PromiseLike<T>): Promise<T>;
  /** Lets the toolkit go, and ends it (`cleanup`); does nothing for an unknown name. Rejects if ending it fails. */
  delete(name: string): Promise<void>;
  /** Lets all go, and ends them; rejects with the first failure, after all have ended. */
  close(): Promise<void>;
}

/** @throws AnalyticsError `INVALID_CONFIG` with every problem of the options. */
export function createToolkitCache(analytics: Analytics, options: ToolkitOptions = {}): ToolkitCache {
  checkClient(analytics);
  checkOptions(options, toolkitOptionNames, checkToolkitOptions);
  const made = new Map<string, Promise<{ readonly toolkit: object; readonly tracked: object }>>();

  async function end(name: string): Promise<void> {
    const making = made.get(name);
    made.delete(name);
    const found = await making?.catch(() => undefined);
    if (found) {
      const toolkit = found.toolkit as Readonly<Record<PropertyKey, unknown>>;
      const endName = endNames.find((one) => typeof toolkit[one] === 'function');
      await createLifecycle(analytics, name, options).during('cleanup', async () => {
        await (endName && (toolkit[endName] as () => unknown)());
      });
    }
  }

  return {
    async get<T extends object>(name: string, make: () => T | PromiseLike<T>): Promise<T> {
      if (!isName(name)) {
        throw configError([{ field: 'name', message: 'must be a non-blank string' }]);
      }
      if (typeof make !== 'function') {
        throw configError([{ field: 'make', message: 'must be a function' }]);
      }
      const lifecycle = createLifecycle(analytics, name, options);
      const startedMs = performance.now();
      const known = made.get(name);
      if (known) {
        const { tracked } = await known;
        lifecycle.happened('cache_hit', startedMs);
        return tracked as T;
      }
      lifecycle.happened('cache_miss', startedMs);
      const forget = (): void => {
        if (made.get(name) === making) {
          made.delete(name);
        }
      };
      const making = lifecycle.during('create', async () => {
        const toolkit = await make();
        checkToolkit('make()', toolkit);
        return { toolkit, tracked: wrapToolkit(analytics, toolkit, { ...options, name }, forget) };
      });
      made.set(name, making);
      making.catch(forget);
      return (await making).tracked as T;
    },
    delete: end,
    async close() {
      const ended = await Promise.allSettled([...made.keys()].map(end));
      for (const one of ended) {
        if (one.status === 'rejected') {
          throw one.reason;
        }
      }
    },
  };
}
