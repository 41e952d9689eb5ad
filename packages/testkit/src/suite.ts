import assert from 'node:assert/strict';
import { checkOptions, type OptionNames } from '@toolweaver/analytics-core/backend';
import { checkLaw, type Law } from './law.ts';
import { laws } from './laws.ts';
import type { Create } from './trial.ts';

/** The part of a runner's test context that the suite uses. */
export interface TestContext {
  /** Marks the running test as skipped, because its law does not apply or is in `skip`. Without it such a test passes. */
  skip?(reason?: string): unknown;
}

/** A law that a backend cannot keep. */
export interface Skip {
  /** The whole sentence of the law. */
  readonly law: string;
  /** Why the backend cannot keep it. The runner shows the reason. */
  readonly reason: string;
}

/** Options of `testBackend`. */
export interface SuiteOptions {
  /** The `test` of vitest, node:test or any other runner that takes a name and an asynchronous function. */
  readonly test: (name: string, run: (context?: TestContext) => Promise<void>) => unknown;
  /** Makes a new subject that shares nothing with earlier ones. */
  readonly create: Create;
  /** Laws that the backend cannot keep. Each is checked all the same and has to fail, so that no skip outlives its reason. */
  readonly skip?: readonly Skip[] | undefined;
  /** The longest that one call of the backend or the subject may take, in ms. Default: 10000. */
  readonly timeoutMs?: number | undefined;
}

const optionNames: OptionNames<SuiteOptions> = { test: true, create: true, skip: true, timeoutMs: true };

/**
 * Defines one test for each law, and one that checks `skip` itself.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem of the options.
 */
export function testBackend(options: SuiteOptions): void {
  checkSuite(options);
  const { test, create, skip = [], timeoutMs } = options;
  test('every skip names a law, once, and gives a reason', async () => {
    const wrong = problemsOf(skip);
    assert.ok(wrong.length === 0, `wrong skips:\n  ${wrong.join('\n  ')}`);
  });

  for (const law of laws) {
    const skipped = skip.find((entry) => entry.law === law.law);
    const name = skipped === undefined ? law.law : `${law.law} [skipped: ${skipped.reason}]`;
    // No declared parameter: some runners treat a function that has one as a callback-style test.
    test(name, async (...[context]) => {
      if (skipped === undefined) {
        const reason = await checkLaw(law, create, { timeoutMs });
        if (reason !== undefined) {
          context?.skip?.(reason);
        }
        return;
      }
      await isNeeded(law, create, timeoutMs);
      context?.skip?.(skipped.reason);
    });
  }
}

function checkSuite(options: SuiteOptions): void {
  const isSkip = ({ law, reason }: Record<keyof Skip, unknown>): boolean =>
    typeof law === 'string' && typeof reason === 'string';
  checkOptions(options, optionNames, (check, { test, create, skip = [], timeoutMs }) => {
    check.required.callback('test', test);
    check.required.callback('create', create);
    const areSkips = Array.isArray(skip) && skip.every((entry) => isSkip(Object(entry)));
    check.expect('skip', skip, areSkips, 'a list of { law, reason }, both of them strings');
    check.number('timeoutMs', timeoutMs, { above: 0, max: Infinity });
  });
}

function problemsOf(skip: readonly Skip[]): string[] {
  return skip.flatMap(({ law, reason }, at) => {
    const problems: string[] = [];
    if (!laws.some((one) => one.law === law)) {
      problems.push(`no law says "${law}"`);
    }
    if (skip.findIndex((entry) => entry.law === law) !== at) {
      problems.push(`"${law}" is skipped twice`);
    }
    if (reason.trim() === '') {
      problems.push(`"${law}" is skipped without a reason`);
    }
    return problems;
  });
}

async function isNeeded(law: Law, create: Create, timeoutMs: number | undefined): Promise<void> {
  let held: string | undefined;
  try {
    held = (await checkLaw(law, create, { timeoutMs })) ?? 'the law holds';
  } catch {
    return;
  }
  assert.fail(`"${law.law}" needs no skip: ${held}; delete it`);
}
