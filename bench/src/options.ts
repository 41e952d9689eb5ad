import { parseArgs } from 'node:util';
import { type MeasureId, measures } from './figure.ts';

export interface Options {
  readonly help: boolean;
  readonly json: boolean;
  readonly quick: boolean;
  readonly only: readonly MeasureId[];
}

export const help = `Measures the packages against the same work done by hand, side by side, on this machine.

  npm run bench                      all measures, about three minutes
  npm run -s bench -- --json         one JSON object on stdout, and nothing else
  npm run bench -- --only b3,b8      some of them

Measures:
  b1  main-thread CPU to record an execution into SQLite
  b3  sustained SQLite ingest
  b4  event-loop delay at 20 000 executions a second
  b7  cold import and installed size
  b8  heap of a queued event

Options:
  --only LIST   measures to take, with commas between
  --quick       a few seconds: shows that everything works, and little more
  --json        machine, figures with their spread, targets and verdicts, and failures, as JSON
  --help        this text

A missed target is a result, not an error: the exit code is 0. It is 1 when a measure could not be taken, and 2 for wrong options.
`;

/** @throws Error that says which option was wrong, and what is allowed. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
    },
  });
  const { help: wantsHelp, json, quick, only } = values;
  const names = only?.split(',').map((name) => name.trim().toLowerCase()) ?? measures;
  const unknown = names.filter((name) => !(measures as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `--only: no measure is called ${unknown.map((name) => `'${name}'`).join(', ')}; there are ${measures.join(', ')}`,
    );
  }
  return { help: wantsHelp, json, quick, only: measures.filter((id) => names.includes(id)) };
}
