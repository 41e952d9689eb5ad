import { type AnalyticsEvent, type AnalyticsReader, type Backend, memory } from '@toolweaver/analytics-core';
import {
  checkLaw,
  type Law,
  laws,
  type Skip,
  type Subject,
  type SuiteOptions,
  tally,
  testBackend,
} from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';
import { control } from './control/control.ts';
import { mutants } from './mutants/index.ts';

interface Outcome {
  readonly name: string;
  readonly skipped: string | undefined;
  readonly error: Error | undefined;
}

/** Runs the suite under a runner that only takes notes. */
async function run(options: Omit<SuiteOptions, 'test'>): Promise<Outcome[]> {
  const tests: { name: string; run: Parameters<SuiteOptions['test']>[1] }[] = [];
  testBackend({ ...options, test: (name, body) => tests.push({ name, run: body }) });
  const outcomes: Outcome[] = [];
  for (const { name, run: body } of tests) {
    let skipped: string | undefined;
    let error: Error | undefined;
    try {
      await body({
        skip(reason) {
          skipped = reason;
        },
      });
    } catch (thrown) {
      error = thrown as Error;
    }
    outcomes.push({ name, skipped, error });
  }
  return outcomes;
}

function failed(outcomes: readonly Outcome[]): Record<string, string | undefined> {
  return Object.fromEntries(outcomes.flatMap(({ name, error }) => (error ? [[name, error.message]] : [])));
}

const create = (): Subject => control();
const bare = (): Subject => {
  const store = memory();
  return { backend: store, observe: () => ({ executions: tally(store.events).executions }) };
};
const amnesia = 'names are told apart';
const forgetful = mutants[amnesia]?.['has one name for all'] as () => Subject;
const skipsLaw = 'every skip names a law, once, and gives a reason';

test('there is one test for each law, and one for the skips', async () => {
  const outcomes = await run({ create });
  expect(outcomes.map(({ name }) => name)).toEqual([skipsLaw, ...laws.map(({ law }) => law)]);
  expect(failed(outcomes)).toEqual({});
});

describe('a skip', () => {
  const reason = 'it has one name for everything';

  test('is checked, and shown with its reason', async () => {
    const outcomes = await run({ create: forgetful, skip: [{ law: amnesia, reason }] });
    expect(outcomes).toContainEqual({ name: `${amnesia} [skipped: ${reason}]`, skipped: reason, error: undefined });
  });

  test('fails when the law holds', async () => {
    const outcomes = await run({ create, skip: [{ law: amnesia, reason }] });
    expect(failed(outcomes)).toEqual({
      [`${amnesia} [skipped: ${reason}]`]: `"${amnesia}" needs no skip: the law holds; delete it`,
    });
  });

  test('fails when the law does not apply', async () => {
    const law = 'writeSync delivers before it returns';
    const withoutWriteSync = (): Subject => {
      const { backend, ...subject } = control();
      const { writeSync: _, ...rest } = backend;
      return { ...subject, backend: rest };
    };
    expect(failed(await run({ create: withoutWriteSync, skip: [{ law, reason }] }))).toEqual({
      [`${law} [skipped: ${reason}]`]: `"${law}" needs no skip: the backend has no writeSync(); delete it`,
    });
  });

  test.each<[what: string, skip: readonly Skip[], problem: string]>([
    ['names no law', [{ law: 'Names are told apart', reason }], 'no law says "Names are told apart"'],
    ['has no reason', [{ law: amnesia, reason: ' ' }], `"${amnesia}" is skipped without a reason`],
    [
      'is there twice',
      [
        { law: amnesia, reason },
        { law: amnesia, reason },
      ],
      `"${amnesia}" is skipped twice`,
    ],
  ])('fails when it %s', async (_what, skip, problem) => {
    const outcomes = await run({ create: forgetful, skip });
    expect(failed(outcomes)[skipsLaw]).toContain(problem);
  });
});

