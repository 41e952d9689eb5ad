import type { Secret } from '@toolweaver/analytics-core';
import {
  isLoopback,
  isSecret,
  maxTimerMs,
  type OptionChecks,
  type OptionNames,
  secret,
} from '@toolweaver/analytics-core/backend';
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

const optionNames: OptionNames<PushgatewayOptions> = {
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

/** The options with their defaults, not to be used if there was a problem. `defaultMetrics`: whether these are pushed, too. */
export function resolvePushgateway(
  check: OptionChecks,
  options: PushgatewayOptions,
  defaultMetrics: boolean,
): PushgatewayTarget {
  const given = check.group('pushgateway', options, optionNames);
  const { job = 'toolweaver', intervalMs = 15_000 } = given;
  const authorization = typeof given.authorization === 'string' ? secret(given.authorization) : given.authorization;
  check.expect('pushgateway.job', job, isText(job) && job.trim() !== '', 'a non-blank, well-formed string');
  const isInterval = intervalMs === 0 || (intervalMs >= 100 && intervalMs <= maxTimerMs);
  const interval = `0, or a number of ms from 100 to ${maxTimerMs}`;
  check.expect('pushgateway.intervalMs', intervalMs, typeof intervalMs === 'number' && isInterval, interval);
  if (
    authorization !== undefined &&
    !(isSecret(authorization) && /^[\x21-\x7e][\x20-\x7e]*$/.test(authorization.reveal()))
  ) {
    check.problem('pushgateway.authorization', 'must be a header value of one line, such as "Bearer …"');
  }
  return {
    url: checkUrl(check, given.url, authorization),
    job,
    grouping: checkGrouping(check, given.grouping, defaultMetrics),
    intervalMs,
    mode: check.choice('pushgateway.mode', given.mode, ['push', 'add']) ?? 'push',
    deleteOnClose: check.flag('pushgateway.deleteOnClose', given.deleteOnClose) ?? false,
    authorization,
    timeoutMs:
      check.number('pushgateway.timeoutMs', given.timeoutMs, { min: 1, max: maxTimerMs, whole: true }) ?? 5_000,
  };
}

/** Returns the address without a trailing slash. */
function checkUrl(check: OptionChecks, given: unknown, authorization: Secret | undefined): string {
  const credentials = 'give them as `authorization`';
  const url = check.required.url('pushgateway.url', given, { credentials });
  if (authorization !== undefined && url?.protocol === 'http:' && !isLoopback(url.hostname)) {
    const message = 'must be https, since `authorization` would go over the network for anyone to read';
    check.problem('pushgateway.url', message);
  }
  return `${url?.origin}${url?.pathname.replace(/\/+$/, '')}`;
}

function checkGrouping(
  check: OptionChecks,
  grouping: PushgatewayOptions['grouping'] = {},
  defaultMetrics: boolean,
): Readonly<Record<string, string>> {
  const isObject = typeof grouping === 'object' && grouping !== null && !Array.isArray(grouping);
  if (check.expect('pushgateway.grouping', grouping, isObject, 'an object of label names and their values')) {
    for (const [label, value] of Object.entries(grouping)) {
      const problem = groupingProblem(label, value, defaultMetrics);
      if (problem !== undefined) {
        check.problem(`pushgateway.grouping.${label}`, problem);
      }
    }
  }
  return grouping;
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
