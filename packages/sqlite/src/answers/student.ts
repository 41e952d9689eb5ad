// Student's t distribution. Sources: the regularised incomplete beta function by its continued fraction (NIST Digital Library
// of Mathematical Functions, 8.17.22), evaluated as by Lentz (Thompson and Barnett, 1986); ln Γ as by Lanczos (1964) with the
// coefficients of Godfrey (g = 7, n = 9); and for many degrees of freedom the expansion 26.7.5 of Abramowitz and Stegun (1964).

/** Beyond this many degrees of freedom the expansion is exact to more than ten digits. */
const manyDegrees = 300;
/** Two-sided 95 % of the normal distribution. */
export const z95 = 1.959_963_984_540_054;

/** The value that |t| does not exceed with a probability of 95 %, for 1 or more degrees of freedom, whole or not. */
export function t95(degrees: number): number {
  if (degrees > manyDegrees) {
    return expansion(degrees);
  }
  // The quantile falls from 12.706 at one degree to that of the normal distribution.
  let [low, high] = [z95, 13];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (outside(middle, degrees) > 0.05) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return (low + high) / 2;
}

function expansion(degrees: number): number {
  const z = z95;
  return (
    z +
    (z ** 3 + z) / (4 * degrees) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3) +
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / (92_160 * degrees ** 4)
  );
}

/** The probability that |t| exceeds a value. */
function outside(t: number, degrees: number): number {
  return incompleteBeta(degrees / (degrees + t ** 2), degrees / 2, 1 / 2);
}

/** The regularised incomplete beta function I_x(a, b). */
function incompleteBeta(x: number, a: number, b: number): number {
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x));
  // The fraction converges fast on this side only; the other side is 1 minus it.
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(1 - x, b, a)) / b;
}

function fraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1) || tiny);
  let result = d;
  const take = (numerator: number): number => {
    d = 1 / (1 + numerator * d || tiny);
    c = 1 + numerator / c || tiny;
    result *= c * d;
    return c * d;
  };
  for (let m = 1; m < 1000; m += 1) {
    take((m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)));
    const factor = take((-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)));
    if (Math.abs(factor - 1) < 1e-15) {
      break;
    }
  }
  return result;
}

const godfrey = [
  0.999_999_999_999_809_93, 676.520_368_121_885_1, -1259.139_216_722_402_8, 771.323_428_777_653_13,
  -176.615_029_162_140_59, 12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_572e-6,
  1.505_632_735_149_311_6e-7,
];

/** ln Γ(x) for x of at least 1/2. */
function logGamma(x: number): number {
  const [first = 0, ...others] = godfrey;
  const series = others.reduce((sum, coefficient, at) => sum + coefficient / (x + at), first);
  const t = x + 6.5;
  return Math.log(2 * Math.PI) / 2 + (x - 0.5) * Math.log(t) - t + Math.log(series);
}