describe('a law that needs what the subject does not offer', () => {
  test('fails, and says what to do', async () => {
    const problems = failed(await run({ create: bare }));
    const needy = laws.filter(({ needs = [], only }) => needs.some((need) => need !== 'check()') && only === undefined);
    expect(Object.keys(problems)).toEqual(needy.map(({ law }) => law));
    expect(problems['ratings arrive']).toBe(
      '"ratings arrive" needs an observe() that gives `ratings`; if it cannot, skip this law with a reason',
    );
    expect(problems['close resolves although the far side is broken']).toContain('needs a subject with `breakFarSide`');
  });

  test('can be skipped', async () => {
    const law = 'ratings arrive';
    const outcomes = await run({ create: bare, skip: [{ law, reason: 'it keeps executions only' }] });
    expect(failed(outcomes)).not.toHaveProperty([`${law} [skipped: it keeps executions only]`]);
  });
});

test('a law about what only some backends have is skipped for the others', async () => {
  const outcomes = await run({ create: bare });
  const skipped = outcomes.flatMap(({ name, skipped: reason }) => (reason ? [[name, reason]] : []));
  expect(Object.fromEntries(skipped)).toMatchObject({
    'an immediate write is done when it returns': 'the backend has no immediate delivery',
    'the summary agrees with the far side': 'the backend has no reader',
    'no error shows a secret': 'the subject names no secrets',
  });
});

describe('of a reader that lacks some questions', () => {
  const questions = Object.keys(control().backend.reader ?? {}) as (keyof AnalyticsReader)[];
  const lacking =
    (...missing: readonly (keyof AnalyticsReader)[]) =>
    (): Subject => {
      const subject = control();
      const entries = Object.entries(subject.backend.reader ?? {});
      const reader = Object.fromEntries(entries.filter(([question]) => !missing.some((one) => one === question)));
      return { ...subject, backend: { ...subject.backend, reader: reader as unknown as AnalyticsReader } };
    };
  const reasons = (outcomes: readonly Outcome[]): Record<string, string> =>
    Object.fromEntries(outcomes.flatMap(({ name, skipped }) => (skipped === undefined ? [] : [[name, skipped]])));

  test('no law fails, and those about a lacking one do not apply', async () => {
    const outcomes = await run({ create: lacking('getRun') });
    const whole = reasons(await run({ create }));
    expect(failed(outcomes)).toEqual({});
    const notApplicable = Object.entries(reasons(outcomes)).filter(([name]) => !(name in whole));
    expect(Object.fromEntries(notApplicable)).toEqual({
      'a run is what its events and its executions say together': 'the reader has no getRun()',
    });
  });

  test('no law of readers applies to one that has none', async () => {
    const outcomes = await run({ create: lacking(...questions) });
    expect(failed(outcomes)).toEqual({});
    const ofReaders = laws.filter(({ only }) => only === 'reader').map(({ law }) => law);
    for (const law of ofReaders) {
      expect(reasons(outcomes)[law]).toMatch(/^the reader has no \w+\(\)$/);
    }
  });

  test('the others are checked all the same', async () => {
    const law = laws.find((one) => one.law === 'the reader refuses wrong options and names all of them') as Law;
    const careless = (): Subject => {
      const subject = lacking('getSkillUsage')();
      const reader = { ...(subject.backend.reader as AnalyticsReader), getErrors: async () => [] as never };
      return { ...subject, backend: { ...subject.backend, reader } };
    };
    await expect(checkLaw(law, careless)).rejects.toThrow('getErrors([{"limit":1001}]) resolved');
  });
});

