import { hostname } from 'node:os';
import type { Clock, Secret } from '@toolweaver/analytics-core';
import {
  describeValue,
  expandHome,
  isLoopback,
  isSecret,
  type OptionChecks,
  secret,
  steadyClock,
} from '@toolweaver/analytics-core/backend';
import { messageOf } from '../failure.ts';
import { isObject, jsonText } from '../json-text.ts';
import { entityProblem, projectProblem, runIdProblem, tagProblem } from '../names.ts';
import type { ServiceSettings } from '../service/service.ts';
import { keyFromNetrc, keyProblem } from './key.ts';
import type { ConnectionOptions, DescriptionOptions, ResumeMode, WandbMode } from './options.ts';

export interface Settings {
  readonly mode: WandbMode;
  readonly service: ServiceSettings | undefined;
  readonly baseUrl: string;
  readonly appUrl: string;
  readonly project: string;
  readonly entity: string | undefined;
  readonly dir: string;
  readonly finishTimeoutMs: number;
  readonly offlineAfterMs: number;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly onNotice: ConnectionOptions['onNotice'];
  readonly description: Description;
}

/** The description that all runs share. */
export interface Labels {
  readonly notes: string | undefined;
  readonly tags: readonly string[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly group: string | undefined;
  readonly jobType: string | undefined;
  readonly host: string;
  readonly program: string | undefined;
}

interface Description extends Labels {
  readonly runId: string | undefined;
  readonly runName: string | undefined;
  readonly resume: ResumeMode | undefined;
}

const defaultBaseUrl = 'https://api.wandb.ai';
const dayMs = 86_400_000;

/** Reads the options that the backend and the client share, and looks up the API key. */
export function readSettings(check: OptionChecks, options: ConnectionOptions & DescriptionOptions): Settings {
  const baseUrl = readUrl(check, 'baseUrl', options.baseUrl) ?? new URL(defaultBaseUrl);
  const base = baseUrl.href.replace(/\/+$/, '');
  const allowHttp = check.flag('allowHttp', options.allowHttp) ?? false;
  checkBaseUrl(check, baseUrl, allowHttp);
  const wanted = check.choice('mode', options.mode, ['online', 'offline', 'disabled']) ?? 'online';
  const offlineWithoutKey = check.flag('offlineWithoutKey', options.offlineWithoutKey) ?? false;
  const netrc = readText(check, 'netrc', options.netrc);
  const apiKey = wanted === 'online' ? readKey(check, options.apiKey, netrc, baseUrl.host) : undefined;
  const lacksKey = wanted === 'online' && apiKey === undefined;
  // With a misspelt mode, it is unknown whether a key is needed.
  if (lacksKey && !offlineWithoutKey && (options.mode ?? wanted) === wanted) {
    const message = `is missing: give it as an option, or WANDB_API_KEY with wandbFromEnv(process.env), or a netrc file with ${baseUrl.host}, or choose mode: 'offline' (WANDB_MODE=offline)`;
    check.problem('apiKey', message);
  }
  const own = {
    username: readText(check, 'username', options.username, headerProblem),
    userEmail: readText(check, 'userEmail', options.userEmail, headerProblem),
    headers: readHeaders(check, options.headers),
    timeoutMs: check.number('timeoutMs', options.timeoutMs, { min: 1, max: dayMs }) ?? 30_000,
  };
  const service = apiKey === undefined || apiKey === null ? undefined : { baseUrl: base, apiKey, ...own };
  return {
    mode: lacksKey ? 'offline' : wanted,
    service,
    baseUrl: base,
    appUrl: readUrl(check, 'appUrl', options.appUrl)?.href.replace(/\/+$/, '') ?? appUrlOf(base),
    project: readText(check, 'project', options.project, projectProblem) ?? 'uncategorized',
    entity: readText(check, 'entity', options.entity, entityProblem),
    dir: expandHome(readText(check, 'dir', options.dir) ?? '.', 'dir'),
    finishTimeoutMs: check.number('finishTimeoutMs', options.finishTimeoutMs, { min: 1, max: dayMs }) ?? 30_000,
    offlineAfterMs: check.number('offlineAfterMs', options.offlineAfterMs, { min: 0, max: dayMs }) ?? 120_000,
    fetch: check.callback('fetch', options.fetch) ?? globalThis.fetch,
    clock: steadyClock(check.clock('clock', options.clock)),
    onNotice: check.callback('onNotice', options.onNotice),
    description: readDescription(check, options),
  };
}

function readDescription(check: OptionChecks, options: DescriptionOptions): Description {
  const { tags: given = [], config = {} } = options;
  const tags = check.expect('tags', given, Array.isArray(given), 'a list of strings') ?? [];
  for (const [at, tag] of tags.entries()) {
    const message = typeof tag === 'string' ? tagProblem(tag) : `must be a string, got ${describeValue(tag)}`;
    if (message !== undefined) {
      check.problem(`tags[${at}]`, message);
    }
  }
  if (check.expect('config', config, isObject(config), 'an object')) {
    try {
      jsonText(config);
    } catch (error) {
      check.problem('config', `must be data for JSON: ${messageOf(error)}`);
    }
  }
  return {
    runId: readText(check, 'runId', options.runId, runIdProblem),
    runName: readText(check, 'runName', options.runName),
    notes: readText(check, 'notes', options.notes),
    tags: [...new Set(tags)],
    config,
    group: readText(check, 'group', options.group),
    jobType: readText(check, 'jobType', options.jobType),
    host: readText(check, 'host', options.host) ?? hostname(),
    program: readText(check, 'program', options.program),
    resume: check.choice('resume', options.resume, ['allow', 'must', 'never', 'auto']),
  };
}

/** As in the environment, '' counts as not given. */
function readText(
  check: OptionChecks,
  field: string,
  value: unknown,
  problemOf?: (text: string) => string | undefined,
): string | undefined {
  const text = value === '' ? undefined : check.text(field, value);
  const message = text === undefined ? undefined : problemOf?.(text);
  return message === undefined ? text : check.problem(field, message);
}

function readUrl(check: OptionChecks, field: string, value: unknown): URL | undefined {
  return check.url(field, value === '' ? undefined : value);
}

function checkBaseUrl(check: OptionChecks, { protocol, hostname: host }: URL, allowHttp: boolean): void {
  const isService = /(^|\.)wandb\.ai$/.test(host);
  if (isService && !/^api\./.test(host)) {
    check.problem('baseUrl', `is the address of pages; did you mean ${defaultBaseUrl}?`);
  }
  if (protocol === 'http:' && (isService || !(isLoopback(host) || allowHttp))) {
    const hint = isService ? '' : ', unless allowHttp is set';
    check.problem('baseUrl', `must begin with https://, as the API key would travel in clear${hint}`);
  }
}

function appUrlOf(baseUrl: string): string {
  return baseUrl.replace('://api.wandb.', '://').replace('://api.', '://app.');
}

/** Returns undefined if there is no key, null if it is invalid. */
function readKey(
  check: OptionChecks,
  given: unknown,
  netrc: string | undefined,
  host: string,
): Secret | null | undefined {
  const key = isSecret(given) ? given.reveal() : given;
  if (key !== undefined && typeof key !== 'string') {
    check.problem('apiKey', 'must be a string');
    return null;
  }
  const found = key === undefined || key === '' ? keyFromNetrc(netrc, host) : key;
  if (found === undefined) {
    return undefined;
  }
  const message = keyProblem(found);
  if (message !== undefined) {
    check.problem('apiKey', found === key ? message : `of the netrc file ${message}`);
    return null;
  }
  return secret(found);
}

function headerProblem(value: string): string | undefined {
  return /^[\t\x20-\x7e]*$/.test(value) ? undefined : 'must consist of printable ASCII characters';
}

/** Headers that the client sets. Two names that differ only in case would be sent as one header with both values. */
const ownHeaders: readonly string[] = [
  'accept-encoding',
  'authorization',
  'content-length',
  'content-type',
  'host',
  'transfer-encoding',
  'user-agent',
  'x-wandb-user-email',
  'x-wandb-username',
];

function readHeaders(check: OptionChecks, given: ConnectionOptions['headers']): Readonly<Record<string, Secret>> {
  const headers: Record<string, Secret> = {};
  if (given !== undefined && !isObject(given)) {
    check.problem('headers', 'must be an object');
    return headers;
  }
  for (const [name, header] of Object.entries(given ?? {})) {
    const value: unknown = isSecret(header) ? header.reveal() : header;
    if (ownHeaders.includes(name.toLowerCase())) {
      check.problem('headers', `must not have ${name}, which the client sets`);
    } else if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || typeof value !== 'string' || headerProblem(value) !== undefined) {
      check.problem('headers', `${JSON.stringify(name)} must be the name of a header, with a printable ASCII text`);
    } else {
      headers[name] = secret(value);
    }
  }
  return headers;
}
