import type { Cells, Family, LabelSet } from '@toolweaver/analytics-metrics';

export function familyOf(cells: Cells, name: string): Family {
  const family = cells.families().find(({ metric }) => metric.name === name);
  if (family === undefined) {
    throw new Error(`there is no metric ${name}`);
  }
  return family;
}

/** The values of a counter or gauge by the values of its labels, with commas between; the overflow series begins with `overflow`. */
export function values(cells: Cells, name: string): Record<string, number> {
  const family = familyOf(cells, name);
  if (family.kind !== 'number') {
    throw new Error(`${name} is a histogram`);
  }
  return Object.fromEntries(family.labelSets.map((labelSet, at) => [keyOf(labelSet), family.value(at)]));
}

/** The series of a histogram with explicit buckets. */
export function histograms(
  cells: Cells,
  name: string,
): { labels: readonly string[]; counts: number[]; count: number; sum: number }[] {
  const family = familyOf(cells, name);
  if (family.kind !== 'explicit') {
    throw new Error(`${name} has no explicit buckets`);
  }
  const width = (family.metric.bounds ?? []).length + 1;
  return family.labelSets.map(({ labels }, at) => {
    const weights = new Float64Array(width);
    const sum = family.read(at, weights);
    const counts = Array.from(weights);
    return { labels, counts, count: counts.reduce((all, one) => all + one, 0), sum };
  });
}

function keyOf({ labels, isOverflow }: LabelSet): string {
  return [...(isOverflow ? ['overflow'] : []), ...labels].join(',');
}
