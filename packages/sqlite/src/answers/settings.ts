import type { JsonObject, JsonValue } from '@toolweaver/analytics-core';
import { canonical } from '../canonical.ts';

/** The settings that differ between configurations, by path, sorted. A missing setting is null, like one that is null. */
export function differentSettings(configs: readonly JsonObject[]): [string, (JsonValue | null)[]][] {
  const all = configs.map((config) => new Map(settings(config, '')));
  const paths = new Set(all.flatMap((known) => [...known.keys()]));
  return [...paths]
    .sort()
    .map((path): [string, (JsonValue | null)[]] => [path, all.map((known) => known.get(path) ?? null)])
    .filter(([, values]) => new Set(values.map(canonical)).size > 1);
}

/** The leaves: everything but non-empty objects. Lists are compared as a whole. */
function settings(value: JsonValue, path: string): [string, JsonValue][] {
  const isInner = isObject(value) && (path === '' || Object.keys(value).length > 0);
  return isInner ? Object.entries(value).flatMap(([key, inner]) => settings(inner, join(path, key))) : [[path, value]];
}

/** `model.name`, or `model["a.b"]` for keys that would make a path ambiguous. */
function join(path: string, key: string): string {
  if (/[.[\]"]|^$/.test(key)) {
    return `${path}[${JSON.stringify(key)}]`;
  }
  return path === '' ? key : `${path}.${key}`;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
