import type { AnalyticsError, Clock, Secret } from '@toolweaver/analytics-core';
import type { Known } from '../check.ts';

/** Whether runs go to the service, into a directory, or nowhere. */
export type WandbMode = 'online' | 'offline' | 'disabled';
/** What to do about a run that is there already: see the option `resume`. */
export type ResumeMode = 'allow' | 'must' | 'never' | 'auto';

/** Where runs go, and as whom. Shared by the backend and the client. */
export interface ConnectionOptions {
  /** Default: what `~/.netrc` has for the base URL. Never printed. */
  readonly apiKey?: string | Secret | undefined;
  /** Path of the netrc file. Default: `~/.netrc`, then `~/_netrc`. */
  readonly netrc?: string | undefined;
  /** Default: `https://api.wandb.ai`. */
  readonly baseUrl?: string | undefined;
  /** Of the pages that links lead to. Default: derived from the base URL. */
  readonly appUrl?: string | undefined;
  /** Takes a base URL of plain `http:` on another host, where the key travels in clear. Default: false. */
  readonly allowHttp?: boolean | undefined;
  /**
   * `offline`: into a directory that `wandb sync` uploads, without any request. `disabled`: nowhere, at no cost. Default:
   * `online`.
   */
  readonly mode?: WandbMode | undefined;
  /** Goes `offline` when no API key is found, instead of refusing to start. Default: false. */
  readonly offlineWithoutKey?: boolean | undefined;
  /** Default: `uncategorized`. */
  readonly project?: string | undefined;
  /** User or team. Default: the key's own. Offline, artifacts need it. */
  readonly entity?: string | undefined;
  /** Where the folder `wandb` is made for what is kept offline. Default: the current directory; one of the system's where that cannot be written. */
  readonly dir?: string | undefined;
  /** Whom a service account acts for. */
  readonly username?: string | undefined;
  readonly userEmail?: string | undefined;
  /** Sent with every request to the base URL, beside those that are set already, which are refused. Never printed. */
  readonly headers?: Readonly<Record<string, string | Secret>> | undefined;
  /** Of one request, but for rows and files, which get a minute, and a second more for each 32 kB. Default: 30000. */
  readonly timeoutMs?: number | undefined;
  /** How long `finish()` tries to end a run; `close()` tries for half of its own `timeoutMs` at most. Default: 30000. */
  readonly finishTimeoutMs?: number | undefined;
  /** How long the service may be out of reach until a run goes on offline, for good. Default: 120000. */
  readonly offlineAfterMs?: number | undefined;
  /** For proxies. Default: the global one. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** For tests. Default: the machine's. */
  readonly clock?: Clock | undefined;
  /**
   * Called with problems that no method call can report: a run goes on offline, something is left out of it. What it throws is
   * ignored. Default for the backend: the `onError` of the client.
   */
  readonly onNotice?: ((notice: AnalyticsError) => unknown) | undefined;
}

/** What is shown of a run. */
export interface DescriptionOptions {
  /** Default: eight random letters and digits. */
  readonly runId?: string | undefined;
  /** Display name. Default: one that the service makes up. */
  readonly runName?: string | undefined;
  readonly notes?: string | undefined;
  /** Each 1 to 64 characters. */
  readonly tags?: readonly string[] | undefined;
  /** Any JSON data. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  readonly group?: string | undefined;
  readonly jobType?: string | undefined;
  /** Default: the machine's name. */
  readonly host?: string | undefined;
  /** Default: none. */
  readonly program?: string | undefined;
  /**
   * What to do when a run of this id is there already: `allow` goes on with it, `must` and `never` refuse to start when it is not
   * or is there, `auto` goes on with that of `runId`, or else with the run of the last process that did not finish. Online only.
   * Default: none of these; rows are then added to a run that is there.
   */
  readonly resume?: ResumeMode | undefined;
}

/** The names of both. */
export const knownOptions: Known<ConnectionOptions & DescriptionOptions> = {
  apiKey: true,
  netrc: true,
  baseUrl: true,
  appUrl: true,
  allowHttp: true,
  mode: true,
  offlineWithoutKey: true,
  project: true,
  entity: true,
  dir: true,
  username: true,
  userEmail: true,
  headers: true,
  timeoutMs: true,
  finishTimeoutMs: true,
  offlineAfterMs: true,
  fetch: true,
  clock: true,
  onNotice: true,
  runId: true,
  runName: true,
  notes: true,
  tags: true,
  config: true,
  group: true,
  jobType: true,
  host: true,
  program: true,
  resume: true,
};
