import type { AsyncLocalStorage } from 'node:async_hooks';
import { optionalObject, requiredObject } from './check.ts';
import type { Context, Run, RunOptions } from './client.ts';
import type { ArtifactInput, EventInput, RunInput } from './input.ts';
import { cleanId } from './text.ts';

export interface Runs {
  startRun(options?: RunOptions): Run;
  trackRun<T>(options: RunOptions, fn: (run: Run) => T | PromiseLike<T>): Promise<T>;
}

export interface RunsOptions {
  readonly context: AsyncLocalStorage<Context>;
  readonly newId: () => string;
  /** Records what `make` returns. Never throws, whatever `make` does. */
  readonly record: (make: () => EventInput) => void;
}

export function createRuns({ context, newId, record }: RunsOptions): Runs {
  function startRun(options?: RunOptions): Run {
    const id = givenId(options) ?? newId();
    let finished = false;
    record(() => {
      // An id that was given and cannot be used is refused like any other wrong field.
      const { id: given, ...more } = optionalObject(options, 'options');
      return { ...more, type: 'run', runId: (given ?? '') === '' ? id : given, state: 'started' } as RunInput;
    });
    return {
      id,
      within: (fn) => context.run({ ...context.getStore(), runId: id }, fn),
      logMetrics(values, metricsOptions) {
        record(() => ({ ...optionalObject(metricsOptions, 'options'), type: 'metrics', values, runId: id }));
      },
      logArtifact(artifact) {
        record(() => ({ ...requiredObject(artifact, 'artifact'), type: 'artifact', runId: id }) as ArtifactInput);
      },
      finish(finish) {
        if (!finished) {
          finished = true;
          record(() => ({ type: 'run', runId: id, state: finish?.state ?? 'finished', summary: finish?.summary }));
        }
      },
    };
  }

  return {
    startRun,
    async trackRun(options, fn) {
      const run = startRun(options);
      try {
        const value = await run.within(() => fn(run));
        run.finish();
        return value;
      } catch (thrown) {
        run.finish({ state: 'failed' });
        throw thrown;
      }
    },
  };
}

function givenId(options: RunOptions | undefined): string | undefined {
  try {
    const id: unknown = options?.id;
    return typeof id === 'string' && id.trim() !== '' ? cleanId(id) : undefined;
  } catch {
    // The options' own getter throws: recording them, which is refused for the same reason, reports it.
    return undefined;
  }
}