describe('each law', () => {
  test('gets a subject of its own, whose backend is closed once and which is disposed of after that', async () => {
    const lives: string[][] = [];
    const outcomes = await run({
      create() {
        const life: string[] = [];
        lives.push(life);
        const subject = control();
        const watched = (backend: Backend): Backend => ({
          ...backend,
          async close() {
            life.push('closed');
            await backend.close?.();
          },
        });
        return {
          ...subject,
          backend: watched(subject.backend),
          dispose() {
            life.push('disposed');
          },
        };
      },
    });
    expect(failed(outcomes)).toEqual({});
    expect(lives.length).toBeGreaterThanOrEqual(laws.length);
    for (const life of lives) {
      expect(life).toEqual(['closed', 'disposed']);
    }
  });

  test('fails when the subject cannot be made, observed or disposed of', async () => {
    const broken = new Error('no port is free');
    const throwing = (): never => {
      throw broken;
    };
    const first = 'a fresh far side shows nothing';
    expect(failed(await run({ create: throwing }))[first]).toBe(broken.message);
    expect(failed(await run({ create: () => ({ ...control(), observe: throwing }) }))[first]).toBe(broken.message);
    expect(failed(await run({ create: () => ({ ...control(), dispose: throwing }) }))[first]).toBe(broken.message);
  });

  test('waits no longer than it was told to', async () => {
    const outcomes = await run({
      timeoutMs: 5,
      create: () => ({ ...control(), backend: { ...control().backend, write: () => new Promise(() => {}) } }),
    });
    expect(failed(outcomes)[amnesia]).toBe('write() took longer than 5 ms');
  });

  test('calls what is given as a method', async () => {
    class Far implements Subject {
      readonly #store = memory();
      readonly backend = this.#store;
      observe() {
        return tally(this.#store.events);
      }
    }
    expect(failed(await run({ create: () => new Far() }))).not.toHaveProperty([amnesia]);
  });
});

test.each([
  [undefined, '2 problems'],
  [{}, /test: must be a function.*create: must be a function/s],
  [{ test, create, skips: [] }, 'skips: is not an option; the options are test, create, skip, timeoutMs'],
  [{ test, create, skip: amnesia }, 'skip: must be a list of { law, reason }, both of them strings'],
  [{ test, create, skip: [{ law: amnesia }] }, 'skip: must be a list of { law, reason }, both of them strings'],
  [{ test, create, timeoutMs: Number.NaN }, 'timeoutMs: must be a number above 0'],
])('refuses the options %o', (options, message) => {
  expect(() => testBackend(options as SuiteOptions)).toThrow(message);
});

test.each([
  undefined,
  memory(),
  { backend: memory() },
  { ...control(), backend: Promise.resolve(memory()) },
  { ...control(), backend: { ...memory(), delivery: undefined } },
])('what create() gives has to be a subject', async (subject) => {
  const outcomes = await run({ create: () => subject as unknown as Subject });
  const { [skipsLaw]: ofSkips, ...ofLaws } = failed(outcomes);
  expect(ofSkips).toBeUndefined();
  expect(new Set(Object.values(ofLaws))).toEqual(
    new Set(['create() must give a subject: { backend, observe() }, its backend awaited and with `delivery`']),
  );
});

test.each(['names are told apart', 'every field of every event survives'])(
  'where a write that is not awaited leaves something out, the likeliest reason is said: %s',
  async (sentence) => {
    const store = memory();
    let due = Promise.resolve();
    const unawaited = (): Subject => ({
      backend: {
        ...store,
        write(events) {
          const batch = [...events];
          due = new Promise((resolve) => setImmediate(resolve)).then(() => store.write(batch));
        },
      },
      observe: () => tally(store.events),
    });
    const law = laws.find((one) => one.law === sentence) as Law;
    await expect(checkLaw(law, unawaited)).rejects.toThrow(
      /(?:not there|is missing on the far side).*write\(\) must not resolve before the far side has them/s,
    );
    await due;
  },
);

test('what only differs has no such reason', async () => {
  const law = laws.find((one) => one.law === 'successes and failures are told apart') as Law;
  const rosy = (): Subject => {
    const store = memory();
    const succeeded = (event: AnalyticsEvent): AnalyticsEvent => ({ ...event, success: true }) as AnalyticsEvent;
    return { backend: store, observe: () => tally(store.events.map(succeeded)) };
  };
  await expect(checkLaw(law, rosy)).rejects.toThrow(/failures is 0 on the far side, should be \d+(?!.*must not)/s);
});

test.each([undefined, [], { events: [] }])('with %j for an observation no law of what arrives holds', async (odd) => {
  const law = laws.find((one) => one.law === 'an execution arrives once, with its outcome and its latency');
  const subject = (): Subject => ({ backend: memory(), observe: () => odd as never });
  await expect(checkLaw(law as Law, subject)).rejects.toThrow(
    'observe() must give `executions`, as tally(events) does',
  );
});
