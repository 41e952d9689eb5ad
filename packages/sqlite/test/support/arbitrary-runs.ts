import type { AnalyticsEvent, ArtifactEvent, ExecutionEvent, MetricsEvent, RunEvent } from '@toolweaver/analytics-core';
import fc from 'fast-check';
import { at, executions } from './arbitrary.ts';

// What happens in runs, in any order: starts and ends again and again, several things in one ms, parents in circles.

const id = fc.noBias(fc.uuid());
export const runIds: readonly string[] = ['r1', 'r2', 'R1', '\uffee', '🧶', "it's; --", '__proto__'];
const runId = fc.constantFrom(...runIds);
export const metricNames: readonly string[] = ['loss', 'Loss', 'it"s', '🧶', '\uffee', '__proto__', 'a.b', '$'];
const value = fc.oneof(
  fc.constantFrom(0, 0.1, 1, -1, 2, 1e300, Number.MAX_SAFE_INTEGER, 2 ** 63),
  // As it comes out of JSON: -0 is 0 there.
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
);

export const metricEvents: fc.Arbitrary<MetricsEvent> = fc
  .record({
    id,
    at,
    runId: fc.option(runId, { nil: undefined, freq: 10 }),
    step: fc.constantFrom(undefined, 0, 1, 2, 2 ** 40),
    values: fc
      .uniqueArray(fc.tuple(fc.constantFrom(...metricNames), value), {
        minLength: 1,
        maxLength: 4,
        selector: ([key]) => key,
      })
      .map((entries) => Object.fromEntries(entries)),
  })
  .map((fields) => known<MetricsEvent>({ type: 'metrics', ...fields }));

const setting = fc.letrec<{ object: Record<string, unknown>; any: unknown }>((tie) => ({
  object: fc
    .uniqueArray(fc.tuple(fc.constantFrom('model', 'name', 'a.b', '', '__proto__', 'it"s'), tie('any')), {
      maxLength: 3,
      selector: ([key]) => key,
    })
    .map((entries) => Object.fromEntries(entries)),
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(null, 1, 2, 'a', true, [1], [1, { b: 1, a: 2 }], [1, { a: 2, b: 1 }]),
    tie('object'),
  ),
}));
const config = fc.option(setting.object, { nil: undefined, freq: 3 });

const runEvents: fc.Arbitrary<RunEvent> = fc
  .record({
    id,
    at,
    runId,
    state: fc.constantFrom('started', 'started', 'finished', 'failed'),
    name: fc.constantFrom(undefined, 'nightly', 'Nightly', '🧶'),
    project: fc.constantFrom(undefined, 'p', "it's; --"),
    config,
    tags: fc.constantFrom(undefined, [], ['a'], ['b', 'a'], ['it"s', '%']),
    summary: config,
  })
  .map((fields) => known<RunEvent>({ type: 'run', ...fields }));

const artifactEvents: fc.Arbitrary<ArtifactEvent> = fc
  .record({
    id,
    at,
    runId,
    name: fc.constantFrom('report', '🧶'),
    kind: fc.constant('data'),
    path: fc.constantFrom(undefined, 'out/a.md'),
  })
  .map(({ path, ...fields }) =>
    known<ArtifactEvent>({
      type: 'artifact',
      ...fields,
      ...(path === undefined ? { bytes: Buffer.from('é') } : { path }),
    }),
  );

const called = fc
  .tuple(
    fc.array(
      fc.tuple(
        executions,
        runId,
        fc.oneof(fc.constant(undefined), fc.nat({ max: 30 }), id),
        fc.constantFrom(0, 0.25, 10, 1000, undefined),
      ),
      { maxLength: 30 },
    ),
  )
  .map(([all]) =>
    all.map(([event, run, parent]): ExecutionEvent => {
      const parentId = typeof parent === 'number' ? all[parent % all.length]?.[0].id : parent;
      return known({ ...event, runId: run, parentId });
    }),
  );

/** Some of the executions belong to no run. */
export const histories: fc.Arbitrary<AnalyticsEvent[]> = fc
  .tuple(
    called,
    fc.array(runEvents, { maxLength: 15 }),
    fc.array(metricEvents, { maxLength: 15 }),
    fc.array(artifactEvents, { maxLength: 3 }),
    fc.array(executions, { maxLength: 3 }),
  )
  // Shrinking makes ids alike, of which only the first would be written.
  .map((lists) => [...new Map(lists.flat().map((event) => [event.id, event])).values()])
  .chain((events) => fc.shuffledSubarray(events, { minLength: events.length }));

function known<E extends AnalyticsEvent>(fields: object): E {
  return Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined)) as unknown as E;
}
