import assert from 'node:assert/strict';
import type { Observation, Subject } from './subject.ts';
import { type Create, startTrial, type Trial } from './trial.ts';

/** What a subject, its backend or its `observe()` must offer so that a law can be checked. */
export type Need =
  | 'check()'
  | keyof Pick<Subject, 'breakFarSide' | 'repairFarSide' | 'reopen'>
  | Exclude<keyof Observation, 'executions'>;
/** A feature that only some backends have. A law about it does not apply to the others. */
export type Trait =
  | 'check()'
  | 'closing()'
  | 'counting delivery'
  | 'immediate delivery'
  | 'reader'
  | 'secrets'
  | 'writeSync()';

/** One promise of a backend. */
export interface Law {
  /** The law as an English sentence, by which `skip` refers to it. */
  readonly law: string;
  /** What the law needs: without it, the law fails. If the far side cannot offer it, skip the law with a reason. */
  readonly needs?: readonly Need[];
  /** The law applies only to backends with this trait. */
  readonly only?: Trait;
  /** Rejects with an AssertionError, or with what the backend threw, when the backend breaks the promise. */
  readonly check: (trial: Trial) => Promise<void>;
}

/** What a law throws that finds on the way that it does not apply; the message says why. */
export class NotApplicable extends Error {}

/** Options of `checkLaw`. */
export interface CheckOptions {
  /** The longest that one call of the backend or the subject may take, in ms. Default: 10000. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Checks one law against a new subject, then closes and disposes of that subject.
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
    if (error instanceof NotApplicable) {
      reason = error.message;
    } else {
      failure = { error };
    }
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
    case 'closing()':
      return backend.closing !== undefined;
    case 'counting delivery':
      return backend.delivery === 'counting';
    case 'immediate delivery':
      return typeof backend.delivery === 'string';
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
