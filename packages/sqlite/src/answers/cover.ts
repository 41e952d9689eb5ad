import { type CellWidth, cellWidths, dayMs } from '../cell.ts';
import type { Extent } from './extent.ts';

/** A stretch of time, and what says what happened in it: the rows of executions, or cells of a width. */
export interface Part {
  readonly source: 'rows' | CellWidth;
  readonly from: number;
  readonly to: number;
}

const finestFirst: readonly CellWidth[] = ['hours', 'days', 'months'];

/**
 * Takes a window apart into as many whole months, days and hours as it has, and rows for what is left at its ends. Where what
 * would be exact was deleted, an end moves outwards to the hour or day that is left. An organisation's cells are `days`.
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
  // An end beyond everything is as good as the end of a cell, and needs no rows.
  const whole = cellWidths[widest];
  let begin = from <= first ? floor(first, whole) : from;
  let end = to > last ? floor(last, whole) + whole : to;
  const unit = cellWidths[finest];
  begin = begin < rowsFrom ? floor(begin, unit) : begin;
  // The rows of the last part of a unit are whole only if the unit, or the window, begins when they do.
  end = Math.max(begin, floor(end, unit)) < rowsFrom ? ceil(end, unit) : end;
  if (widest !== 'hours') {
    begin = begin < hoursFrom ? floor(begin, dayMs) : begin;
    end = end < hoursFrom ? ceil(end, dayMs) : end;
  }
  const widths = finestFirst.slice(finestFirst.indexOf(finest), finestFirst.indexOf(widest) + 1);
  return split(begin, end, 'rows', widths).filter((part) => part.from < part.to);
}

/** A stretch in the first of the widths and, where they fit, the coarser ones; what is left at its ends is of `source`. */
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
