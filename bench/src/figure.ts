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
  /** The median of the rounds. */
  readonly value: number;
  /** The lowest round; with `high`, the highest, it shows how noisy the figure is. */
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
  readonly target: Target | null;
  /** `stated`: the figure has no target. */
  readonly verdict: 'met' | 'missed' | 'stated';
  /** The medians from which the figure is calculated. Their names contain the unit. */
  readonly details: Readonly<Record<string, number>>;
  /** What readers must know to understand the figure. */
  readonly note: string | null;
}

export interface FigureText {
  readonly measure: MeasureId;
  readonly name: string;
  readonly unit: Figure['unit'];
  readonly target?: Target;
  readonly details?: Figure['details'];
  readonly note?: string | undefined;
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
  /** Whether to take only a few seconds for all measures, which shows little more than that they work. */
  readonly quick: boolean;
  /** The number of executions in the stored history of b5. */
  readonly executions: number;
  /** The folder for files that take long to make and are kept. */
  readonly cache: string;
  /** Returns a new path in a folder that is removed at the end. */
  newPath(name: string): string;
  /** Reports progress. Call it between long steps, because it throws when the user wants to stop. */
  progress(text: string): void;
  /** Prints one line before a wait of minutes, also without a terminal. */
  announce(text: string): void;
}

export type Measure = (setting: Setting) => Promise<Figure[]>;
