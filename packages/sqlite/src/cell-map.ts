import type { CellKey } from './cell.ts';

/** A map of values by cell key. */
export interface CellMap<T> {
  get(start: number, org: number, subject: number, model: number): T;
  values(): Iterable<T>;
  size(): number;
}

/** The last value found for a subject: most of the following lookups have the same hour and model. */
interface Slot<T> {
  start: number;
  model: number;
  value: T;
  readonly others: Map<number, Map<number, T>>;
}

export function cellMap<T>(make: (key: CellKey) => T): CellMap<T> {
  const all: T[] = [];
  const orgs = new Map<number, Map<number, Slot<T>>>();

  function add(start: number, org: number, subject: number, model: number): T {
    const value = make({ start, org, subject, model });
    all.push(value);
    return value;
  }

  function find(slot: Slot<T>, start: number, org: number, subject: number, model: number): T {
    let models = slot.others.get(start);
    if (models === undefined) {
      models = new Map();
      slot.others.set(start, models);
    }
    let value = models.get(model);
    if (value === undefined) {
      value = add(start, org, subject, model);
      models.set(model, value);
    }
    return value;
  }

  return {
    get(start, org, subject, model) {
      let subjects = orgs.get(org);
      if (subjects === undefined) {
        subjects = new Map();
        orgs.set(org, subjects);
      }
      let slot = subjects.get(subject);
      if (slot === undefined) {
        const value = add(start, org, subject, model);
        slot = { start, model, value, others: new Map([[start, new Map([[model, value]])]]) };
        subjects.set(subject, slot);
      } else if (slot.start !== start || slot.model !== model) {
        slot.value = find(slot, start, org, subject, model);
        slot.start = start;
        slot.model = model;
      }
      return slot.value;
    },
    values: () => all,
    size: () => all.length,
  };
}
