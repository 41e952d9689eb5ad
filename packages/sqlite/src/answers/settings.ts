import type { JsonObject, JsonValue } from '@toolweaver/analytics-core';
import { canonical } from '../canonical.ts';

/** What is not the same in all configurations, by the path of the setting, sorted; what one lacks is null, as what is null. */
export function differentSettings(configs: readonly JsonObject[]): [string, (JsonValue | null)[]][] {
  const all = configs.map((config) => new Map(settings(config, '')));
  const paths = new Set(all.flatMap((known) => [...known.keys()]));
  return [...paths]
    .sort()
    .map((path): [string, (JsonValue | null)[]] => [path, all.map((known) => known.get(path) ?? null)])
    .filter(([, values]) => new Set(values.map(canonical)).size > 1);
}

/** Everything that is no object with something in it: lists are compared whole. */
function settings(value: JsonValue, path: string): [string, JsonValue][] {
  const isInner = isObject(value) && (path === '' || Object.keys(value).length > 0);
  return isInner ? Object.entries(value).flatMap(([key, inner]) => settings(inner, join(path, key))) : [[path, value]];
}

/** `model.name`, or `model["a.b"]` for what a path could not tell apart. */
function join(path: string, key: string): string {
  if (/[.[\]"]|^$/.test(key)) {
    return `${path}[${JSON.stringify(key)}]`;
  }
  return path === '' ? key : `${path}.${key}`;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
