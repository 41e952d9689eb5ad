import type { OptionNames } from '@toolweaver/analytics-core/backend';
import { serviceError } from '../failure.ts';
import { isObject, parseJson, parseObject } from '../json-text.ts';
import { definitionsIn, type MetricDefinition } from '../metric-definition.ts';
import { configText, type RunInfo } from '../run-info.ts';
import type { Service, Upload } from './service.ts';

type Data = { readonly [key: string]: unknown };

/** The value at a path of fields; undefined when one of them is missing. */
export function dig(data: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((at, field) => (isObject(at) ? at[field] : undefined), data);
}

export function textAt(data: unknown, ...path: readonly string[]): string | undefined {
  const value = dig(data, ...path);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function countAt(data: unknown, ...path: readonly string[]): number {
  const value = dig(data, ...path);
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

export function unexpected(what: string): Error {
  return serviceError({
    kind: 'refused',
    mayHaveArrived: true,
    message: `the service's answer to ${what} is incomplete`,
  });
}

const viewerQuery = 'query Viewer { viewer { id entity username } }';

/** Checks that the service is reachable and knows the key. */
export async function askViewer(service: Service, signal?: AbortSignal): Promise<void> {
  const data = await service.graphql(viewerQuery, {}, { signal });
  if (!isObject(data['viewer'])) {
    throw serviceError({
      kind: 'refused',
      mayHaveArrived: false,
      status: 401,
      message: 'the service does not know the API key',
    });
  }
}

const resumeQuery = `query RunResumeStatus($project: String, $entity: String, $name: String!) {
  model(name: $project, entityName: $entity) { id name entity { id name }
    bucket(name: $name, missingOk: true) {
      id name displayName summaryMetrics config tags notes historyLineCount eventsLineCount logLineCount
      historyTail eventsTail wandbConfig(keys: ["t"]) } } }`;

/** A run that already exists at the service. */
export interface EarlierRun {
  readonly storageId: string | undefined;
  readonly config: Data;
  /** See `RunInfo`. */
  readonly charts: Data;
  readonly metrics: readonly MetricDefinition[];
  readonly tags: readonly string[];
  readonly notes: string | undefined;
  readonly summary: Data;
  readonly historyLines: number;
  readonly nextStep: number;
  /** How long it ran, in seconds. */
  readonly runtime: number;
}

/** Fields of the configuration with custom charts. They are kept, because the configuration is replaced as a whole. */
const chartFields: readonly string[] = ['visualize', 'viz'];

/** The existing run with this id; undefined when none was started. */
export async function askEarlierRun(
  service: Service,
  { project, entity, id }: RunInfo,
  signal?: AbortSignal,
): Promise<EarlierRun | undefined> {
  const data = await service.graphql(resumeQuery, { project, entity: entity ?? null, name: id }, { signal });
  const bucket = dig(data, 'model', 'bucket');
  if (!isObject(bucket) || !('t' in parseObject(bucket['wandbConfig']))) {
    return undefined;
  }
  const historyLines = countAt(bucket, 'historyLineCount');
  const tail = parseJson(bucket['historyTail']);
  const last = parseObject(Array.isArray(tail) ? tail.at(-1) : undefined);
  const summary = parseObject(bucket['summaryMetrics']);
  const steps = [last['_step'], summary['_step']].filter((step) => Number.isSafeInteger(step)) as number[];
  const runtimes = [last['_runtime'], summary['_runtime'], dig(summary, '_wandb', 'runtime')];
  const { _wandb: own, ...config } = parseObject(bucket['config']);
  const charts = chartFields.flatMap((field) => {
    const value = dig(own, 'value', field);
    return isObject(value) ? [[field, value] as const] : [];
  });
  const tags = bucket['tags'];
  return {
    storageId: textAt(bucket, 'id'),
    config: Object.fromEntries(
      Object.entries(config).map(([key, entry]) => [key, isObject(entry) ? entry['value'] : entry]),
    ),
    charts: Object.fromEntries(charts),
    metrics: definitionsIn(dig(own, 'value', 'm')),
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [],
    notes: textAt(bucket, 'notes'),
    summary,
    historyLines,
    nextStep: historyLines > 0 ? Math.max(-1, ...steps) + 1 : 0,
    runtime: Math.max(0, ...(runtimes.filter((runtime) => Number.isFinite(runtime)) as number[])),
  };
}

const upsertMutation = `mutation UpsertBucket($id: String, $name: String, $project: String, $entity: String, $groupName: String,
  $description: String, $displayName: String, $notes: String, $commit: String, $config: JSONString, $host: String,
  $debug: Boolean, $program: String, $repo: String, $jobType: String, $state: String, $sweep: String, $tags: [String!],
  $summaryMetrics: JSONString) {
  upsertBucket(input: { id: $id, name: $name, modelName: $project, entityName: $entity, groupName: $groupName,
    description: $description, displayName: $displayName, notes: $notes, commit: $commit, config: $config, host: $host,
    debug: $debug, jobProgram: $program, jobRepo: $repo, jobType: $jobType, state: $state, sweep: $sweep, tags: $tags,
    summaryMetrics: $summaryMetrics }) {
    bucket { id name displayName config historyLineCount project { id name entity { id name } } } inserted } }`;

/** A run as the service stores it: names may differ from the requested ones. */
export interface StoredRun {
  readonly storageId: string;
  readonly entity: string;
  readonly project: string;
  readonly historyLines: number;
}

/** Creates the run, or updates all of its description. */
export async function upsertRun(
  service: Service,
  info: RunInfo,
  storageId: string | undefined,
  signal?: AbortSignal,
): Promise<StoredRun> {
  const { id, project, entity, name, notes, tags, group, jobType, host, program } = info;
  const variables = {
    id: storageId ?? null,
    name: id,
    project,
    entity: entity ?? null,
    groupName: group ?? null,
    description: null,
    displayName: name ?? null,
    notes: notes ?? null,
    commit: null,
    config: configText(info),
    host: host === '' ? null : host,
    debug: null,
    program: program ?? null,
    repo: null,
    jobType: jobType ?? null,
    state: null,
    sweep: null,
    // Null keeps the stored ones.
    tags: tags ?? null,
    summaryMetrics: null,
  };
  const data = await service.graphql(upsertMutation, variables, { signal, retryConflict: true });
  const bucket = dig(data, 'upsertBucket', 'bucket');
  const stored = textAt(bucket, 'id');
  const owner = textAt(bucket, 'project', 'entity', 'name') ?? entity;
  if (stored === undefined || owner === undefined) {
    throw unexpected('UpsertBucket');
  }
  return {
    storageId: stored,
    entity: owner,
    project: textAt(bucket, 'project', 'name') ?? project,
    historyLines: countAt(bucket, 'historyLineCount'),
  };
}

/** A run, by the names that the service gave it. */
export interface RunPath {
  readonly entity: string;
  readonly project: string;
  readonly id: string;
}

const filesMutation = `mutation CreateRunFiles($entity: String!, $project: String!, $run: String!, $files: [String!]!) {
  createRunFiles(input: { entityName: $entity, projectName: $project, runName: $run, files: $files }) {
    runID uploadHeaders files { name uploadUrl } } }`;

/** Asks where to upload files of a run. By file name; the service may leave some out. */
export async function askUploads(
  service: Service,
  { entity, project, id }: RunPath,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Upload>> {
  const data = await service.graphql(filesMutation, { entity, project, run: id, files: names }, { signal });
  const answer = dig(data, 'createRunFiles');
  const files = dig(answer, 'files');
  if (!Array.isArray(files) || files.length !== names.length) {
    throw unexpected('CreateRunFiles');
  }
  const headers = textsOf(dig(answer, 'uploadHeaders'));
  const uploads = new Map<string, Upload>();
  for (const file of files) {
    const [name, url] = [textAt(file, 'name'), textAt(file, 'uploadUrl')];
    if (name !== undefined && url !== undefined) {
      uploads.set(name, { url, headers });
    }
  }
  return uploads;
}

export function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** Severity of an alert. */
export type AlertLevel = 'INFO' | 'WARN' | 'ERROR';

/** A message about a run, which W&B delivers by e-mail or Slack, as its users have configured. */
export interface Alert {
  readonly title: string;
  readonly text: string;
  /** Default: `INFO`. */
  readonly level?: AlertLevel | undefined;
  /** For how many ms the service sends no other alert with this title. Default: 60000. */
  readonly waitMs?: number | undefined;
}

export const knownInAlert: OptionNames<Alert> = { title: true, text: true, level: true, waitMs: true };

const alertMutation = `mutation NotifyScriptableRunAlert($entityName: String!, $projectName: String!, $runName: String!,
  $title: String!, $text: String!, $severity: AlertSeverity, $waitDuration: Duration) {
  notifyScriptableRunAlert(input: { entityName: $entityName, projectName: $projectName, runName: $runName, title: $title,
    text: $text, severity: $severity, waitDuration: $waitDuration }) { success } }`;

export async function sendAlert(
  service: Service,
  { entity, project, id }: RunPath,
  alert: Alert,
  signal?: AbortSignal,
): Promise<void> {
  const { title, text, level = 'INFO', waitMs = 60_000 } = alert;
  const names = { entityName: entity, projectName: project, runName: id };
  // Whole milliseconds, as in the log of an offline run.
  const variables = { ...names, title, text, severity: level, waitDuration: Math.floor(waitMs) };
  await service.graphql(alertMutation, variables, { signal });
}

/** The run's path for URLs, with each part encoded. */
export function pathOf({ entity, project, id }: RunPath, between: string): string {
  return [entity, project].map(encodeURIComponent).join('/') + between + encodeURIComponent(id);
}
