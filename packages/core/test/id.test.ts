import { describe, expect, test } from 'vitest';
import { parseUuid, uuidV7Source } from '../src/values/id.ts';

const layout = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const timeOf = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
const start = Date.UTC(2026, 0, 1);

function ids(count: number, clock: (at: number) => number): string[] {
  const next = uuidV7Source();
  return Array.from({ length: count }, (_, at) => next(clock(at)));
}

function expectRising(made: readonly string[]): void {
  expect(made.findIndex((id, at) => at > 0 && id <= (made[at - 1] as string))).toBe(-1);
}

describe('UUIDv7', () => {
  test.each([0, 1, start, 253_402_300_799_999])('has the layout of RFC 9562 at %d', (nowMs) => {
    const [id = ''] = ids(1, () => nowMs);
    expect(id).toMatch(layout);
    expect(timeOf(id)).toBe(nowMs);
  });

  test('a hundred thousand of one millisecond are all different, in order and valid', () => {
    const made = ids(100_000, () => start);
    expect(new Set(made).size).toBe(100_000);
    expectRising(made);
    expect(made.every((id) => layout.test(id))).toBe(true);
    // At least 32768 fit in a millisecond; the others borrow from the next ones.
    expect(timeOf(made.at(-1) as string)).toBeLessThanOrEqual(start + 4);
    expect(timeOf(made[32_767] as string)).toBe(start);
  });

  test('rises while time goes on, faster or slower than ids are made', () => {
    expectRising(ids(5000, (at) => start + at));
    expectRising(ids(5000, (at) => start + Math.floor(at / 7)));
  });

  test('goes on from the latest time when the clock runs backwards, and follows it once it is ahead again', () => {
    const next = uuidV7Source();
    const made = [next(start), next(start - 3_600_000), next(0), next(start), next(start + 1)];
    expectRising(made);
    expect(made.map(timeOf)).toEqual([start, start, start, start, start + 1]);
  });

  test('the clock catches up with a borrowed millisecond without repeating an id', () => {
    const next = uuidV7Source();
    const made = [
      ...Array.from({ length: 70_000 }, () => next(start)),
      ...Array.from({ length: 70_000 }, () => next(start + 1)),
    ];
    expectRising(made);
  });

  test('each of its 73 random bits is 0 about as often as 1', () => {
    const made = ids(4000, (at) => start + at);
    const bits = made.map((id) =>
      BigInt(`0x${id.replaceAll('-', '')}`)
        .toString(2)
        .padStart(128, '0'),
    );
    const share = (bit: number): number => bits.filter((text) => text[bit] === '1').length / bits.length;
    const random = Array.from({ length: 128 }, (_, bit) => bit).filter((bit) => bit >= 52 && bit !== 64 && bit !== 65);
    // The first bit of the counter is always 0 at the start of a millisecond.
    expect(share(112)).toBe(0);
    expect(random.filter((bit) => bit !== 112 && Math.abs(share(bit) - 0.5) > 0.08)).toEqual([]);
  });

  test('two sources do not make the same ids', () => {
    const [one, two] = [ids(1000, () => start), ids(1000, () => start)];
    expect(new Set([...one, ...two]).size).toBe(2000);
  });
});

describe('parsing a UUID', () => {
  test.each([
    ['0190b0c4-7a1e-7000-8000-000000000001', '0190b0c4-7a1e-7000-8000-000000000001'],
    ['0190B0C4-7A1E-4000-8000-00000000000F', '0190b0c4-7a1e-4000-8000-00000000000f'],
    ['00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000'],
    ['', undefined],
    ['0190b0c47a1e70008000000000000001', undefined],
    ['{0190b0c4-7a1e-7000-8000-000000000001}', undefined],
    ['0190b0c4-7a1e-7000-8000-000000000001\n', undefined],
    ['0190b0c4-7a1e-7000-8000-00000000000g', undefined],
    ['0190b0c4-7a1e-7000-8000-0000000000011', undefined],
  ])('%j gives %j', (text, expected) => {
    expect(parseUuid(text)).toBe(expected);
  });
});
