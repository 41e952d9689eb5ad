import {
  type Analytics,
  AnalyticsError,
  type AnalyticsOptions,
  type Backend,
  createAnalytics,
  type Env,
  isAnalyticsError,
  type Problem,
} from '@toolweaver/analytics-core';
import {
  checkOptions,
  configError,
  describeValue,
  type OptionChecks,
  type OptionNames,
  readEnv,
  tell,
} from '@toolweaver/analytics-core/backend';
import { type BackendName, knownBackends, type Open } from './backends.ts';
import { nearest } from './nearest.ts';
import { checkSpelling, foreignVariables } from './spelling.ts';

/** Options of `createAnalyticsClient`: those of `createAnalytics`, but backends are named, and set up from the environment. */
export interface AnalyticsClientOptions extends Omit<AnalyticsOptions, 'backends'> {
  /**
   * Names of backends, as a list or comma-separated; case and blanks are ignored, and an empty list means none. Default:
   * `ANALYTICS_BACKEND`, then `sqlite`.
   */
  // With `string` alone, editors would complete no names.
  readonly backend?:
    | BackendName
    | (string & Record<never, never>)
    | readonly (BackendName | (string & Record<never, never>))[]
    | undefined;
  /**
   * Your own backends, beside the named ones. With `ANALYTICS_ENABLED=false` they are not used: nothing is recorded in them, and
   * `close()` does not close them.
   */
  readonly additionalBackends?: readonly Backend[] | undefined;
  /** Where settings are read from. Default: `process.env`. */
  readonly env?: Env | undefined;
}

const variable = 'ANALYTICS_BACKEND';

const optionNames: OptionNames<AnalyticsClientOptions> = {
  backend: true,
  additionalBackends: true,
  env: true,
  onError: true,
  sampleRate: true,
  slowMs: true,
  batchSize: true,
  maxQueueEvents: true,
  maxQueueBytes: true,
  retry: true,
  errorMessages: true,
  prices: true,
  flushOnSignals: true,
  clock: true,
  newId: true,
  random: true,
};

/**
 * Creates a client for the backends that the options or the environment name. Options win over variables:
 * `ANALYTICS_BACKEND` (default `sqlite`), `ANALYTICS_ENABLED` (`false`: a client that records nothing),
 * `ANALYTICS_SAMPLE_RATE` (0 to 1), `TOOLKIT_BATCH_SIZE` (1 to 1000), and those of each backend.
 * @throws AnalyticsError `UNKNOWN_BACKEND`, `BACKEND_NOT_INSTALLED` or `INVALID_CONFIG`; its `problems` list all that is wrong with names,
 *   values and variables, and what only opening a backend shows (but no database and no port is opened once something is wrong), else
 *   what is wrong with `additionalBackends`. Where only opening a backend fails, what that says, such as `BACKEND_UNAVAILABLE` of a
 *   database that stays locked.
 */
export async function createAnalyticsClient(options: AnalyticsClientOptions = {}): Promise<Analytics> {
  try {
    checkClientOptions(options);
  } catch (error) {
    throw ofBackends(error, options);
  }
  const { backend, additionalBackends = [], env = process.env, ...clientOptions } = options;
  const failures = collectFailures();
  const foreign = foreignVariables(env);
  if (foreign.length > 0) {
    tell(options.onError, configError(foreign));
  }
  failures.run(() => checkSpelling(env));
  // Checks the client's options, together with the variables; a client without backends costs nothing.
  failures.run(() => createAnalytics({ ...clientOptions, backends: [] }));
  const settings = failures.run(() =>
    readEnv(env, (vars) => ({
      enabled: vars.flag('ANALYTICS_ENABLED') ?? true,
      sampleRate: clientOptions.sampleRate ?? vars.number('ANALYTICS_SAMPLE_RATE', { min: 0, max: 1 }),
      batchSize: clientOptions.batchSize ?? vars.integer('TOOLKIT_BATCH_SIZE', { min: 1, max: 1000 }),
    })),
  );
  if (settings?.enabled === false) {
    failures.throwIfAny();
    return createAnalytics({ ...clientOptions, backends: [] });
  }

  const given = backendNames(backend);
  const field = given === undefined ? variable : 'backend';
  const names = given ?? failures.run(() => readEnv(env, (vars) => backendNames(vars.text(variable)) ?? ['sqlite']));
  const openers: (readonly [name: string, open: Open])[] = [];
  for (const name of names ?? []) {
    const read = await failures.runAsync(() => loadBackend(name, field));
    if (read !== undefined) {
      failures.run(() => checkSpelling(env, name));
    }
    const open = read && failures.run(() => read(env));
    if (open !== undefined) {
      openers.push([name, open]);
    }
  }

  const opened: Backend[] = [];
  // A program that does not start must leave no file, but should hear of all problems, such as a missing key of W&B.
  const toOpen = failures.any() ? openers.filter(([name]) => knownBackends[name]?.opensWithoutTrace) : openers;
  try {
    for (const [name, open] of toOpen) {
      const backend = await failures.runAsync(
        async () => open(options.onError),
        (error) => inVariables(error, name),
      );
      opened.push(...(backend === undefined ? [] : [backend]));
    }
    failures.throwIfAny();
    const { sampleRate, batchSize } = settings ?? {};
    return createAnalytics({ ...clientOptions, sampleRate, batchSize, backends: [...opened, ...additionalBackends] });
  } catch (error) {
    await Promise.allSettled(opened.map(async (backend) => backend.close?.()));
    throw inAdditional(error, opened.length);
  }
}

