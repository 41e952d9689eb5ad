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

/** What all events of the builders have: the next id (the same ones in every run), and the time of the call. */
function common(): { id: string; at: number } {
  newId ??= deterministicIds(0xfff);
  return { id: newId(), at: Date.now() };
}

/** A successful execution of the skill `summarise` that took 100 ms, with these fields instead. Frozen. */
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

/** Four stars for the skill `summarise`, with these fields instead. */
export function rating(overrides: Overrides<RatingEvent> = {}): RatingEvent {
  return deepFreeze({ type: 'rating', ...common(), skillId: 'summarise', rating: 4, ...overrides });
}

/** A score of 90 for the skill `summarise`, with these fields instead. */
export function health(overrides: Overrides<HealthEvent> = {}): HealthEvent {
  return deepFreeze({ type: 'health', ...common(), skillId: 'summarise', score: 90, ...overrides });
}

/** The creation of the toolkit `files` in 5 ms, with these fields instead. */
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

/** The value 0.5 of `loss`, with these fields instead. */
export function metrics(overrides: Overrides<MetricsEvent> = {}): MetricsEvent {
  return deepFreeze({ type: 'metrics', ...common(), values: { loss: 0.5 }, ...overrides });
}

/** The start of the run `run-1`, with these fields instead. */
export function run(overrides: Overrides<RunEvent> = {}): RunEvent {
  return deepFreeze({ type: 'run', ...common(), runId: 'run-1', state: 'started', ...overrides });
}

/** The report `report.md`, given by its path, with these fields instead. */
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
