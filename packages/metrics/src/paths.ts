/** Numbers the label values of all metrics that are counted together, each once. */
export type Texts = Map<string, number>;

/** One to three texts. Apart from each other: an array would be made for each of them, several times an event. */
export type Path = readonly [first: string, second?: string, third?: string];

/** Finds numbers by paths, all of one length. */
export interface Paths {
  /** -1 where nothing was added. `start`: a whole number >= 0 that the path begins with; -1 is found nowhere. */
  find(start: number, ...path: Path): number;
  /** `end`: a whole number from 0 to 2³¹ - 1. */
  add(start: number, path: readonly string[], end: number): void;
}

const firstSlots = 64;
/** The share of slots in use that makes more: a table that fits into a cache is worth some slots looked at in vain. */
const maxLoad = 0.7;
/** A state, the number of a text, and what they lead to; the fourth makes no slot lie across two lines of the cache. */
const slotNumbers = 4;

/**
 * One table of numbers for all steps of all paths. Strings that are put together cost more than their parts, and maps within maps
 * are thousands of objects, of which each is a miss of the cache.
 */
export function createPaths(texts: Texts): Paths {
  let mask = firstSlots - 1;
  let slots = emptySlots(firstSlots);
  let used = 0;
  let states = 0;

  /** Where the slot of a step begins, or the empty one that it would have. */
  function slotOf(state: number, text: number): number {
    const mixed = Math.imul(state, 0x9e37_79b1) ^ Math.imul(text, 0x85eb_ca6b);
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    for (;;) {
      const at = slot * slotNumbers;
      const known = slots[at] as number;
      if (known === -1 || (known === state && slots[at + 1] === text)) {
        return at;
      }
      slot = (slot + 1) & mask;
    }
  }

  function next(state: number, text: string): number {
    const number = texts.get(text);
    return number === undefined ? -1 : (slots[slotOf(state, number) + 2] as number);
  }

  function put(state: number, text: number, next: number): void {
    const at = slotOf(state, text);
    slots[at] = state;
    slots[at + 1] = text;
    slots[at + 2] = next;
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

  function numberOf(text: string): number {
    let number = texts.get(text);
    if (number === undefined) {
      number = texts.size;
      texts.set(text, number);
    }
    return number;
  }

  return {
    find(start, first, second, third) {
      if (start === -1) {
        return -1;
      }
      // Starts are even and states within a path odd, so that they stay apart.
      let state = next(start * 2, first);
      if (second !== undefined && state !== -1) {
        state = next(state, second);
      }
      if (third !== undefined && state !== -1) {
        state = next(state, third);
      }
      return state;
    },
    add(start, path, end) {
      let state = start * 2;
      for (const [depth, text] of path.entries()) {
        const number = numberOf(text);
        let next = slots[slotOf(state, number) + 2] as number;
        if (next === -1) {
          if (depth === path.length - 1) {
            next = end;
          } else {
            states += 1;
            next = states * 2 - 1;
          }
          if (used >= mask * maxLoad) {
            grow();
          }
          put(state, number, next);
          used += 1;
        }
        state = next;
      }
    },
  };
}

function emptySlots(count: number): Int32Array {
  return new Int32Array(count * slotNumbers).fill(-1);
}