/** Refuses mistakes that would otherwise go unnoticed. */
function checkClientOptions(options: AnalyticsClientOptions): void {
  checkOptions(options, optionNames, (check, { backend, additionalBackends, env }) => {
    checkNames(check, backend);
    const isList = additionalBackends === undefined || Array.isArray(additionalBackends);
    check.expect('additionalBackends', additionalBackends, isList, 'an array of backends');
    const isEnv = env === undefined || (typeof env === 'object' && env !== null);
    check.expect('env', env, isEnv, 'an object of strings such as process.env');
  });
}

/** Says of options that belong to a backend where they go: if several have one of that name, to the one that is to be used. */
function ofBackends(error: unknown, options: AnalyticsClientOptions): unknown {
  if (!isAnalyticsError(error)) {
    return error;
  }
  // Of any type: this may be what is wrong.
  const given: unknown[] = [options?.backend ?? (options?.env ?? process.env)[variable]].flat();
  const isGiven = (name: string): boolean =>
    given.some((names) => typeof names === 'string' && backendNames(names)?.includes(name));
  const problems = error.problems.map((problem) => {
    const { field } = problem;
    const owners = Object.entries(knownBackends).filter(([, { variables = {} }]) => Object.hasOwn(variables, field));
    const owner = owners.find(([name]) => isGiven(name)) ?? owners[0];
    if (owner === undefined || field in optionNames) {
      return problem;
    }
    if (field === 'enabled' && !isGiven(owner[0])) {
      return {
        field,
        message: 'is not an option; to record nothing, set ANALYTICS_ENABLED=false, or pass it in `env`',
      };
    }
    const [name, { variables }] = owner;
    const remedy = `set ${variables?.[field]}, or pass await ${name}({ ${field} }) in additionalBackends`;
    return { field, message: `is an option of ${name}: ${remedy}` };
  });
  return configError(problems);
}

function checkNames(check: OptionChecks, backend: unknown): void {
  const isList = Array.isArray(backend);
  // `Array.from` includes holes, so that they are checked too.
  const names: unknown[] = isList ? Array.from(backend) : backend === undefined ? [] : [backend];
  for (const [at, name] of names.entries()) {
    const hint = Object(name) === name ? '; backends themselves go into additionalBackends' : '';
    if (typeof name !== 'string') {
      const message = `must be a name${isList ? '' : ' or a list of names'}, got ${describeValue(name)}${hint}`;
      check.problem(isList ? `backend[${at}]` : 'backend', message);
    }
  }
}

/** Renames fields to the option that the caller gave: in `backends`, those opened here come first. */
function inAdditional(error: unknown, opened: number): unknown {
  if (!isAnalyticsError(error) || error.code !== 'INVALID_CONFIG') {
    return error;
  }
  const ofOption = (field: string): string =>
    field.replace(/^backends\[(\d+)\]/, (_, at) => `additionalBackends[${Number(at) - opened}]`);
  const problems = error.problems.map(({ field, message }) => ({ field: ofOption(field), message }));
  const { message } = problems.length === 0 ? error : configError(problems);
  return message === error.message ? error : new AnalyticsError(error.code, message, { problems, cause: error });
}

