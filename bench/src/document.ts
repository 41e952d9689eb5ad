import type { Figure } from './figure.ts';
import { amount, type Report, rounded } from './report.ts';

/** Returns the figures of a run as a page for readers who want to know what the packages cost. */
export function toDocument({ machine, packages, figures, failures }: Report, commit: string): string {
  const { node, platform, cpu, cpus, loadAverage } = machine;
  const judged = figures.filter(({ verdict }) => verdict !== 'stated');
  const missed = judged.filter(({ verdict }) => verdict === 'missed');
  const notes = [...new Set(figures.flatMap(({ measure, note }) => (note === null ? [] : [`${measure}: ${note}`])))];
  return `# Benchmarks

Written by \`npm run bench -- --document\`, from one run: do not edit. What each figure is, and against what it is measured, says
[bench/README.md](bench/README.md). Only ratios carry over to another machine.

${missed.length === 0 ? `All of ${judged.length} targets were met.` : `**${missed.length} of ${judged.length} targets were missed.**`}
Commit ${commit}, Node ${node}, ${platform}, ${cpus} × ${cpu}, load average ${loadAverage} at the start, packages: ${packages}.

| | figure | median | spread | target | verdict | made of |
| --- | --- | --- | --- | --- | --- | --- |
${figures.map(rowOf).join('\n')}
${section('Notes', notes)}${section(
  'Could not be measured',
  failures.map(({ measure, message }) => `${measure}: ${message}`),
)}`;
}

function rowOf({ measure, name, unit, value, low, high, rounds, target, verdict, details }: Figure): string {
  const cells = [
    measure,
    name,
    amount(value, unit),
    rounds > 1 ? `${amount(low, unit)} to ${amount(high, unit)}` : '',
    target === null ? '' : `${target.op} ${amount(target.value, unit)}`,
    verdict === 'missed' ? '**missed**' : verdict,
    Object.entries(details)
      .map(([name, one]) => `${name} ${rounded(one)}`)
      .join(', '),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('<', '&lt;').replaceAll('|', '\\|')).join(' | ')} |`;
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `\n## ${title}\n\n${lines.map((line) => `- ${line}\n`).join('')}`;
}
