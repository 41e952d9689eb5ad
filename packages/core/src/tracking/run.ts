import type { AsyncLocalStorage } from 'node:async_hooks';
import type { FinishOptions, Run, RunOptions } from '../client.ts';
import type { JsonObject } from '../events/event.ts';
import type { ArtifactInput, EventInput, MetricsInput, RunInput } from '../events/input.ts';
import {
  choice,
  optionalJson,
  optionalObject,
  refuse,
  refuseValue,
  requiredObject,
  requiredText,
} from '../values/check.ts';
import { cleanId } from '../values/text.ts';
import type { Surroundings } from './context.ts';

export interface Runs {
  startRun(options?: RunOptions): Run;
  trackRun<T>(options: RunOptions, fn: (run: Run) => T | PromiseLike<T>): Promise<T>;
}

export interface RunsOptions {
  readonly context: AsyncLocalStorage<Surroundings>;
  readonly newId: () => string;
  /** Records what `make` returns: whole, or if that is invalid, without its details. Never throws, even if `make` does. */
  readonly record: (make: (isWhole: boolean) => EventInput) => void;
}

export function createRuns({ context, newId, record }: RunsOptions): Runs {
  function startRun(options?: RunOptions): Run {
    const id = givenId(options) ?? newId();
    let finished = false;
    let config: JsonObject | undefined;
    record((isWhole) => {
      // An unusable id is refused like any other wrong field.
      const { id: given, runId, ...more } = optionalObject(options, 'options');
      if (isWhole && runId !== undefined) {
        refuse('runId', 'is not an option of startRun: it is called id');
      }
      const { name, project } = more;
      config = isWhole ? optionalJson(more['config'], 'config') : undefined;
      const details = isWhole ? more : { name: stringOf(name), project: stringOf(project) };
      return { ...details, type: 'run', runId: (given ?? '') === '' ? id : given, state: 'started' } as RunInput;
    });
    return {
      id,
      within: (fn) => context.run({ ...context.getStore(), runId: id }, fn),
      logMetrics(values, metricsOptions) {
        record(
          () => ({ ...optionalObject(metricsOptions, 'options'), type: 'metrics', values, runId: id }) as MetricsInput,
        );
      },
      logParam(name, value) {
        if (finished) {
          return;
        }
        record(() => {
          const param = requiredText(name, 'name');
          // Backends replace a run's config by its latest, so each event has the whole.
          const more = optionalJson({ ...config, [param]: value }, 'config');
          if (more === undefined || !Object.hasOwn(more, param)) {
            return refuseValue(value, 'value', 'JSON data');
          }
          config = more;
          return { type: 'run', runId: id, state: 'started', config };
        });
      },
      logArtifact(artifact) {
        record(() => ({ ...requiredObject(artifact, 'artifact'), type: 'artifact', runId: id }) as ArtifactInput);
      },
      finish(end) {
        if (finished) {
          return;
        }
        record((isWhole) => {
          const given: FinishOptions = typeof end === 'string' ? { state: end } : optionalObject(end, 'end');
          const state = choice(given.state ?? 'finished', 'state', ['finished', 'failed']);
          finished = true;
          // An `id` in the options of a run is the run's, not the event's.
          return { ...(isWhole && given), id: undefined, type: 'run', runId: id, state };
        });
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
        run.finish('failed');
        throw thrown;
      }
    },
  };
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function givenId(options: RunOptions | undefined): string | undefined {
  try {
    const id: unknown = options?.id;
    return typeof id === 'string' && id.trim() !== '' ? cleanId(id) : undefined;
  } catch {
    // A getter of the options throws. Recording them fails for the same reason, which is reported.
    return undefined;
  }
}
