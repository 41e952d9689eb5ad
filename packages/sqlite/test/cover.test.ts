import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cover } from '../src/answers/cover.ts';
import type { Extent } from '../src/answers/extent.ts';

const hour = 3_600_000;
const day = 24 * hour;
const month = 32 * day;
const midnight = Date.UTC(2026, 2, 1);
/** An organisation has nothing wider than days. */
const widestOf = (finest: 'hours' | 'days') => (finest === 'days' ? 'days' : 'months');
const everything: Extent = { first: midnight - 90 * day, last: midnight + 90 * day, rowsFrom: 0, hoursFrom: 0 };

describe('a window', () => {
  test('is taken apart into days, hours and rows', () => {
    const from = midnight + 22 * hour + 7;
    const to = midnight + 3 * day + 2 * hour + 1;
    expect(cover(from, to, everything)).toEqual([
      { source: 'rows', from, to: midnight + 23 * hour },
      { source: 'hours', from: midnight + 23 * hour, to: midnight + day },
      { source: 'days', from: midnight + day, to: midnight + 3 * day },
      { source: 'hours', from: midnight + 3 * day, to: midnight + 3 * day + 2 * hour },
      { source: 'rows', from: midnight + 3 * day + 2 * hour, to },
    ]);
  });

  test('that is long enough has whole months, of 32 days each', () => {
    const begin = Math.ceil(midnight / month) * month;
    expect(cover(begin - day, begin + 2 * month + day, { ...everything, last: begin + 9 * month })).toEqual([
      { source: 'days', from: begin - day, to: begin },
      { source: 'months', from: begin, to: begin + 2 * month },
      { source: 'days', from: begin + 2 * month, to: begin + 2 * month + day },
    ]);
  });

  test('needs no rows at an end beyond everything', () => {
    const extent = { ...everything, first: midnight + 5, last: midnight + day + 5 };
    expect(cover(0, Number.MAX_SAFE_INTEGER, extent, 'days')).toEqual([
      { source: 'days', from: midnight, to: midnight + 2 * day },
    ]);
    const begin = midnight - (midnight % month);
    expect(cover(0, Number.MAX_SAFE_INTEGER, extent)).toEqual([{ source: 'months', from: begin, to: begin + month }]);
    expect(cover(midnight + 6, midnight + day + 6, extent, 'days').map(({ source }) => source)).toEqual([
      'rows',
      'hours',
      'days',
    ]);
  });

  test('is made of hours at most where days are too coarse', () => {
    expect(cover(midnight, midnight + 2 * day, everything, 'hours')).toEqual([
      { source: 'hours', from: midnight, to: midnight + 2 * day },
    ]);
  });

  test('moves outwards to what is left when rows, and hours, were deleted', () => {
    const extent = { ...everything, rowsFrom: midnight + 2 * day, hoursFrom: midnight + day };
    expect(cover(midnight + 5, midnight + day + hour + 5, extent)).toEqual([
      { source: 'days', from: midnight, to: midnight + day },
      { source: 'hours', from: midnight + day, to: midnight + day + 2 * hour },
    ]);
  });

  test('of an organisation has no hours', () => {
    const from = midnight + 22 * hour + 7;
    expect(cover(from, midnight + 3 * day + 2 * hour, everything, 'days', 'days')).toEqual([
      { source: 'rows', from, to: midnight + day },
      { source: 'days', from: midnight + day, to: midnight + 3 * day },
      { source: 'rows', from: midnight + 3 * day, to: midnight + 3 * day + 2 * hour },
    ]);
    const extent = { ...everything, rowsFrom: midnight + 2 * day };
    expect(cover(midnight + 5, midnight + 2 * day + 5, extent, 'days', 'days')).toEqual([
      { source: 'days', from: midnight, to: midnight + 2 * day },
      { source: 'rows', from: midnight + 2 * day, to: midnight + 2 * day + 5 },
    ]);
  });

  test('asks for nothing that was deleted, not even for a part of the last hour or day', () => {
    const time = fc.integer({ min: midnight - 4 * day, max: midnight + 4 * day });
    const near = fc.integer({ min: -2 * hour, max: 2 * hour });
    const arbitrary = fc.record({ from: time, rowsFrom: time, near, length: fc.integer({ min: 1, max: 3 * day }) });
    const kept = fc.integer({ min: 0, max: 3 });
    const finest = fc.constantFrom('hours' as const, 'days' as const);
    fc.assert(
      fc.property(arbitrary, kept, finest, ({ from, rowsFrom, near, length }, days, finest) => {
        // Often so that it ends about where rows begin.
        const to = near % 2 === 0 ? from + length : Math.max(from + 1, rowsFrom + near);
        const hoursFrom = rowsFrom - (rowsFrom % day) - days * day;
        const parts = cover(from, to, { ...everything, rowsFrom, hoursFrom }, widestOf(finest), finest);
        for (const { source, from: start } of parts) {
          expect(start).toBeGreaterThanOrEqual({ rows: rowsFrom, hours: hoursFrom, days: 0, months: 0 }[source]);
        }
        expect(parts[0]?.from).toBeLessThanOrEqual(from);
        expect(parts.at(-1)?.to).toBeGreaterThanOrEqual(to);
      }),
    );
  });

  test('has nothing in it when it is empty, or when nothing is known', () => {
    expect(cover(midnight, midnight, everything)).toEqual([]);
    expect(cover(midnight + 200 * day, midnight + 300 * day, everything)).toEqual([]);
    expect(cover(0, midnight, { first: undefined, last: undefined, rowsFrom: 0, hoursFrom: 0 })).toEqual([]);
  });

  test('is covered without a gap and without an overlap, exactly, while nothing was deleted', () => {
    const time = fc.integer({ min: midnight - 60 * day, max: midnight + 60 * day });
    const ends = fc.tuple(time, fc.oneof(time, fc.integer({ min: 0, max: 3 * hour }))).map(([one, other]) => {
      const to = other <= 3 * hour ? one + other : other;
      return one < to ? ([one, to] as const) : ([to, one] as const);
    });
    fc.assert(
      fc.property(ends, fc.constantFrom('hours', 'days', 'months', 'organisation'), ([from, to], what) => {
        const finest = what === 'organisation' ? 'days' : 'hours';
        const widest = what === 'organisation' ? 'days' : what;
        const parts = cover(from, to, everything, widest, finest);
        let reached = from;
        for (const part of parts) {
          expect(part.from).toBe(reached);
          expect(part.to).toBeGreaterThan(part.from);
          const unit = { rows: 1, hours: hour, days: day, months: month }[part.source];
          expect([part.from % unit, part.to % unit]).toEqual([0, 0]);
          expect(part.source === 'rows' ? part.to - part.from : 0).toBeLessThan(2 * (finest === 'days' ? day : hour));
          reached = part.to;
        }
        expect(reached).toBe(to);
      }),
    );
  });
});
