import type {
  AnalyticsEvent,
  ArtifactEvent,
  ExecutionEvent,
  HealthEvent,
  MetricsEvent,
  RatingEvent,
  RunEvent,
  ToolkitEvent,
} from '@toolweaver/analytics-core';
import { deterministicIds } from './ids.ts';

type Overrides<E extends AnalyticsEvent> = Partial<Omit<E, 'type'>>;

let newId: (() => string) | undefined;

/** The fields of every built event: the next id (the same sequence in every run) and the current time. */
function common(): { id: string; at: number } {
  newId ??= deterministicIds(0xfff);
  return { id: newId(), at: Date.now() };
}

/** Builds a successful execution of the skill `summarise` that took 100 ms, with `overrides` applied. Frozen. */
export function execution(overrides: Overrides<ExecutionEvent> = {}): ExecutionEvent {
  return frozenCopy({
    type: 'execution',
    ...common(),
    kind: 'skill',
    name: 'summarise',
    success: true,
    latencyMs: 100,
    ...overrides,
  });
}

/** Builds a rating of four stars for the skill `summarise`, with `overrides` applied. Frozen. */
export function rating(overrides: Overrides<RatingEvent> = {}): RatingEvent {
  return frozenCopy({ type: 'rating', ...common(), skillId: 'summarise', rating: 4, ...overrides });
}

/** Builds a health score of 90 for the skill `summarise`, with `overrides` applied. Frozen. */
export function health(overrides: Overrides<HealthEvent> = {}): HealthEvent {
  return frozenCopy({ type: 'health', ...common(), skillId: 'summarise', score: 90, ...overrides });
}

/** Builds a successful creation of the toolkit `files` in 5 ms, with `overrides` applied. Frozen. */
export function toolkit(overrides: Overrides<ToolkitEvent> = {}): ToolkitEvent {
  return frozenCopy({
    type: 'toolkit',
    ...common(),
    toolkit: 'files',
    operation: 'create',
    durationMs: 5,
    success: true,
    ...overrides,
  });
}

/** Builds a metrics event with a `loss` of 0.5, with `overrides` applied. Frozen. */
export function metrics(overrides: Overrides<MetricsEvent> = {}): MetricsEvent {
  return frozenCopy({ type: 'metrics', ...common(), values: { loss: 0.5 }, ...overrides });
}

/** Builds the start of the run `run-1`, with `overrides` applied. Frozen. */
export function run(overrides: Overrides<RunEvent> = {}): RunEvent {
  return frozenCopy({ type: 'run', ...common(), runId: 'run-1', state: 'started', ...overrides });
}

/** Builds an artifact, the report `report.md` given by its path, with `overrides` applied. Frozen. */
export function artifact(overrides: Overrides<ArtifactEvent> = {}): ArtifactEvent {
  const content = overrides.bytes === undefined ? { path: 'out/report.md' } : {};
  return frozenCopy({ type: 'artifact', ...common(), name: 'report.md', kind: 'report', ...content, ...overrides });
}

/** Returns a frozen copy of a tree of plain data. What else is in it, such as bytes, is neither copied nor frozen. */
export function frozenCopy<T>(value: T): T {
  if (Array.isArray(value)) {
    return Object.freeze(value.map((item) => frozenCopy(item))) as T;
  }
  if (typeof value !== 'object' || value === null || ![Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    return value;
  }
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, field]) => [key, frozenCopy(field)]))) as T;
}
