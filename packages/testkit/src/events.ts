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
  return deepFreeze({
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
  return deepFreeze({ type: 'rating', ...common(), skillId: 'summarise', rating: 4, ...overrides });
}

/** Builds a health score of 90 for the skill `summarise`, with `overrides` applied. Frozen. */
export function health(overrides: Overrides<HealthEvent> = {}): HealthEvent {
  return deepFreeze({ type: 'health', ...common(), skillId: 'summarise', score: 90, ...overrides });
}

/** Builds a successful creation of the toolkit `files` in 5 ms, with `overrides` applied. Frozen. */
export function toolkit(overrides: Overrides<ToolkitEvent> = {}): ToolkitEvent {
  return deepFreeze({
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
  return deepFreeze({ type: 'metrics', ...common(), values: { loss: 0.5 }, ...overrides });
}

/** Builds the start of the run `run-1`, with `overrides` applied. Frozen. */
export function run(overrides: Overrides<RunEvent> = {}): RunEvent {
  return deepFreeze({ type: 'run', ...common(), runId: 'run-1', state: 'started', ...overrides });
}

/** Builds an artifact, the report `report.md` given by its path, with `overrides` applied. Frozen. */
export function artifact(overrides: Overrides<ArtifactEvent> = {}): ArtifactEvent {
  const content = overrides.bytes === undefined ? { path: 'out/report.md' } : {};
  return deepFreeze({ type: 'artifact', ...common(), name: 'report.md', kind: 'report', ...content, ...overrides });
}

/** Freezes a tree of plain data. The bytes of a typed array cannot be frozen and are left alone. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
