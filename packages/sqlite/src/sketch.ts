import type { ByteReader, ByteWriter } from './bytes.ts';

// DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019):
// a histogram whose bins grow by a constant factor, so that the value of a bin is within 1 % of everything in it.

const relativeError = 0.01;
const gamma = (1 + relativeError) / (1 - relativeError);
const binsPerE = 1 / Math.log(gamma);
/** A picosecond, in ms: anything shorter counts as 0. */
const least = 1e-9;
const zeroBin = Math.ceil(Math.log(least) * binsPerE) - 1;

/** Bins in ascending order, and the weight in each. */
export interface Sketch {
  readonly bins: readonly number[];
  readonly weights: readonly number[];
}

export const emptySketch: Sketch = { bins: [], weights: [] };

export function binOf(value: number): number {
  return value < least ? zeroBin : Math.ceil(Math.log(value) * binsPerE);
}

/** The value that is within 1 % of everything in the bin. */
export function valueOfBin(bin: number): number {
  // Computed from the lower bound, as the upper bound of the highest bin is infinite.
  return bin === zeroBin ? 0 : Math.min(gamma ** (bin - 1) * ((2 * gamma) / (gamma + 1)), Number.MAX_VALUE);
}

/** Adds up sketches, and can be used again after `take()`. */
export interface SketchSum {
  add(bin: number, weight: number): void;
  addAll(sketch: Sketch): void;
  /** Adds a sketch in the form that `writeSketch` writes. */
  addFrom(reader: ByteReader): void;
  /** Returns the sum of everything since the last call. */
  take(): Sketch;
}

export function createSketchSum(): SketchSum {
  // Indexed by bin, from the lowest on: most latencies lie in a few hundred of them.
  let weights = new Float64Array(2048);
  let touched: number[] = [];

  function add(bin: number, weight: number): void {
    const at = bin - zeroBin;
    if (at >= weights.length) {
      const larger = new Float64Array(2 * at);
      larger.set(weights);
      weights = larger;
    }
    const before = weights[at] as number;
    if (before === 0) {
      touched.push(at);
    }
    weights[at] = before + weight;
  }

  return {
    add,
    addAll({ bins, weights: added }) {
      for (let at = 0; at < bins.length; at += 1) {
        add(bins[at] as number, added[at] as number);
      }
    },
    addFrom(reader) {
      let bin = 0;
      for (let left = reader.whole(); left > 0; left -= 1) {
        bin += reader.signed();
        add(bin, reader.number());
      }
    },
    take() {
      const order = Uint32Array.from(touched).sort();
      const bins: number[] = new Array(order.length);
      const taken: number[] = new Array(order.length);
      for (let at = 0; at < order.length; at += 1) {
        const slot = order[at] as number;
        bins[at] = slot + zeroBin;
        taken[at] = weights[slot] as number;
        weights[slot] = 0;
      }
      touched = [];
      return { bins, weights: taken };
    },
  };
}

export function writeSketch(writer: ByteWriter, { bins, weights }: Sketch): void {
  writer.whole(bins.length);
  let last = 0;
  for (let at = 0; at < bins.length; at += 1) {
    const bin = bins[at] as number;
    writer.signed(bin - last);
    writer.number(weights[at] as number);
    last = bin;
  }
}

export function readSketch(reader: ByteReader): Sketch {
  const length = reader.whole();
  const bins: number[] = new Array(length);
  const weights: number[] = new Array(length);
  let bin = 0;
  for (let at = 0; at < length; at += 1) {
    bin += reader.signed();
    bins[at] = bin;
    weights[at] = reader.number();
  }
  return { bins, weights };
}

/**
 * Quantiles by nearest rank: for each share (0 to 1, ascending), the value of the first bin at which at least that share of the
 * weight is reached. Undefined if the sketch is empty.
 */
export function quantiles({ bins, weights }: Sketch, shares: readonly number[]): (number | undefined)[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let reached = 0;
  let at = -1;
  return shares.map((share) => {
    // Sums of fractions are off in their last digits, so a rank missed by that little counts as reached.
    while (at < bins.length - 1 && (at < 0 || reached < share * total * (1 - 1e-12))) {
      at += 1;
      reached += weights[at] as number;
    }
    return at < 0 ? undefined : valueOfBin(bins[at] as number);
  });
}
