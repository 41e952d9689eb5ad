import { expect } from 'vitest';
import type { Analytics, BackendStats, DropReason } from '../../src/index.ts';

export function statsOf(analytics: Analytics, backend = 'far'): BackendStats {
  const stats = analytics.stats().backends[backend];
  if (stats === undefined) {
    throw new Error(`no backend is called ${backend}`);
  }
  return stats;
}

/** The drops that are not 0. */
export function dropsOf(analytics: Analytics, backend = 'far'): Partial<Record<DropReason, number>> {
  return Object.fromEntries(Object.entries(statsOf(analytics, backend).dropped).filter(([, count]) => count !== 0));
}

/** Asserts the identity that must hold at any instant, for every backend. */
export function expectBalanced(analytics: Analytics): void {
  for (const [name, { accepted, delivered, queued, dropped }] of Object.entries(analytics.stats().backends)) {
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    expect({ name, accepted }).toEqual({ name, accepted: delivered + queued + lost });
  }
}
