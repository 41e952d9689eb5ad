import type { Figure, MeasureId } from './figure.ts';
import type { Machine } from './machine.ts';

/** What `--json` prints. */
export interface Report {
  /** Whether no target was missed and every measure could be taken. */
  readonly ok: boolean;
  readonly machine: Machine;
  /** `built`: what users install. `sources`: under the export condition that the tests use. */
  readonly packages: 'built' | 'sources';
  readonly quick: boolean;
  readonly figures: readonly Figure[];
  /** Measures that could not be taken. */
  readonly failures: readonly { readonly measure: MeasureId; readonly message: string }[];
}

export function toText({ machine, packages, quick, figures, failures }: Report): string {
  const { node, platform, cpu, cpus, loadAverage } = machine;
  const rows = figures.map((one) => [
    one.measure,
    one.name,
    amount(one.value, one.unit),
    one.target === null ? '' : `${one.target.op} ${amount(one.target.value, one.unit)}`,
    one.verdict,
    one.rounds > 1 ? `${amount(one.low, one.unit)} to ${amount(one.high, one.unit)}` : '',
    Object.entries(one.details)
      .map(([name, value]) => `${name} ${rounded(value)}`)
      .join(', '),
  ]);
  const missed = figures.filter(({ verdict }) => verdict === 'missed').length;
  const judged = figures.filter(({ verdict }) => verdict !== 'stated').length;
  return [
    `Node ${node}, ${platform}, ${cpus} x ${cpu}, load average ${loadAverage}, packages: ${packages}`,
    ...(quick ? ['--quick: too short to judge by'] : []),
    '',
    ...columns([['', 'figure', 'median', 'target', 'verdict', 'spread', 'made of'], ...rows]),
    '',
    ...new Set(figures.flatMap(({ measure, note }) => (note === null ? [] : [`${measure}: ${note}`]))),
    ...failures.map(({ measure, message }) => `${measure} FAILED: ${message}`),
    missed === 0 ? `${judged} of ${judged} targets met` : `${missed} of ${judged} targets MISSED`,
    '',
  ].join('\n');
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Formats a value with its unit. */
export function amount(value: number, unit: Figure['unit']): string {
  return unit === 'ratio' ? `${rounded(value)} x` : `${rounded(value)} ${unit}`;
}

/** Rounds to three significant digits, but keeps all digits of the integer part. */
export function rounded(value: number): string {
  return Number(value.toPrecision(Math.abs(value) >= 100 ? Math.ceil(Math.log10(Math.abs(value) + 1)) : 3)).toString();
}
