import { toWireFields, type WireFields } from './upcast.ts';

/** An entry of up to this number of characters is kept whole: four times the largest that can be folded. JSON may be six times as long. */
const WHOLE_CHARACTERS = 4 * 1024 * 1024;
/** A larger one is cut after this number of characters. */
const BEGINNING_CHARACTERS = 1_000;
const NESTED = '(nested too deeply to be written; see the entry)';

/**
 * The fields of a dead letter as a JSON object: of a whole entry, name, value, name, value …. Total: of an entry that is
 * far too large only the beginning is kept, as `cut`, since the result must fit into JSON and Redis.
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
 * The same for one of many events. Total: values nested more deeply than the stack allows (an entry can bring 500,000
 * levels, which JSON.parse reads but JSON.stringify cannot write) are left out.
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
