import { readFileSync } from 'node:fs';
import { createAnalyticsClient } from '@toolweaver/analytics';
import { toolkitOptionsFromEnv } from '@toolweaver/analytics-adapters';
import { type AnalyticsError, type Env, isAnalyticsError } from '@toolweaver/analytics-core';
import { knownBackends } from '../../src/backends.ts';

/** A variable as `.env.example` has it. */
export interface Variable {
  readonly name: string;
  /** What is behind the `=`. */
  readonly value: string;
  /** Whether that is an example, and no default. */
  readonly isExample: boolean;
  readonly isSecret: boolean;
  readonly meaning: string;
}

export const variables: readonly Variable[] = parse(
  readFileSync(new URL('../../../../.env.example', import.meta.url), 'utf8'),
);

function parse(text: string): Variable[] {
  return [...text.matchAll(/((?:^# .*\n)+)#([A-Z][A-Z0-9_]+)=(.*)$/gm)].map(
    ([, comment = '', name = '', value = '']) => {
      const said = comment.replaceAll(/^# /gm, '').replaceAll('\n', ' ').trim();
      const isExample = / ?Example:$/.test(said);
      const isSecret = / Secret\./.test(said);
      return { name, value, isExample, isSecret, meaning: said.replace(/ ?Example:$/, '').replace(' Secret.', '') };
    },
  );
}

/** Who reads the environment. Each throws what is wrong, or returns something. */
export type Readers = Readonly<Record<string, (env: Env) => unknown>>;

export async function readers(): Promise<Readers> {
  const backends = await Promise.all(
    Object.entries(knownBackends).map(async ([name, { load }]) => [name, await load()] as const),
  );
  return {
    client,
    ...Object.fromEntries(backends),
    toolkits: toolkitOptionsFromEnv,
  };
}

/** What it has been set up with. */
async function client(env: Env): Promise<object> {
  const analytics = await createAnalyticsClient({ env: inMemory(env) });
  const summary = analytics.getConfigSummary();
  await analytics.close();
  return summary;
}

/** With a backend that needs nothing, unless another is named. */
function inMemory(env: Env): Env {
  const get = (_: Env, name: string): string | undefined =>
    env[name] ?? (name === 'ANALYTICS_BACKEND' ? 'memory' : undefined);
  return new Proxy(env, { get });
}

/** The variables that a reader asks for. */
export async function askedBy(reader: (env: Env) => unknown): Promise<ReadonlySet<string>> {
  const asked = new Set<string>();
  const get = (_: Env, name: string): undefined => void asked.add(name);
  await problemsOf(reader, new Proxy<Env>({}, { get }));
  return asked;
}

/** What a reader finds wrong. */
export async function problemsOf(reader: (env: Env) => unknown, env: Env): Promise<AnalyticsError['problems']> {
  try {
    await reader(env);
    return [];
  } catch (error) {
    if (isAnalyticsError(error)) {
      return error.problems;
    }
    throw error;
  }
}
