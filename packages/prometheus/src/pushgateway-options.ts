import type { Problem, Secret } from '@toolweaver/analytics-core';
import { describeValue, isLoopback, isSecret, secret } from '@toolweaver/analytics-core/backend';
import { catalogue, type OptionalLabel } from '@toolweaver/analytics-metrics';
import { defaultMetricsLabels } from './default-metrics.ts';
import { overflowLabel } from './render.ts';

/** A Pushgateway, and the group to which this program pushes its metrics. */
export interface PushgatewayOptions {
  /** Of the gateway, with its path if it has one: `http://gateway:9091`. No user or password in it. */
  readonly url: string;
  /** The group's `job` label. Default: `toolweaver`. */
  readonly job?: string | undefined;
  /** Further labels of the group, to tell programs apart that push the same job. Default: none. */
  readonly grouping?: Readonly<Record<string, string>> | undefined;
  /** The time between two pushes, in ms; 0: push only on `flush()` and `close()`. Default: 15 000. */
  readonly intervalMs?: number | undefined;
  /** `push` replaces the group, `add` replaces only the metrics that are pushed. Default: `push`. */
  readonly mode?: 'push' | 'add' | undefined;
  /** Deletes the group on `close()` instead of leaving the last figures there. Default: false. */
  readonly deleteOnClose?: boolean | undefined;
  /** The whole `Authorization` header, such as `Bearer …`. Over plain http, allowed only to this machine. Default: none. */
  readonly authorization?: string | Secret | undefined;
  /** How long a request may take, from its start to the end of the answer, in ms. Default: 5000. */
  readonly timeoutMs?: number | undefined;
}

export const pushgatewayNames: Readonly<Record<keyof PushgatewayOptions, true>> = {
  url: true,
  job: true,
  grouping: true,
  intervalMs: true,
  mode: true,
  deleteOnClose: true,
  authorization: true,
  timeoutMs: true,
};

export interface PushgatewayTarget {
  /** Without a trailing slash. */
  readonly url: string;
  readonly job: string;
  readonly grouping: Readonly<Record<string, string>>;
  readonly intervalMs: number;
  readonly mode: 'push' | 'add';
  readonly deleteOnClose: boolean;
  readonly authorization: Secret | undefined;
  readonly timeoutMs: number;
}

const maxTimerMs = 2 ** 31 - 1;

/** The options with their defaults; what is wrong with them goes to `problems`. `defaultMetrics`: whether these are pushed, too. */
export function resolvePushgateway(
  given: PushgatewayOptions,
  defaultMetrics: boolean,
  problems: Problem[],
): PushgatewayTarget {
  const wrong = (field: string, message: string): void =>
    void problems.push({ field: `pushgateway.${field}`, message });
  const { job = 'toolweaver', grouping = {}, intervalMs = 15_000, mode = 'push', deleteOnClose = false } = given;
  const { timeoutMs = 5_000 } = given;
  const authorization = typeof given.authorization === 'string' ? secret(given.authorization) : given.authorization;

  const url = URL.canParse(given.url) ? new URL(given.url) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    wrong('url', 'must be an http or https URL without query, such as http://127.0.0.1:9091');
  } else if (url.username !== '' || url.password !== '') {
    wrong('url', 'must have no user or password in it; give them as `authorization`');
  } else if (authorization !== undefined && url.protocol === 'http:' && !isLoopback(url.hostname)) {
    wrong('url', 'must be https, since `authorization` would go over the network for anyone to read');
  }
  if (
    authorization !== undefined &&
    !(isSecret(authorization) && /^[\x21-\x7e][\x20-\x7e]*$/.test(authorization.reveal()))
  ) {
    wrong('authorization', 'must be a header value of one line, such as "Bearer …"');
  }
  if (!isText(job) || job.trim() === '') {
    wrong('job', `must be a non-blank, well-formed string, got ${describeValue(job)}`);
  }
  if (typeof grouping !== 'object' || grouping === null || Array.isArray(grouping)) {
    wrong('grouping', 'must be an object of label names and their values');
  } else {
    for (const [label, value] of Object.entries(grouping)) {
      const problem = groupingProblem(label, value, defaultMetrics);
      if (problem !== undefined) {
        wrong(`grouping.${label}`, problem);
      }
    }
  }
  if (!isNumber(intervalMs, 0) || (intervalMs > 0 && intervalMs < 100)) {
    wrong('intervalMs', `must be 0, or a number of ms from 100 to ${maxTimerMs}, got ${describeValue(intervalMs)}`);
  }
  if (!isNumber(timeoutMs, 1) || !Number.isInteger(timeoutMs)) {
    wrong('timeoutMs', `must be a whole number of ms from 1 to ${maxTimerMs}, got ${describeValue(timeoutMs)}`);
  }
  if (mode !== 'push' && mode !== 'add') {
    wrong('mode', `must be push or add, got ${describeValue(mode)}`);
  }
  if (typeof deleteOnClose !== 'boolean') {
    wrong('deleteOnClose', `must be true or false, got ${describeValue(deleteOnClose)}`);
  }
  const base = `${url?.origin}${url?.pathname.replace(/\/+$/, '')}`;
  return { url: base, job, grouping, intervalMs, mode, deleteOnClose, authorization, timeoutMs };
}

/** The gateway gives every series the labels of its group, in place of its own labels of these names. */
const ownLabels: ReadonlySet<string> = new Set([
  ...Object.values(catalogue).flatMap(({ labels }) => labels),
  ...(['org_id', 'user_id'] satisfies OptionalLabel[]),
  // Those that only the text has: a second `le` makes a scrape of the whole gateway fail.
  'le',
  overflowLabel,
]);

function groupingProblem(label: string, value: unknown, defaultMetrics: boolean): string | undefined {
  if (!/^[a-z_]\w*$/i.test(label) || label.startsWith('__')) {
    return 'is not a valid label name: use letters, digits and underscores, and start with neither a digit nor two underscores';
  }
  if (label === 'job') {
    return 'must not be in the grouping; give it as `job`';
  }
  if (ownLabels.has(label) || (defaultMetrics && defaultMetricsLabels.includes(label))) {
    return 'is a label of the metrics, whose values it would replace; choose another name';
  }
  return isText(value) ? undefined : 'must have a well-formed string as its value';
}

/** Half of a surrogate pair cannot be part of a path. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed();
}

function isNumber(value: unknown, min: number): value is number {
  return typeof value === 'number' && value >= min && value <= maxTimerMs;
}
