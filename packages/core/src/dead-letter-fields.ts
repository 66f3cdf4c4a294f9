import type { WireFields } from './upcast.ts';

/** What is kept of fields that no JSON text can hold whole: so many, and so many characters of each name and value. */
const KEPT_FIELDS = 1_000;
const KEPT_CHARACTERS = 1_024;

/**
 * The fields of a dead letter as a JSON object. Total: fields that are nested deeper than the stack allows (an entry can
 * bring 500,000 levels, which parse but cannot be written again), or whose text would be longer than a string may be, are
 * cut; what was nested is then `null`.
 */
export function encodeDeadLetterFields(fields: WireFields): string {
  try {
    return JSON.stringify(fields);
  } catch {
    const kept = Object.entries(fields).slice(0, KEPT_FIELDS);
    return JSON.stringify(Object.fromEntries(kept.map(([name, value]) => [cut(name), cut(value)])));
  }
}

function cut(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, KEPT_CHARACTERS);
  return typeof value === 'object' ? null : value;
}
