import {
  AnalyticsError,
  type AnalyticsEvent,
  type AnalyticsReader,
  type Backend,
  type ExecutionEvent,
} from '@toolweaver/analytics-core';
import type { Subject } from '@toolweaver/analytics-testkit';
import { type Control, control } from '../control/control.ts';

export type Mutant = () => Subject | Promise<Subject>;
/** Broken backends, by the law that has to find them and by what is wrong with them. */
export type Mutants = Readonly<Record<string, Readonly<Record<string, Mutant>>>>;

/** The control backend with some of its members replaced. */
export function altered(change: (backend: Backend, subject: Control) => Partial<Backend>): Mutant {
  return () => {
    const subject = control();
    return { ...subject, backend: { ...subject.backend, ...change(subject.backend, subject) } };
  };
}

/** Delivers something else than what it was given. */
export function storing(change: (event: AnalyticsEvent) => AnalyticsEvent | readonly AnalyticsEvent[]): Mutant {
  return altered(({ write, writeSync }) => ({
    write: (events) => write(events.flatMap(change)),
    writeSync: (events) => writeSync?.(events.flatMap(change)),
  }));
}

export function storingExecutions(change: (event: ExecutionEvent) => object): Mutant {
  return storing((event) => (event.type === 'execution' ? { ...event, ...change(event) } : event));
}

/** Answers wrongly. */
export function reading(change: (reader: AnalyticsReader, subject: Control) => Partial<AnalyticsReader>): Mutant {
  return altered(({ reader }, subject) =>
    reader === undefined ? {} : { reader: { ...reader, ...change(reader as AnalyticsReader, subject) } },
  );
}

type Asked<Q extends keyof AnalyticsReader> = Parameters<AnalyticsReader[Q]>;
type Answer<Q extends keyof AnalyticsReader> = Awaited<ReturnType<AnalyticsReader[Q]>>;
type Questions = Record<keyof AnalyticsReader, (...asked: readonly unknown[]) => Promise<unknown>>;

/** Answers another question than it was asked. */
export function misheard<Q extends keyof AnalyticsReader>(
  question: Q,
  change: (...asked: Asked<Q>) => Asked<Q>,
): Mutant {
  return reading((reader) => ({
    [question]: async (...asked: Asked<Q>) => (reader as unknown as Questions)[question](...change(...asked)),
  }));
}

/** Forgets some of the options that the question is asked with, which come first. */
export function forgetting<Q extends keyof AnalyticsReader>(question: Q, ...fields: readonly string[]): Mutant {
  const nothing = Object.fromEntries(fields.map((field) => [field, undefined]));
  return misheard(
    question,
    (...[options, ...others]) => [{ ...(options as object), ...nothing }, ...others] as unknown as Asked<Q>,
  );
}

/** Answers something else than what is right. */
export function misspoken<Q extends keyof AnalyticsReader>(
  question: Q,
  change: (right: Answer<Q>, ...asked: Asked<Q>) => Answer<Q>,
): Mutant {
  return reading((reader) => ({
    [question]: async (...asked: Asked<Q>) =>
      change((await (reader as unknown as Questions)[question](...asked)) as Answer<Q>, ...asked),
  }));
}

/** An answer with some fields replaced. */
export async function but<T extends object>(answer: Promise<T>, change: (answer: T) => Partial<T>): Promise<T> {
  const right = await answer;
  return { ...right, ...change(right) };
}

export function unavailable(message: string): AnalyticsError {
  return new AnalyticsError('BACKEND_UNAVAILABLE', message);
}

export function never(): Promise<never> {
  return new Promise(() => {});
}
