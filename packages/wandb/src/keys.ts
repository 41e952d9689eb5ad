import type { ExecutionKind } from '@toolweaver/analytics-core';

/** The keys of one kind and name. */
export interface Keys {
  /** What all of them begin with: `{tool}`, `skill/{id}`, `llm/{model}` … */
  readonly prefix: string;
  readonly duration: string;
  readonly status: string;
  readonly error: string;
  readonly cost: string;
  readonly tokens: string;
  readonly weight: string;
  readonly version: string;
  readonly model: string;
  readonly cacheHit: string;
  /** Of several operations in one row. */
  readonly operations: string;
  readonly failures: string;
}

/** Gives each kind and name its keys, as long as there are not too many of them. */
export interface KeyBook {
  of(kind: ExecutionKind, name: string): Keys;
}

/** The service's advice is to have fewer than 10 000 keys; a name has up to a dozen. */
export const maxNames = 2_000;

/** @param onOverflow is told once, when there are too many names and the rest share `_other`. */
export function createKeyBook(onOverflow: () => void): KeyBook {
  const kinds = new Map<ExecutionKind, Map<string, Keys>>();
  let count = 0;
  return {
    of(kind, name) {
      let names = kinds.get(kind);
      if (names === undefined) {
        names = new Map();
        kinds.set(kind, names);
      }
      const known = names.get(name);
      if (known !== undefined) {
        return known;
      }
      count += 1;
      if (count > maxNames) {
        if (count === maxNames + 1) {
          onOverflow();
        }
        count = maxNames + 1;
        return keysOf(prefixOf(kind, '_other'));
      }
      const keys = keysOf(prefixOf(kind, name));
      names.set(name, keys);
      return keys;
    },
  };
}

function prefixOf(kind: ExecutionKind, name: string): string {
  // What begins with an underscore is the service's own.
  return kind === 'tool' ? keyPart(name).replace(/^_/, '%5F') : `${kind}/${keyPart(name)}`;
}

/** A name as one part of a key: a slash in it would make it another name's. */
export function keyPart(name: string): string {
  return name.replace(/[%/]/g, encodeURIComponent);
}

function keysOf(prefix: string): Keys {
  return {
    prefix,
    duration: `${prefix}/duration`,
    status: `${prefix}/status`,
    error: `${prefix}/error`,
    cost: `${prefix}/cost`,
    tokens: `${prefix}/tokens`,
    weight: `${prefix}/weight`,
    version: `${prefix}/version`,
    model: `${prefix}/model`,
    cacheHit: `${prefix}/cache_hit`,
    operations: `${prefix}/operations`,
    failures: `${prefix}/failures`,
  };
}
