import { jsonText } from './json-text.ts';
import { definitionFields, type MetricDefinition } from './metric-definition.ts';
import type { Labels, Settings } from './settings/settings.ts';

/** Description of a run, as the service shows it. Sent as a whole whenever any of it changes. */
export interface RunInfo extends Omit<Labels, 'tags'> {
  readonly id: string;
  readonly project: string;
  /** Undefined: that of the API key. */
  readonly entity: string | undefined;
  readonly name: string | undefined;
  /** Undefined: nobody has set any, and a run that exists keeps its own. */
  readonly tags: readonly string[] | undefined;
  /** Unix time in ms. */
  readonly startedAt: number;
  readonly metrics: readonly MetricDefinition[];
  /** Custom charts made by another client, by their field in the `_wandb` section of the configuration. */
  readonly charts?: Readonly<Record<string, unknown>> | undefined;
}

/** Returns the description of a new run, from the options. */
export function newRunInfo({ project, entity, description }: Settings, id: string, startedAt: number): RunInfo {
  const { runName: name, notes, config, group, jobType, host, program } = description;
  const tags = description.tags.length > 0 ? description.tags : undefined;
  return { id, project, entity, name, notes, tags, config, group, jobType, host, program, startedAt, metrics: [] };
}

// Fields of the service's telemetry record, by number: features in use (14 claims nothing that is untrue of us), and the
// platform. A run without this section counts as never started, and could not be resumed.
const telemetry = { 3: [14], 13: `${process.platform}-${process.arch}` };

/** The configuration in the service's format: each value in an object of its own, and a section about the client. */
export function configText({ config, metrics, charts }: RunInfo): string {
  const own = { ...charts, t: telemetry, m: definitionFields(metrics) };
  const fields = Object.entries({ ...config, _wandb: own }).map(
    ([key, value]) => `${JSON.stringify(key)}:{"value":${jsonText(value) ?? 'null'}}`,
  );
  return `{${fields.join()}}`;
}
