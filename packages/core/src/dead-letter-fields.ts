import { toWireFields, type WireFields } from './upcast.ts';

/** Characters of an entry that are kept whole: four times the largest that can be folded. JSON can take six times as much. */
const WHOLE_CHARACTERS = 4 * 1024 * 1024;
/** What is kept of a larger one. */
const BEGINNING_CHARACTERS = 1_000;
const NESTED = '(nested too deeply to be written; see the entry)';

/**
 * The fields of a dead letter as a JSON object: of a whole entry, name, value, name, value …. Total: of an entry that is
 * far too large only the beginning is kept, as `cut`, since what is written back must fit into JSON and Redis.
 */
export function encodeEntryFields(fields: readonly string[]): string {
  let characters = 0;
  for (const text of fields) characters += text.length;
  if (characters <= WHOLE_CHARACTERS) return JSON.stringify(toWireFields(fields));
  const beginning = fields
    .slice(0, BEGINNING_CHARACTERS)
    .map((text) => text.slice(0, BEGINNING_CHARACTERS))
    .join(' ')
    .slice(0, BEGINNING_CHARACTERS);
  return JSON.stringify({ cut: `an entry of ${characters} characters that begins: ${beginning}` });
}

/**
 * The same of one of many events. Total: what is nested more deeply than the stack allows (an entry can bring 500,000
 * levels, which JSON.parse reads but JSON.stringify cannot write) is left out.
 */
export function encodeEventFields(fields: WireFields): string {
  try {
    return JSON.stringify(fields);
  } catch {
    const shown = Object.entries(fields).map(([name, value]) => [name, isNested(value) ? NESTED : value]);
    return JSON.stringify(Object.fromEntries(shown));
  }
}

function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
