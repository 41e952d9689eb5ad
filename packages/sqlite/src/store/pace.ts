/** How long a step may hold the lock that others wait for. */
const stepMs = 5;
const leastRows = 50;
const mostRows = 20_000;

/** How many rows a step takes: as many as the ones before say that it has time for. */
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
      // A single slow commit says little, so it halves at most.
      const factor = Math.min(2, Math.max(0.5, stepMs / ms));
      rows = Math.min(mostRows, Math.max(leastRows, Math.round(rows * factor)));
    },
  };
}
