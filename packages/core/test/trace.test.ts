import { describe, expect, test } from 'vitest';
import type { AnalyticsEvent, TraceContext } from '../src/index.ts';
import { turn } from './support/clock.ts';
import { revoked } from './support/odd.ts';
import { type Rig, rig } from './support/rig.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const asUuid = '4bf92f35-77b3-4da6-a3ce-929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
const uuid = '0190b0c4-7a1e-7000-8000-00000000000a';

const hex = (id: string): string => id.replaceAll('-', '');

/** Runs and parents of what was recorded, by name. */
async function seen({ analytics, side }: Rig): Promise<Record<string, unknown>> {
  await analytics.flush();
  const executions = side.held.filter((event: AnalyticsEvent) => event.type === 'execution');
  return Object.fromEntries(executions.map(({ name, runId, parentId }) => [name, [runId, parentId]]));
}

describe('what goes out', () => {
  test('is nothing outside of any run and execution', () => {
    const { analytics } = rig();
    expect(analytics.traceContext()).toEqual({});
    analytics.withContext({ userId: 'ada' }, () => expect(analytics.traceContext()).toEqual({}));
  });

  test('is the trace of the run; the execution under way is the parent', async () => {
    const { analytics } = rig();
    await analytics.trackRun({}, async (run) => {
      expect(analytics.traceContext()).toEqual({
        traceparent: `00-${hex(run.id)}-${hex(run.id).slice(16)}-01`,
        tracestate: `toolweaver=r:${run.id}`,
      });
      await analytics.trackOperation('outer', (outer) =>
        analytics.trackOperation('inner', async ({ id }) => {
          await turn();
          expect(analytics.traceContext()).toEqual({
            traceparent: `00-${hex(run.id)}-${hex(id).slice(16)}-01`,
            tracestate: `toolweaver=p:${id};o:${outer.id};r:${run.id}`,
          });
        }),
      );
    });
  });

  test.each([{}, { id: 'nightly' }])(
    'without the UUID of a run is that of the outermost execution: %j',
    async (options) => {
      const { analytics } = rig();
      const body = () =>
        analytics.trackOperation('outer', (outer) =>
          analytics.trackOperation('inner', (inner) => {
            const { traceparent, tracestate } = analytics.traceContext();
            expect(traceparent).toBe(`00-${hex(outer.id)}-${hex(inner.id).slice(16)}-01`);
            const ofRun = options.id === undefined ? '' : `;o:${outer.id};r:nightly`;
            expect(tracestate).toBe(`toolweaver=p:${inner.id}${ofRun}`);
          }),
        );
      await (options.id === undefined ? body() : analytics.trackRun(options, body));
    },
  );

  test('keeps the name of any run in what a header can hold', () => {
    const { analytics } = rig();
    analytics.withContext({ runId: 'a,b=c;ä', parentId: uuid }, () => {
      expect(analytics.traceContext()).toEqual({
        traceparent: `00-${hex(uuid)}-${hex(uuid).slice(16)}-01`,
        tracestate: `toolweaver=p:${uuid};r:a%2Cb%3Dc%3B%C3%A4`,
      });
    });
  });

  test('is empty for ids that no header may have', async () => {
    const zeros = '00000000-0000-0000-0000-000000000000';
    const { analytics } = rig({}, { newId: () => 'none' });
    analytics.withContext({ runId: zeros }, () => expect(analytics.traceContext()).toEqual({}));
    analytics.withContext({ runId: uuid, parentId: zeros }, () => expect(analytics.traceContext()).toEqual({}));
    await analytics.trackOperation('without an id', () => expect(analytics.traceContext()).toEqual({}));
  });

  test('leaves out a state that is too long for a header', () => {
    const { analytics } = rig();
    analytics.withContext({ runId: 'ä'.repeat(256), parentId: uuid }, () => {
      expect(Object.keys(analytics.traceContext())).toEqual(['traceparent']);
      analytics.withTraceContext({ traceparent, tracestate: 'other=1' }, () => {
        expect(analytics.traceContext().tracestate).toBe('other=1');
      });
    });
  });
});

