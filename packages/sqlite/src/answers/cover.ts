import { type CellWidth, cellWidths, dayMs } from '../cell.ts';
import type { Extent } from './extent.ts';

/** A time range, and the source that covers it: rows of executions, or cells of a width. */
export interface Part {
  readonly source: 'rows' | CellWidth;
  readonly from: number;
  readonly to: number;
}

const finestFirst: readonly CellWidth[] = ['hours', 'days', 'months'];

/**
 * Splits a window into as many whole months, days and hours as it has, and rows for the rest at its ends. Where the finer source
 * was deleted, an end moves outwards to the hour or day that is left. An organisation has cells of `days` only.
 */
export function cover(
  from: number,
  to: number,
  extent: Extent,
  widest: CellWidth = 'months',
  finest: 'days' | 'hours' = 'hours',
): Part[] {
  const { first, last, rowsFrom, hoursFrom } = extent;
  if (first === undefined || last === undefined || from > last || to <= first || from >= to) {
    return [];
  }
  // An end of the window beyond all data can move to the end of a cell, so that no rows are needed.
  const whole = cellWidths[widest];
  let begin = from <= first ? floor(first, whole) : from;
  let end = to > last ? floor(last, whole) + whole : to;
  const unit = cellWidths[finest];
  begin = begin < rowsFrom ? floor(begin, unit) : begin;
  // The rows at the end are complete only if their unit, or the window, does not start before `rowsFrom`.
  end = Math.max(begin, floor(end, unit)) < rowsFrom ? ceil(end, unit) : end;
  if (widest !== 'hours') {
    begin = begin < hoursFrom ? floor(begin, dayMs) : begin;
    end = end < hoursFrom ? ceil(end, dayMs) : end;
  }
  const widths = finestFirst.slice(finestFirst.indexOf(finest), finestFirst.indexOf(widest) + 1);
  return split(begin, end, 'rows', widths).filter((part) => part.from < part.to);
}

/** The last time up to `at` at which a window from `from` on can be cut in two, so that no cell is covered by both parts. */
export function lastCut(
  from: number,
  at: number,
  { rowsFrom, hoursFrom }: Extent,
  finest: 'days' | 'hours' = 'hours',
): number {
  const start = floor(at, cellWidths[finest]);
  const cut = Math.max(from, start) < rowsFrom ? start : at;
  return cut < hoursFrom ? floor(cut, dayMs) : cut;
}

/** Covers a range by cells of the first width and, where they fit, coarser ones; the rest at its ends is from `source`. */
function split(from: number, to: number, source: Part['source'], [width, ...coarser]: readonly CellWidth[]): Part[] {
  const unit = width === undefined ? to - from : cellWidths[width];
  const [begin, end] = [ceil(from, unit), floor(to, unit)];
  return width === undefined || begin >= end
    ? [{ source, from, to }]
    : [{ source, from, to: begin }, ...split(begin, end, width, coarser), { source, from: end, to }];
}

function floor(time: number, unit: number): number {
  return time - (time % unit);
}

function ceil(time: number, unit: number): number {
  return Math.ceil(time / unit) * unit;
}
