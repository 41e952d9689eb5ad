import type { ExecutionKind } from '@toolweaver/analytics-core';
import { type Shape, shapeOf } from '../encoding/batch.ts';
import { stampKeys } from '../encoding/run-state.ts';
import { type SummaryKeys, summaryKeysOf } from './summary-keys.ts';

/** How an execution ended, and which of its optional fields it has; these make the shape of its row. */
export const has = {
  failed: 1,
  duration: 2,
  error: 4,
  cost: 8,
  usage: 16,
  weight: 32,
  version: 64,
  model: 128,
  cacheHit: 256,
} as const;

/** The keys of one kind and name. */
export interface Keys {
  /** One number for each kind and name, from 0 on. */
  readonly index: number;
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
  readonly summary: SummaryKeys;
  /** Its versions that have keys of their own. */
  readonly versions: Set<string>;
  /** Of the row of one execution, by the sum of what it `has`; each is made by `shapeIn`. */
  readonly shapes: (Shape | undefined)[];
}

export const usageKeys: readonly string[] = [
  'tokens/input',
  'tokens/cache_read',
  'tokens/cache_write',
  'tokens/output',
  'tokens/reasoning',
  'tokens/total',
];

/** Gives each kind and name its keys, as long as there are not too many of them. */
export interface KeyBook {
  of(kind: Kind, name: string): Keys;
  /** The version itself, or what it shares its keys with. */
  versionOf(keys: Keys, version: string): string;
}

type Kind = ExecutionKind | 'toolkit';

const other = '_other';

/** The service's advice is to have fewer than 10 000 keys; a name has up to a dozen. */
export const maxNames = 2_000;

/** @param onOverflow is told once, when there are too many names and versions and the rest share `_other`. */
export function createKeyBook(onOverflow: () => void): KeyBook {
  const kinds = new Map<Kind, Map<string, Keys>>();
  const others = new Map<Kind, Keys>();
  let count = 0;
  let nextIndex = 0;

  function othersOf(kind: Kind): Keys {
    const keys = others.get(kind) ?? keysOf(prefixOf(kind, other), nextIndex++);
    others.set(kind, keys);
    return keys;
  }

  function hasRoom(): boolean {
    count += 1;
    if (count === maxNames + 1) {
      onOverflow();
    }
    return count <= maxNames;
  }

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
      if (!hasRoom()) {
        return othersOf(kind);
      }
      const keys = keysOf(prefixOf(kind, name), nextIndex++);
      names.set(name, keys);
      return keys;
    },
    versionOf({ versions }, version) {
      if (versions.has(version)) {
        return version;
      }
      if (!hasRoom()) {
        return other;
      }
      versions.add(version);
      return version;
    },
  };
}

function prefixOf(kind: Kind, name: string): string {
  // What begins with an underscore is the service's own.
  return kind === 'tool' ? keyPart(name).replace(/^_/, '%5F') : `${kind}/${keyPart(name)}`;
}

/** A name as one part of a key: a slash in it would make it another name's, and an @ a version of one. */
export function keyPart(name: string): string {
  return name.replace(/[%/@]/g, encodeURIComponent);
}

function keysOf(prefix: string, index: number): Keys {
  return {
    index,
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
    summary: summaryKeysOf(prefix),
    versions: new Set(),
    shapes: [],
  };
}

/** The shape of the row of one execution, by the sum of what it `has`. */
export function shapeIn(keys: Keys, fields: number): Shape {
  return keys.shapes[fields] ?? addShape(keys, fields);
}

function addShape(keys: Keys, fields: number): Shape {
  const shape = shapeOf([
    [keys.status, fields & has.failed ? '"failure"' : '"success"'],
    ...(fields & has.duration ? [keys.duration] : []),
    ...(fields & has.error ? [keys.error] : []),
    ...(fields & has.cost ? [keys.cost] : []),
    ...(fields & has.usage ? [keys.tokens, ...usageKeys] : []),
    ...(fields & has.weight ? [keys.weight] : []),
    ...(fields & has.version ? [keys.version] : []),
    ...(fields & has.model ? [keys.model] : []),
    ...(fields & has.cacheHit ? [keys.cacheHit] : []),
    ...stampKeys,
  ]);
  keys.shapes[fields] = shape;
  return shape;
}
