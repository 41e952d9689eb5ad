import { dayMs, hourMs } from '../cell.ts';

/** A stretch of time, and what says what happened in it: the rows of executions, or cells of a width. */
export interface Part {
  readonly source: 'rows' | 'hours' | 'days';
  readonly from: number;
  readonly to: number;
}

export interface Extent {
  /** The first and the last ms of which anything is known; undefined when nothing is. */
  readonly first: number | undefined;
  readonly last: number | undefined;
  /** Before these times rows, and cells of an hour, were deleted. */
  readonly rowsFrom: number;
  readonly hoursFrom: number;
}

/**
 * Takes a window apart into as many whole days and hours as it has, and rows for what is left at its ends. Where what would
 * be exact was deleted, an end moves outwards to the hour or day that is left. An organisation's cells are `days` at the
 * finest.
 */
export function cover(
  from: number,
  to: number,
  extent: Extent,
  widest: 'days' | 'hours' = 'days',
  finest: 'days' | 'hours' = 'hours',
): Part[] {
  const { first, last, rowsFrom, hoursFrom } = extent;
  if (first === undefined || last === undefined || from > last || to <= first || from >= to) {
    return [];
  }
  // An end beyond everything is as good as the end of a day, and needs no rows.
  let begin = from <= first ? floor(first, dayMs) : from;
  let end = to > last ? floor(last, dayMs) + dayMs : to;
  const unit = finest === 'days' ? dayMs : hourMs;
  begin = begin < rowsFrom ? floor(begin, unit) : begin;
  // The rows of the last part of a unit are whole only if the unit, or the window, begins when they do.
  end = Math.max(begin, floor(end, unit)) < rowsFrom ? ceil(end, unit) : end;
  if (widest === 'days') {
    begin = begin < hoursFrom ? floor(begin, dayMs) : begin;
    end = end < hoursFrom ? ceil(end, dayMs) : end;
  }
  const days = (from: number, to: number): Part[] => [{ source: 'days', from, to }];
  const hours = (from: number, to: number): Part[] =>
    widest === 'hours' ? [{ source: 'hours', from, to }] : split(from, to, dayMs, 'hours', days);
  return split(begin, end, unit, 'rows', finest === 'days' ? days : hours).filter((part) => part.from < part.to);
}

/** The whole units of a stretch, as `inner` makes them, between what is left at its ends. */
function split(
  from: number,
  to: number,
  unit: number,
  ends: Part['source'],
  inner: (from: number, to: number) => Part[],
): Part[] {
  const [begin, end] = [ceil(from, unit), floor(to, unit)];
  return begin >= end
    ? [{ source: ends, from, to }]
    : [{ source: ends, from, to: begin }, ...inner(begin, end), { source: ends, from: end, to }];
}

function floor(time: number, unit: number): number {
  return time - (time % unit);
}

function ceil(time: number, unit: number): number {
  return Math.ceil(time / unit) * unit;
}
