import type { LabelSet, Metric } from '@toolweaver/analytics-metrics';
import { type FamilySnapshot, widthOf } from '../snapshot.ts';

/** From above: report; or, without a request, say that you are there. */
interface Ask {
  readonly op: 'ask';
  /** Tells clients that show one set of metrics from other clients of these processes. */
  readonly group: string;
  readonly request?: number;
  /** How long the sender waits for the answer. */
  readonly waitMs?: number;
}

/** From below. */
export interface Report {
  readonly op: 'report';
  readonly group: string;
  /** Who reports, unique among all. */
  readonly member: string;
  readonly threadId: number;
  /** The question that this answers; without one, it only says that the member is there. */
  readonly request?: number | undefined;
  readonly families?: readonly WireFamily[];
  /** Nothing will come after this. */
  readonly isLast?: boolean;
}

/** From below: is anybody there who shows what this member counts? */
interface Probe {
  readonly op: 'probe';
  readonly group: string;
  readonly member: string;
}

/** From above: yes. */
interface Present {
  readonly op: 'present';
  readonly group: string;
  /** Who has asked. */
  readonly member: string;
}

export type Message = Ask | Report | Probe | Present;

const ops: readonly unknown[] = ['ask', 'report', 'probe', 'present'] satisfies Message['op'][];

/** Plain JSON: what a cluster's channel carries. An infinite number is null there. */
export interface WireFamily {
  readonly name: string;
  readonly labelNames: readonly string[];
  readonly bounds: readonly number[];
  readonly labelSets: readonly LabelSet[];
  readonly values: readonly (number | null)[];
}

export function toWire({ metric, labelSets, values }: FamilySnapshot): WireFamily {
  const count = values.length / widthOf(metric);
  return {
    name: metric.name,
    labelNames: metric.labels,
    bounds: metric.bounds ?? [],
    labelSets: labelSets.slice(0, count).map(({ labels, isOverflow }) => ({ labels, isOverflow })),
    values: Array.from(values),
  };
}

/** Undefined if it is none of these metrics, or has other labels or buckets. */
export function fromWire(
  { name, labelNames, bounds, labelSets, values }: WireFamily,
  metrics: ReadonlyMap<string, Metric>,
): FamilySnapshot | undefined {
  const metric = metrics.get(name);
  if (
    metric === undefined ||
    metric.labels.join() !== labelNames.join() ||
    (metric.bounds ?? []).join() !== bounds.join() ||
    values.length !== labelSets.length * widthOf(metric)
  ) {
    return undefined;
  }
  return { metric, labelSets, values: Float64Array.from(values, (value) => value ?? Number.POSITIVE_INFINITY) };
}

export function isMessage(value: unknown, group: string): value is Message {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as Message).group === group &&
    ops.includes((value as Message).op)
  );
}
