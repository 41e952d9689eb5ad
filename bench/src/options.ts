import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type MeasureId, measures } from './figure.ts';

export interface Options {
  readonly help: boolean;
  readonly json: boolean;
  readonly document: boolean;
  readonly quick: boolean;
  readonly only: readonly MeasureId[];
  readonly executions: number;
  readonly cache: string;
}

export const help = `Measures the packages against the same work done by hand, side by side, on this machine.

  npm run bench                      all measures, about 20 minutes, and more the first time
  npm run -s bench -- --json         one JSON object on stdout, and nothing else
  npm run bench -- --document        all of them, and writes BENCHMARKS.md
  npm run bench -- b3 b8             some of them

Measures:
  b1  main-thread CPU to record an execution into SQLite; and into SQLite, Prometheus and OTLP
  b2  main-thread CPU to record a tool's execution into Prometheus
  b2o CPU to record into OTLP, a push, and the limit of label sets, against OpenTelemetry's SDK
  b3  sustained SQLite ingest
  b4  event-loop delay at 20 000 executions a second
  b5  questions to a SQLite file of 10 million executions, and its size
  b6  a scrape of 10 000 label sets, what they take of the heap, and a million names
  b7  cold import and installed size
  b8  heap of a queued event
  b10 executions into runs of Weights & Biases, and rows of an offline run

Options:
  --only LIST       measures to take, with commas between; the same as naming them
  --quick           a few seconds: shows that everything works, and little more
  --json            machine, figures with their spread, targets and verdicts, and failures, as JSON
  --document        also writes BENCHMARKS.md, of all measures
  --executions N    how many the file of b5 has; default 10 million, with --quick 1 million
  --cache FOLDER    where that file is kept; default bench/.cache
  --help            this text

A missed target is a result, not an error: the exit code is 0. It is 1 when a measure could not be taken, and 2 for wrong options.
`;

/** @throws Error that says which option was wrong, and what is allowed. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      document: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      executions: { type: 'string' },
      cache: { type: 'string' },
    },
  });
  const { help: wantsHelp, json, document, quick, only, cache } = values;
  const wanted = [...positionals, ...(only?.split(',') ?? [])].map((name) => name.trim().toLowerCase());
  const unknown = wanted.filter((name) => !(measures as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `no measure is called ${unknown.map((name) => `'${name}'`).join(', ')}; there are ${measures.join(', ')}`,
    );
  }
  if (document && (quick || wanted.length > 0)) {
    throw new Error('--document is about all measures, taken in full: leave out --quick, --only and their names');
  }
  const executions = Number(values.executions ?? (quick ? 1_000_000 : 10_000_000));
  if (!Number.isInteger(executions) || executions < 1000) {
    throw new Error(`--executions must be a whole number from 1000 on, got '${values.executions}'`);
  }
  return {
    help: wantsHelp,
    json,
    document,
    quick,
    only: wanted.length === 0 ? measures : measures.filter((id) => wanted.includes(id)),
    executions,
    cache: cache === undefined ? join(import.meta.dirname, '..', '.cache') : resolve(cache),
  };
}
