/** How long a step may hold the lock that others wait for. */
const stepMs = 5;
const leastRows = 50;
const mostRows = 20_000;

/** Chooses the number of rows for the next step from how long the previous ones took. */
export interface Pace {
  readonly rows: number;
  took(ms: number): void;
}

export function createPace(): Pace {
  let rows = leastRows;
  return {
    get rows() {
      return rows;
    },
    took(ms) {
      // At most halved or doubled, as a single slow commit means little.
      const factor = Math.min(2, Math.max(0.5, stepMs / ms));
      rows = Math.min(mostRows, Math.max(leastRows, Math.round(rows * factor)));
    },
  };
}
