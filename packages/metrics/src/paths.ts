import { mix } from './table.ts';

/** One to three strings. Passed as separate arguments, to avoid making arrays several times an event. */
export type Path = readonly [first: string, second?: string, third?: string];

/** Numbers paths of strings, from 0, for all metrics together. */
export interface Paths {
  /** Returns -1 for a path that was not added. */
  find(...path: Path): number;
  /** Returns the number of the path, new or existing. */
  add(path: readonly string[]): number;
}

const firstSlots = 64;
/** The number of a path, that of a further string, and that of both together; a fourth keeps each slot within one cache line. */
const slotNumbers = 4;

/**
 * Keeps all steps of all paths in a single table of numbers. Concatenated strings cost more than their parts, and nested maps are
 * thousands of objects, each a cache miss.
 */
export function createPaths(): Paths {
  /** Paths of one string have even numbers, longer ones odd numbers. */
  const texts = new Map<string, number>();
  /** The texts, by half their numbers. */
  const known: string[] = [];
  let mask = firstSlots - 1;
  let slots = emptySlots(firstSlots);
  let used = 0;
  /** By the number of a first string, the second one last asked for, and the path of both: a tool usually has one toolkit. */
  const lastSecond: string[] = [];
  const lastPath: number[] = [];

  /** Where the slot of a step begins, or the empty slot where it belongs. */
  function slotOf(path: number, text: number): number {
    let slot = mix(path, text) & mask;
    for (;;) {
      const at = slot * slotNumbers;
      const from = slots[at] as number;
      if (from === -1 || (from === path && slots[at + 1] === text)) {
        return at;
      }
      slot = (slot + 1) & mask;
    }
  }

  function put(path: number, text: number, both: number): void {
    const at = slotOf(path, text);
    slots[at] = path;
    slots[at + 1] = text;
    slots[at + 2] = both;
  }

  function grow(): void {
    const old = slots;
    mask = mask * 2 + 1;
    slots = emptySlots(mask + 1);
    for (let at = 0; at < old.length; at += slotNumbers) {
      if (old[at] !== -1) {
        put(old[at] as number, old[at + 1] as number, old[at + 2] as number);
      }
    }
  }

  function addText(text: string): number {
    let number = texts.get(text);
    if (number === undefined) {
      number = 2 * (known.push(text) - 1);
      texts.set(text, number);
    }
    return number;
  }

  function step(path: number, text: string): number {
    const number = texts.get(text);
    return number === undefined ? -1 : (slots[slotOf(path, number) + 2] as number);
  }

  function pathOfTwo(first: number, second: string): number {
    const at = first / 2;
    if (lastSecond[at] === second) {
      return lastPath[at] as number;
    }
    const path = step(first, second);
    if (path !== -1) {
      // Our own copy of the text.
      lastSecond[at] = known[(texts.get(second) as number) / 2] as string;
      lastPath[at] = path;
    }
    return path;
  }

  return {
    find(first, second, third) {
      let path = texts.get(first) ?? -1;
      if (second !== undefined && path !== -1) {
        path = pathOfTwo(path, second);
      }
      if (third !== undefined && path !== -1) {
        path = step(path, third);
      }
      return path;
    },
    add([first = '', ...more]) {
      let path = addText(first);
      for (const text of more) {
        const number = addText(text);
        let both = slots[slotOf(path, number) + 2] as number;
        if (both === -1) {
          both = 2 * used + 1;
          used += 1;
          if (2 * used > mask) {
            grow();
          }
          put(path, number, both);
        }
        path = both;
      }
      return path;
    },
  };
}

function emptySlots(count: number): Int32Array {
  return new Int32Array(count * slotNumbers).fill(-1);
}
