import type { ByteReader, ByteWriter } from './bytes.ts';

// DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019):
// a histogram whose bins grow by a constant factor, so that the value of a bin is within 1 % of everything in it.

const relativeError = 0.01;
const gamma = (1 + relativeError) / (1 - relativeError);
const binsPerE = 1 / Math.log(gamma);
/** A pico-second, in ms: what is shorter counts as nothing. */
const least = 1e-9;
const zeroBin = Math.ceil(Math.log(least) * binsPerE) - 1;

/** Bins, rising, and the weight in each. */
export interface Sketch {
  readonly bins: readonly number[];
  readonly weights: readonly number[];
}

export const emptySketch: Sketch = { bins: [], weights: [] };

export function binOf(value: number): number {
  return value < least ? zeroBin : Math.ceil(Math.log(value) * binsPerE);
}

/** The value within 1 % of which everything in the bin is. */
export function valueOfBin(bin: number): number {
  // From the bin below, whose bound is still a number where that of the highest bin is not.
  return bin === zeroBin ? 0 : Math.min(gamma ** (bin - 1) * ((2 * gamma) / (gamma + 1)), Number.MAX_VALUE);
}

/** Adds up any number of sketches, one after the other. */
export interface SketchSum {
  add(bin: number, weight: number): void;
  addAll(sketch: Sketch): void;
  /** One as `writeSketch` writes it. */
  addFrom(reader: ByteReader): void;
  /** What was added since the last time. */
  take(): Sketch;
}

export function createSketchSum(): SketchSum {
  // By bin, from the lowest one on: most latencies lie in a few hundred of them.
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
 * Nearest rank: for each share (0 to 1, rising), the value of the first bin at which at least that share of the weight is
 * reached. Undefined where nothing was added.
 */
export function quantiles({ bins, weights }: Sketch, shares: readonly number[]): (number | undefined)[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let reached = 0;
  let at = -1;
  return shares.map((share) => {
    // Sums of fractions are off by their last digits: what a rank misses by that little it has reached.
    while (at < bins.length - 1 && (at < 0 || reached < share * total * (1 - 1e-12))) {
      at += 1;
      reached += weights[at] as number;
    }
    return at < 0 ? undefined : valueOfBin(bins[at] as number);
  });
}
