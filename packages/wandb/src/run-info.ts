import { jsonText } from './json-text.ts';
import { type MetricDefinition, summaryFields } from './metric-definition.ts';
import type { Labels, Settings } from './settings/settings.ts';

/** What a run is, as the service shows it. Sent whole whenever something of it changes. */
export interface RunInfo extends Labels {
  readonly id: string;
  readonly project: string;
  /** Undefined: the key's own. */
  readonly entity: string | undefined;
  readonly name: string | undefined;
  /** Unix time in ms. */
  readonly startedAt: number;
  readonly metrics: readonly MetricDefinition[];
  /** Custom charts that a program with another client has made, by their field of our section of the configuration. */
  readonly charts?: Readonly<Record<string, unknown>> | undefined;
}

/** A new run as the options describe it. */
export function newRunInfo({ project, entity, description }: Settings, id: string, startedAt: number): RunInfo {
  const { runName: name, notes, tags, config, group, jobType, host, program } = description;
  return { id, project, entity, name, notes, tags, config, group, jobType, host, program, startedAt, metrics: [] };
}

// Field numbers of the service's telemetry record: features in use (of which 14 is none that we would lie about), and the
// platform. A run without this section counts as one that never started, and could not be resumed.
const telemetry = { 3: [14], 13: `${process.platform}-${process.arch}` };

/** The configuration in the shape of the service: each value in an object of its own, and a section about the client. */
export function configText({ config, metrics, charts }: RunInfo): string {
  const own = { ...charts, t: telemetry, m: metrics.map((metric) => metricFields(metric, metrics)) };
  const fields = Object.entries({ ...config, _wandb: own }).map(
    ([key, value]) => `${JSON.stringify(key)}:{"value":${jsonText(value) ?? 'null'}}`,
  );
  return `{${fields.join()}}`;
}

/** A definition under the field numbers of its record. */
function metricFields(
  { name, stepMetric, hidden, summary }: MetricDefinition,
  all: readonly MetricDefinition[],
): object {
  const stepIndex = stepMetric === undefined ? -1 : all.findIndex((other) => other.name === stepMetric);
  const options = [...(stepMetric === undefined ? [] : [1]), ...(hidden ? [2] : []), 3];
  return {
    1: name,
    ...(stepIndex >= 0 && { 5: stepIndex + 1 }),
    6: options,
    7: summary.map((kind) => summaryFields[kind]),
  };
}
