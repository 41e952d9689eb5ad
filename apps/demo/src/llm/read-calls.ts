import { createReadStream, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Call, Step } from './call.ts';

const columns = ['timestamp', 'contexttokens', 'generatedtokens'] as const;

/**
 * Reads every line of a CSV file after its header. The columns may be in any order, with others between them.
 * @throws Error with a message for the user when the header lacks a column.
 */
export async function readCalls(path: string): Promise<AsyncGenerator<Step>> {
  const { size } = statSync(path);
  const input = createReadStream(path);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  try {
    const { value: header = '' } = await lines.next();
    // A pipe has no size, so no share is known.
    const share = (): number => (size === 0 ? 0 : Math.min(1, input.bytesRead / size));
    return stepsOf(lines, placesIn(cellsOf(header), path), share);
  } catch (error) {
    input.destroy();
    throw error;
  }
}

async function* stepsOf(
  lines: AsyncIterable<string>,
  places: readonly number[],
  share: () => number,
): AsyncGenerator<Step> {
  let line = 1;
  for await (const text of lines) {
    line += 1;
    if (text.trim() !== '') {
      const cells = cellsOf(text);
      const call = toCall(places.map((place) => cells[place] ?? ''));
      yield { share: share(), ...(typeof call === 'string' ? { skipped: { line, problem: call } } : { call }) };
    }
  }
}

function cellsOf(line: string): string[] {
  return line.split(',').map((cell) => cell.trim());
}

function placesIn(header: readonly string[], path: string): readonly number[] {
  const names = header.map((name) => name.replace(/^\ufeff/, '').toLowerCase());
  const places = columns.map((name) => names.indexOf(name));
  if (places.includes(-1)) {
    throw new Error(`${path}: the first line must name the columns TIMESTAMP, ContextTokens and GeneratedTokens`);
  }
  return places;
}

/** Returns the call, or what is wrong with it. */
function toCall([timestamp = '', context = '', generated = '']: readonly string[]): Call | string {
  const [, day, time = '', fraction = ''] =
    /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d+))?Z?$/.exec(timestamp) ?? [];
  // Check the form first: the parser accepts much that is no time, and turns the 30th of February into a day of March.
  const isDay = day !== undefined && new Date(day).getUTCDate() === Number(day.slice(8));
  const at = isDay ? Date.parse(`${day}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}Z`) : Number.NaN;
  if (Number.isNaN(at)) {
    return `TIMESTAMP must be a time such as 2023-11-16 18:15:46.68, got ${JSON.stringify(timestamp.slice(0, 40))}`;
  }
  for (const [name, cell] of [
    ['ContextTokens', context],
    ['GeneratedTokens', generated],
  ]) {
    if (!/^\d{1,15}$/.test(cell as string)) {
      return `${name} must be a whole number >= 0, got ${JSON.stringify(cell?.slice(0, 40))}`;
    }
  }
  return { at, contextTokens: Number(context), generatedTokens: Number(generated) };
}
