import type { Step } from './call.ts';

const count = 600;
const start = Date.UTC(2026, 0, 5, 9);
const hourMs = 3_600_000;

/** An hour of made-up calls, the same ones each time: short ones, a few long ones, and a rush in the middle. */
export function* inventedCalls(): Generator<Step> {
  let state = 20_260_105;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  for (let at = 0; at < count; at += 1) {
    const call = {
      at: start + Math.floor(timeOf(at / count) * hourMs),
      contextTokens: Math.round(80 * 50 ** random()),
      generatedTokens: Math.round(10 * 60 ** random()),
    };
    yield { share: (at + 1) / count, call };
  }
}

/** Returns the time by which `share` of the calls were made, as a share of the hour. Half of them come in its middle third. */
function timeOf(share: number): number {
  if (share < 0.25) {
    return (share * 4) / 3;
  }
  return share < 0.75 ? 1 / 3 + ((share - 0.25) * 2) / 3 : 2 / 3 + ((share - 0.75) * 4) / 3;
}