describe('what comes in', () => {
  test.each<[string, (sent: TraceContext) => never]>([
    ['an object', (sent) => sent as never],
    ['headers of fetch', (sent) => new Headers({ ...sent }) as never],
    ['capitals', ({ traceparent, tracestate }) => ({ Traceparent: traceparent, TRACESTATE: tracestate }) as never],
  ])('from a client of this kind, in %s, names caller and run exactly', async (_, carried) => {
    const [here, there] = [rig(), rig()];
    for (const runId of ['nightly; a=b, ä', undefined]) {
      await here.analytics.withContext({ runId }, () =>
        here.analytics.trackOperation('caller', ({ id }) => {
          const sent = here.analytics.traceContext();
          there.analytics.withTraceContext(carried(sent), () => {
            there.record(`of ${runId}`);
            // And the trace goes on.
            expect(there.analytics.traceContext().traceparent?.slice(0, 35)).toBe(sent.traceparent?.slice(0, 35));
          });
          return seen(there).then((all) => expect(all[`of ${runId}`]).toEqual([runId, id]));
        }),
      );
    }
  });

  test('from another tracer is the run, and goes on with its state', async () => {
    const made = rig();
    const { analytics, record } = made;
    analytics.withTraceContext({ traceparent: traceparent.replace(/1$/, '0'), tracestate: 'a=1, b=2' }, () => {
      record('of the trace');
      expect(analytics.traceContext()).toEqual({
        traceparent: traceparent.replace(/1$/, '0'),
        tracestate: `toolweaver=o:${asUuid};r:${asUuid},a=1,b=2`,
      });
    });
    await analytics.withTraceContext({ traceparent }, () =>
      analytics.trackRun({ id: 'mine' }, () =>
        analytics.trackOperation('of my run', ({ id }) => {
          expect(analytics.traceContext().traceparent).toBe(`00-${traceId}-${hex(id).slice(16)}-01`);
        }),
      ),
    );
    analytics.withContext({ runId: 'around', parentId: uuid }, () =>
      analytics.withTraceContext({ traceparent }, () => record('of the run around')),
    );
    expect(await seen(made)).toEqual({
      'of the trace': [asUuid, undefined],
      'of my run': ['mine', undefined],
      'of the run around': ['around', uuid],
    });
  });

  test('replaces what an earlier client of this kind has said of itself', async () => {
    const { analytics } = rig();
    const tracestate = `a=1,toolweaver=p:${uuid};r:old,b=2`;
    await analytics.withTraceContext({ traceparent, tracestate }, () =>
      analytics.trackOperation('next', ({ id }) => {
        expect(analytics.traceContext().tracestate).toBe(`toolweaver=p:${id};o:${uuid};r:old,a=1,b=2`);
      }),
    );
  });

  test('may be of a later version, which may say more', async () => {
    const made = rig();
    made.analytics.withTraceContext({ traceparent: `01${traceparent.slice(2)}-more` }, () => made.record('e'));
    expect(await seen(made)).toEqual({ e: [asUuid, undefined] });
  });

  test.each([
    ['a parent that is no UUID', 'p:x;r:r'],
    ['a run that cannot be decoded', `p:${uuid};r:%`],
  ])('may have %s in our member, which costs nothing but that', async (_, own) => {
    const made = rig();
    made.analytics.withTraceContext({ traceparent, tracestate: `vendor=1,toolweaver=${own}` }, () => {
      made.record('e');
      expect(made.analytics.traceContext()).toMatchObject({
        traceparent: expect.stringContaining(traceId),
        tracestate: expect.stringMatching(/,vendor=1$/),
      });
    });
    expect(await seen(made)).toEqual({ e: [asUuid, undefined] });
  });

  test('goes on with the 32 members at most that a header may have', () => {
    const { analytics } = rig();
    const tracestate = Array.from({ length: 32 }, (_, at) => `v${at}=1`).join();
    analytics.withTraceContext({ traceparent, tracestate }, () => {
      const members = analytics.traceContext().tracestate?.split(',') ?? [];
      expect(members).toHaveLength(32);
      expect(members[0]).toMatch(/^toolweaver=/);
      expect(members.slice(1)).toEqual(tracestate.split(',').slice(0, 31));
    });
  });

  test.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['null', () => null],
    ['a string', () => traceparent],
    ['no header', () => ({ tracestate: `toolweaver=p:${uuid}` })],
    ['an empty header', () => ({ traceparent: '' })],
    ['a header of another type', () => ({ traceparent: 5 })],
    ['two headers', () => ({ traceparent: `${traceparent}, ${traceparent}` })],
    ['capitals', () => ({ traceparent: traceparent.toUpperCase() })],
    ['the version that is none', () => ({ traceparent: `ff${traceparent.slice(2)}` })],
    ['more than this version says', () => ({ traceparent: `${traceparent}-more` })],
    ['a trace of zeros', () => ({ traceparent: traceparent.replace(traceId, '0'.repeat(32)) })],
    ['a parent of zeros', () => ({ traceparent: `00-${traceId}-${'0'.repeat(16)}-01` })],
    ['a revoked proxy', revoked],
  ])('as %s is ignored', async (_, headers) => {
    const made = rig();
    expect(made.analytics.withTraceContext(headers() as never, () => made.record('e') ?? 'called')).toBe('called');
    expect(await seen(made)).toEqual({ e: [undefined, undefined] });
    expect(made.errors).toEqual([]);
  });
});
