import type { Cells, Family, Series } from '@toolweaver/analytics-metrics';

export function familyOf(cells: Cells, name: string): Family {
  const family = cells.families().find(({ metric }) => metric.name === name);
  if (family === undefined) {
    throw new Error(`there is no metric ${name}`);
  }
  return family;
}

/** The values of a counter or gauge by the values of its labels, with commas between; the overflow series begins with `overflow`. */
export function values(cells: Cells, name: string): Record<string, number> {
  return Object.fromEntries(
    familyOf(cells, name).series.map((series) => {
      if (!('value' in series)) {
        throw new Error(`${name} is a histogram`);
      }
      return [keyOf(series), series.value];
    }),
  );
}

function keyOf({ labels, isOverflow }: Series): string {
  return [...(isOverflow ? ['overflow'] : []), ...labels].join(',');
}
