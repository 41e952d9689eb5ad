import type { ExecutionKind } from '@toolweaver/analytics-core';
import { type Shape, shapeOf } from '../encoding/batch.ts';
import { stampKeys } from '../encoding/run-state.ts';
import { type SummaryKeys, summaryKeysOf } from './summary-keys.ts';

/** Bit flags of the outcome of an execution and its optional fields, which determine the shape of its row. */
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
  attempt: 512,
} as const;

/** The keys of one kind and name. */
export interface Keys {
  /** A number for each kind and name, counted from 0. */
  readonly index: number;
  /** The prefix of all keys: `{tool}`, `skill/{id}`, `llm/{model}` … */
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
  readonly attempt: string;
  /** For rows of several operations, like `failures`. */
  readonly operations: string;
  readonly failures: string;
  readonly summary: SummaryKeys;
  /** Its versions that have keys of their own. */
  readonly versions: Set<string>;
  /** Shapes of the row of one execution, by the sum of its `has` flags. `shapeIn` makes each when it is first needed. */
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

/** Assigns keys to each kind and name, up to `maxNames` of them. */
export interface KeyBook {
  of(kind: Kind, name: string): Keys;
  /** The version itself, or `_other` if there are too many. */
  versionOf(keys: Keys, version: string): string;
}

type Kind = ExecutionKind | 'toolkit';

const other = '_other';

/** The service recommends fewer than 10 000 keys; a name has up to a dozen. */
export const maxNames = 2_000;

/** @param onOverflow called once, when there are too many names and versions and further ones share `_other`. */
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
  if (kind !== 'tool') {
    return `${kind}/${keyPart(name)}`;
  }
  // Keys that begin with an underscore are reserved for the service, and those below `summary` are totals.
  return keyPart(name)
    .replace(/^_/, '%5F')
    .replace(/^summary$/, '%73ummary');
}

/** Escapes a name for a key: a slash would turn it into another name's key, and an @ into that of a version. */
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
    attempt: `${prefix}/attempt`,
    operations: `${prefix}/operations`,
    failures: `${prefix}/failures`,
    summary: summaryKeysOf(prefix),
    versions: new Set(),
    shapes: [],
  };
}

/** The shape of the row of one execution, by the sum of its `has` flags. */
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
    ...(fields & has.attempt ? [keys.attempt] : []),
    ...stampKeys,
  ]);
  keys.shapes[fields] = shape;
  return shape;
}
