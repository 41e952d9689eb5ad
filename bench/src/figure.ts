import type { Sample } from './measure.ts';

export const measures = ['b1', 'b2', 'b2o', 'b3', 'b4', 'b5', 'b6', 'b7', 'b8', 'b10'] as const;
export type MeasureId = (typeof measures)[number];

interface Target {
  readonly op: '<=' | '>=';
  readonly value: number;
}

/** One line of the result. */
export interface Figure {
  readonly measure: MeasureId;
  readonly name: string;
  readonly unit: 'ratio' | 'ms' | 'ns' | 'bytes' | 'MB' | 'series' | 'points';
  /** Median of the rounds. */
  readonly value: number;
  /** The lowest and the highest round: how noisy the figure is. */
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
  readonly target: Target | null;
  /** `stated`: there is no target for it. */
  readonly verdict: 'met' | 'missed' | 'stated';
  /** What the figure is made of, medians; the unit stands in the name. */
  readonly details: Readonly<Record<string, number>>;
  /** What one must know to read it. */
  readonly note: string | null;
}

export interface FigureText {
  readonly measure: MeasureId;
  readonly name: string;
  readonly unit: Figure['unit'];
  readonly target?: Target;
  readonly details?: Figure['details'];
  readonly note?: string;
}

export function figure(text: FigureText, { median: value, low, high, rounds }: Sample): Figure {
  const { measure, name, unit, target = null, details = {}, note = null } = text;
  return { measure, name, unit, value, low, high, rounds, target, verdict: verdictOn(value, target), details, note };
}

function verdictOn(value: number, target: Target | null): Figure['verdict'] {
  if (target === null) {
    return 'stated';
  }
  return (target.op === '<=' ? value <= target.value : value >= target.value) ? 'met' : 'missed';
}

/** What every measure gets. */
export interface Setting {
  /** A few seconds for all of them: shows that they work, and little more. */
  readonly quick: boolean;
  /** How many the stored history of b5 has. */
  readonly executions: number;
  /** The folder of what takes long to make, and is kept. */
  readonly cache: string;
  /** A new path in a folder that is removed at the end. */
  newPath(name: string): string;
  /** To be called between any two things that take long. Throws when the user wants to stop. */
  progress(text: string): void;
  /** One line for who waits for minutes, also where nobody watches. */
  announce(text: string): void;
}

export type Measure = (setting: Setting) => Promise<Figure[]>;
