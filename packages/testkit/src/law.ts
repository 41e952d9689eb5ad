import assert from 'node:assert/strict';
import type { Observation, Subject } from './subject.ts';
import { type Create, startTrial, type Trial } from './trial.ts';

/** What a subject must offer for a law to be checked at all. */
export type Need =
  | 'check()'
  | keyof Pick<Subject, 'breakFarSide' | 'repairFarSide' | 'reopen'>
  | Exclude<keyof Observation, 'executions'>;
/** What only some backends have; the law says nothing about the others. */
export type Trait = 'check()' | 'immediate delivery' | 'reader' | 'secrets' | 'writeSync()';

/** One promise of a backend. */
export interface Law {
  /** An English sentence; `skip` refers to it. */
  readonly law: string;
  /** Without these the law fails; if the far side cannot give them, skip it with a reason. */
  readonly needs?: readonly Need[];
  /** Without this the law does not apply. */
  readonly only?: Trait;
  /** Rejects with an AssertionError, or with what the backend threw, when the promise is broken. */
  readonly check: (trial: Trial) => Promise<void>;
}

/** How long `checkLaw` waits for a backend. */
export interface CheckOptions {
  /** The longest that one call of the backend or the subject may take. Default: 10000. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Checks one law against a new subject, which it closes and disposes of.
 * @returns why the law does not apply, or undefined when it holds.
 * @throws what the law found wrong.
 */
export async function checkLaw(
  { law, needs = [], only, check }: Law,
  create: Create,
  { timeoutMs = 10_000 }: CheckOptions = {},
): Promise<string | undefined> {
  const trial = await startTrial(create, timeoutMs);
  let failure: { readonly error: unknown } | undefined;
  let reason: string | undefined;
  try {
    if (only !== undefined && !has(trial, only)) {
      reason = only === 'secrets' ? 'the subject names no secrets' : `the backend has no ${only}`;
    } else {
      for (const need of needs) {
        assert.ok(await offers(trial, need), `"${law}" ${lack(need)}; if it cannot, skip this law with a reason`);
      }
      await check(trial);
    }
  } catch (error) {
    failure = { error };
  }
  try {
    await trial.end();
  } catch (error) {
    failure ??= { error };
  }
  if (failure !== undefined) {
    throw failure.error;
  }
  return reason;
}

function has({ subject, backend }: Trial, trait: Trait): boolean {
  switch (trait) {
    case 'check()':
      return backend.check !== undefined;
    case 'immediate delivery':
      return backend.delivery === 'immediate';
    case 'reader':
      return backend.reader !== undefined;
    case 'secrets':
      return (subject.secrets ?? []).length > 0;
    case 'writeSync()':
      return backend.writeSync !== undefined;
  }
}

async function offers(trial: Trial, need: Need): Promise<boolean> {
  switch (need) {
    case 'check()':
      return trial.backend.check !== undefined;
    case 'breakFarSide':
    case 'repairFarSide':
    case 'reopen':
      return trial.subject[need] !== undefined;
    default:
      return (await trial.observe())[need] !== undefined;
  }
}

function lack(need: Need): string {
  switch (need) {
    case 'check()':
      return 'needs a backend with a `check`';
    case 'breakFarSide':
    case 'repairFarSide':
    case 'reopen':
      return `needs a subject with \`${need}\``;
    default:
      return `needs an observe() that gives \`${need}\``;
  }
}