/** Renames what opening a backend found wrong to the variables that its options came from. */
function inVariables(error: AnalyticsError, backend: string): AnalyticsError {
  if (error.code !== 'INVALID_CONFIG') {
    return error;
  }
  const variables = knownBackends[backend]?.variables ?? {};
  const problems = error.problems.map(({ field, message }) => ({
    field: variables[field] ?? `${backend}.${field}`,
    message,
  }));
  return problems.length === 0
    ? error
    : new AnalyticsError(error.code, configError(problems).message, { problems, cause: error });
}

/** Returns undefined for a string without names, which counts as not given. A list without names means no backend. */
function backendNames(given: string | readonly string[] | undefined): readonly string[] | undefined {
  const items = typeof given === 'string' ? given.split(',') : given;
  const names = items?.map((name) => String(name).trim().toLowerCase()).filter((name) => name !== '');
  return names?.length === 0 && typeof given === 'string' ? undefined : names && [...new Set(names)];
}

async function loadBackend(name: string, field: string) {
  const known = Object.hasOwn(knownBackends, name) ? knownBackends[name] : undefined;
  if (known === undefined) {
    const names = Object.keys(knownBackends);
    // So the Python original calls it.
    const guess = name === 'local' ? 'sqlite' : nearest(name, names);
    const meant = guess === undefined ? '' : ` (did you mean ${guess}?)`;
    const ofNone = /^(none|off|false)$/.test(name) ? ' (for none: ANALYTICS_ENABLED=false)' : meant;
    const hint = /[\s;:|]/.test(name) ? ' (put commas between several)' : ofNone;
    const message = `${JSON.stringify(name)} is not a known backend${hint}; known are ${names.join(', ')}`;
    throw new AnalyticsError('UNKNOWN_BACKEND', `${field}: ${message}`, { problems: [{ field, message }] });
  }
  try {
    return await known.load();
  } catch (cause) {
    throw notInstalled(name, field, known.package, cause) ?? cause;
  }
}

/** Returns the error for a package that is not installed; undefined when it is there but fails to load. */
function notInstalled(name: string, field: string, wanted: string | undefined, cause: unknown) {
  const { code, message: reason } = cause as { code?: unknown; message?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' || !String(reason).includes(`'${wanted}'`)) {
    return undefined;
  }
  const others = name === 'sqlite' && field === variable ? '; or name other backends, or none by `backend: []`' : '';
  const message = `the backend ${name} needs a package that is not installed; run: npm install ${wanted}${others}`;
  return new AnalyticsError('BACKEND_NOT_INSTALLED', `${field}: ${message}`, {
    cause,
    backend: name,
    problems: [{ field, message }],
  });
}

/** Runs steps that may each find something wrong, and throws all of it at once. */
function collectFailures() {
  const errors: AnalyticsError[] = [];
  function note(thrown: unknown): undefined {
    if (!isAnalyticsError(thrown)) {
      throw thrown;
    }
    errors.push(thrown);
  }
  return {
    run<T>(step: () => T): T | undefined {
      try {
        return step();
      } catch (thrown) {
        return note(thrown);
      }
    },
    async runAsync<T>(step: () => Promise<T>, shown = (error: AnalyticsError) => error): Promise<T | undefined> {
      try {
        return await step();
      } catch (thrown) {
        return note(isAnalyticsError(thrown) ? shown(thrown) : thrown);
      }
    },
    any: () => errors.length > 0,
    throwIfAny(): void {
      const [first, ...more] = errors;
      if (first !== undefined) {
        throw more.length === 0 ? first : merged(errors);
      }
    },
  };
}

function merged(errors: readonly AnalyticsError[]): AnalyticsError {
  const problems: Problem[] = errors.flatMap(({ problems, message }) =>
    problems.length > 0 ? problems : [{ field: variable, message }],
  );
  const { message } = configError(problems);
  const codes = new Set(errors.map(({ code }) => code));
  return new AnalyticsError(codes.size === 1 ? (errors[0] as AnalyticsError).code : 'INVALID_CONFIG', message, {
    problems,
  });
}
