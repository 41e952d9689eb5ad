import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byteReader, byteWriter } from '../src/bytes.ts';
import { binOf, createSketchSum, quantiles, readSketch, type Sketch, valueOfBin, writeSketch } from '../src/sketch.ts';
import { countUsers, createUserUnion, hasLevel, maxUsers, readUsers, userSet, writeUsers } from '../src/users.ts';

const latency = fc.oneof(
  fc.constantFrom(0, 1e-12, 1e-9, 0.5, 1, 1000, Number.MAX_VALUE),
  fc.double({ min: 0, max: 1e7, noNaN: true }),
);
const weight = fc.constantFrom(1, 1, 1, 2.25, 10 / 3, 100);

describe('bytes', () => {
  test('come back as they were written', () => {
    const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    const signed = fc.integer({ min: -(2 ** 51), max: 2 ** 51 });
    const number = fc.double({ noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(whole, signed, fc.oneof(number, whole))), (values) => {
        const writer = byteWriter();
        for (const [one, two, three] of values) {
          writer.whole(one);
          writer.signed(two);
          writer.number(three);
        }
        const reader = byteReader(Buffer.from(writer.take()));
        const found = values.map(() => [reader.whole(), reader.signed(), reader.number()]);
        // -0 and 0 are one number here.
        expect(found).toEqual(values.map((row) => row.map((value) => value + 0)));
        expect(reader.done()).toBe(true);
      }),
    );
  });
});

describe('a sketch', () => {
  test('has every value in a bin whose value is within 1 % of it', () => {
    fc.assert(
      fc.property(latency, (value) => {
        const found = valueOfBin(binOf(value));
        expect(Math.abs(found - value)).toBeLessThanOrEqual(value < 1e-9 ? 1e-9 : value * 0.01 * (1 + 1e-9));
      }),
      { numRuns: 2000 },
    );
  });

  test('gives quantiles by nearest rank, within 1 %, however it was put together and kept', () => {
    const parts = fc.array(fc.array(fc.tuple(latency, weight), { maxLength: 50 }), { minLength: 1, maxLength: 6 });
    const wanted = [0.01, 0.25, 0.5, 0.95, 0.99, 1];
    fc.assert(
      fc.property(parts, (all) => {
        const sum = createSketchSum();
        const sketches = all.map((values): Sketch => {
          for (const [value, times] of values) {
            sum.add(binOf(value), times);
          }
          const writer = byteWriter();
          writeSketch(writer, sum.take());
          return readSketch(byteReader(Buffer.from(writer.take())));
        });
        for (const [at, sketch] of sketches.entries()) {
          if (at % 2 === 0) {
            sum.addAll(sketch);
          } else {
            const writer = byteWriter();
            writeSketch(writer, sketch);
            sum.addFrom(byteReader(Buffer.from(writer.take())));
          }
        }
        const sorted = all.flat().sort(([one], [other]) => one - other);
        const total = sorted.reduce((reached, [, times]) => reached + times, 0);
        const found = quantiles(sum.take(), wanted);
        for (const [at, share] of wanted.entries()) {
          let reached = 0;
          const exact = sorted.find(([, times]) => {
            reached += times;
            return reached >= share * total * (1 - 1e-12);
          })?.[0];
          if (exact === undefined) {
            expect(found[at]).toBeUndefined();
          } else {
            expect(Math.abs((found[at] as number) - exact)).toBeLessThanOrEqual(exact * 0.0100001 + 1e-9);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('that nothing was added to has no quantiles', () => {
    expect(quantiles(createSketchSum().take(), [0.5])).toEqual([undefined]);
  });
});

describe('a set of users', () => {
  const ids = fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 400 });

  test('holds each once, in order, and comes back as it was kept', () => {
    fc.assert(
      fc.property(ids, (given) => {
        const set = userSet(given);
        expect(set).toEqual({ level: 0, ids: [...new Set(given)].sort((one, other) => one - other) });
        const writer = byteWriter();
        writeUsers(writer, set);
        expect(readUsers(byteReader(Buffer.from(writer.take())))).toEqual(set);
        expect(countUsers(set)).toBe(new Set(given).size);
      }),
    );
  });

  test('is kept in the shorter of two forms', () => {
    const kept = (given: readonly number[]): Uint8Array => {
      const writer = byteWriter();
      writeUsers(writer, userSet(given));
      return writer.take();
    };
    const all = Array.from({ length: 5000 }, (_, at) => at + 300);
    expect(kept(all).length).toBeLessThan(5000 / 8 + 8);
    expect(kept(all.filter((id) => id % 100 === 0)).length).toBeLessThan(50 + 8);
    expect(kept([1, 4_000_000_000]).length).toBeLessThan(12);
    expect(readUsers(byteReader(Buffer.from(kept([1, 4_000_000_000]))))).toEqual({ level: 0, ids: [1, 4_000_000_000] });
  });

  test('is united with others, in whatever form they are kept', () => {
    const united = createUserUnion();
    const far = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { maxLength: 20 });
    const level = fc.constantFrom(0, 0, 0, 1, 3);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.oneof(ids, far), level), { maxLength: 5 }), far, (given, single) => {
        const sets = given.map(([one, level]) => userSet(one, level));
        for (const set of sets) {
          const writer = byteWriter();
          writeUsers(writer, set);
          united.add(byteReader(Buffer.from(writer.take())));
        }
        for (const id of single) {
          united.addId(id);
        }
        const highest = Math.max(0, ...sets.map((set) => set.level));
        const expected = userSet([...sets.flatMap((set) => set.ids), ...single], highest);
        const { users, sample } = united.take();
        expect(sample()).toEqual(expected);
        expect(users).toBe(countUsers(expected));
      }),
    );
    expect(united.take().users).toBe(0);
  });

  test('keeps a sample beyond its bound, of a size that says how many there are', () => {
    for (const count of [maxUsers, maxUsers + 1, 100_000, 1_000_000]) {
      const set = userSet(Array.from({ length: count }, (_, at) => at + 1));
      expect(set.ids.length).toBeLessThanOrEqual(maxUsers);
      expect(set.ids.every((id) => hasLevel(id, set.level))).toBe(true);
      expect(Math.abs(countUsers(set) / count - 1)).toBeLessThan(count === maxUsers ? 1e-12 : 0.05);
    }
  });

  test('sampled together is sampled like all of it at once', () => {
    const all = Array.from({ length: 50_000 }, (_, at) => at + 1);
    const [left, right] = [userSet(all.slice(0, 30_000)), userSet(all.slice(20_000))];
    const level = Math.max(left.level, right.level);
    expect(userSet([...left.ids, ...right.ids], level)).toEqual(userSet(all));
  });
});
