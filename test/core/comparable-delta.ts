import type { Delta } from '@streamfold/core';

/** A delta with all maps as sorted lists, so that equal content is deeply equal regardless of its order. */
export function toComparable(delta: Delta): unknown {
  return sortMaps(delta);
}

function sortMaps(value: unknown): unknown {
  if (value instanceof Map) {
    return [...value]
      .map(([key, each]) => [String(key), sortMaps(each)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sortMaps);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, sortMaps(each)]));
}
