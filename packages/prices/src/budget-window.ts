import type { Window } from '@toolweaver/analytics-core';
import type { OptionChecks } from '@toolweaver/analytics-core/backend';

/** A UTC hour, day or month, or windows of `ms` milliseconds, counted from the Unix epoch. */
export type BudgetWindow = 'hour' | 'day' | 'month' | { readonly ms: number };

const lengthsMs = { hour: 3_600_000, day: 86_400_000 } as const;
/** About 317 years. */
const maxWindowMs = 1e13;

/** The window that a Unix time in ms lies in. */
export function windowAt(at: number, window: BudgetWindow): Window {
  if (window === 'month') {
    const [year, month] = [new Date(at).getUTCFullYear(), new Date(at).getUTCMonth()];
    return { from: Date.UTC(year, month), to: Date.UTC(year, month + 1) };
  }
  const ms = typeof window === 'object' ? window.ms : lengthsMs[window];
  const from = Math.floor(at / ms) * ms;
  return { from, to: from + ms };
}

/** Returns the window; a day if it is wrong, which is a problem then. */
export function checkWindow(check: OptionChecks, window: BudgetWindow | undefined): BudgetWindow {
  if (typeof window === 'object' && window !== null) {
    const { ms } = check.group('window', window, { ms: true });
    check.required.number('window.ms', ms, { min: 1000, max: maxWindowMs });
    return window;
  }
  const isKnown = ['hour', 'day', 'month'].some((known) => known === window);
  return check.expect('window', window, isKnown, 'hour, day, month or { ms: number }') ?? 'day';
}
