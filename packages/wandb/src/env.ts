import type { Env, Secret } from '@toolweaver/analytics-core';
import { describeValue, readEnv, secret } from '@toolweaver/analytics-core/backend';
import { isObject, parseJson } from './json-text.ts';
import { entityProblem, projectProblem, runIdProblem, tagProblem } from './names.ts';
import type { ResumeMode, WandbMode } from './settings/options.ts';
import type { WandbOptions } from './wandb.ts';

const modes: Readonly<Record<string, WandbMode>> = {
  online: 'online',
  run: 'online',
  offline: 'offline',
  dryrun: 'offline',
  disabled: 'disabled',
};
const resumeModes: readonly ResumeMode[] = ['allow', 'must', 'never', 'auto'];

/**
 * Reads the options from the `WANDB_*` variables that make sense in a library, and `NETRC`. Pure: pass `process.env`.
 * @throws AnalyticsError `INVALID_CONFIG` with all problems.
 */
export function wandbFromEnv(env: Env): WandbOptions {
  return readEnv(env, (vars) => {
    function text(name: string, problemOf: (text: string) => string | undefined): string | undefined {
      const value = vars.text(name);
      const message = value === undefined ? undefined : problemOf(value);
      if (message !== undefined) {
        vars.problem(name, message);
      }
      return value;
    }
    /** Reads a variable whose values are case-sensitive. */
    function exact<T>(
      name: string,
      choices: readonly string[],
      meaning: (value: string) => T | undefined,
    ): T | undefined {
      const value = vars.text(name);
      if (value !== undefined && !choices.includes(value)) {
        vars.problem(name, `must be one of ${choices.join(', ')}, got ${describeValue(value)}`);
        return undefined;
      }
      return value === undefined ? undefined : meaning(value);
    }
    const seconds = (name: string): number | undefined => {
      const value = vars.number(name, { min: 0.001, max: 3_600 }, 'a number of seconds');
      return value === undefined ? undefined : value * 1000;
    };

    const tags = vars.list('WANDB_TAGS');
    for (const tag of tags ?? []) {
      const message = tagProblem(tag);
      if (message !== undefined) {
        vars.problem('WANDB_TAGS', `each tag ${message}`);
      }
    }
    return {
      apiKey: vars.secret('WANDB_API_KEY'),
      netrc: vars.text('NETRC'),
      baseUrl: vars.text('WANDB_BASE_URL'),
      appUrl: vars.text('WANDB_APP_URL'),
      mode: exact('WANDB_MODE', Object.keys(modes), (value) => modes[value]),
      project: text('WANDB_PROJECT', projectProblem),
      entity: text('WANDB_ENTITY', entityProblem),
      runId: text('WANDB_RUN_ID', runIdProblem),
      runName: vars.text('WANDB_NAME'),
      notes: vars.text('WANDB_NOTES'),
      group: vars.text('WANDB_RUN_GROUP'),
      jobType: vars.text('WANDB_JOB_TYPE'),
      tags,
      resume: exact('WANDB_RESUME', resumeModes, (value) => value as ResumeMode),
      dir: vars.text('WANDB_DIR'),
      username: vars.text('WANDB_USERNAME'),
      userEmail: vars.text('WANDB_USER_EMAIL'),
      host: vars.text('WANDB_HOST'),
      program: vars.text('WANDB_PROGRAM'),
      timeoutMs: seconds('WANDB_HTTP_TIMEOUT'),
      headers: headersIn(vars.text('WANDB_X_EXTRA_HTTP_HEADERS'), (message) =>
        vars.problem('WANDB_X_EXTRA_HTTP_HEADERS', message),
      ),
    };
  });
}

function headersIn(text: string | undefined, problem: (message: string) => void): Record<string, Secret> | undefined {
  if (text === undefined) {
    return undefined;
  }
  const value = parseJson(text);
  if (!isObject(value) || Object.values(value).some((item) => typeof item !== 'string')) {
    problem('must be a JSON object of strings');
    return undefined;
  }
  return Object.fromEntries(Object.entries(value).map(([name, header]) => [name, secret(String(header))]));
}
