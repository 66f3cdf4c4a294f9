import type { EventType } from '../event/define-event.ts';
import { findEventType } from '../event/event-types.ts';
import type { EventFields } from './event-fields.ts';
import { toFixedText, WORD_BYTES, writeFixedText, type FixedText, type Place } from './fixed-text.ts';
import { createValueWriter, NOT_PLAIN, writeExtra, writeName, type ValueWriter } from './value-writer.ts';

/**
 * The JSON text of the events of one type with the same fields in the same order: the parts that are the same in all of
 * them, as bytes, and a writer for each value between. It fits only events with all required fields, and what it writes is
 * what the slow way, `encodeFields`, gives.
 */
export interface EventTemplate {
  /** Names of the fields, in their order. */
  readonly names: readonly string[];
  /** Places of these fields among the names; -1 if there is none. */
  readonly typeAt: number;
  readonly versionAt: number;
  readonly swarmAt: number;
  readonly idAt: number;
  readonly type: string;
  readonly version: number;
  readonly parts: readonly TemplatePart[];
  /** What follows the last value. */
  readonly tail: FixedText;
  /** Bytes of all that is the same in all events. */
  readonly fixedBytes: number;
}

interface TemplatePart {
  /** What stands before the value. */
  readonly before: FixedText;
  /** Place of the field among the names. */
  readonly fieldAt: number;
  /** Most characters if it is a name, as most fields are; else 0. */
  readonly nameCharacters: number;
  /** Writes it if it is no name. */
  readonly write: ValueWriter;
}

/** Most fields of a template: twice those of the largest event. */
const TEMPLATE_FIELDS = 20;
/** Names that JSON writes as they are, and that an object keeps in their order: integers come first. */
const PLAIN_NAME = /^(?!__proto__$)[A-Za-z_-][A-Za-z0-9_-]{0,63}$/;

/** The template for events with the fields of a valid event, in the same order; `undefined` if it can have none. */
export function createTemplate({ names: read, values, count }: EventFields): EventTemplate | undefined {
  const names = read.slice(0, count);
  const isPlain = count <= TEMPLATE_FIELDS && names.every((name) => PLAIN_NAME.test(name));
  const typeAt = names.indexOf('type');
  const type = values[typeAt];
  const eventType = typeof type === 'string' ? findEventType(type) : undefined;
  if (!isPlain || eventType === undefined) return undefined;
  const parts: TemplatePart[] = [];
  let fixed = '{';
  names.forEach((name, fieldAt) => {
    fixed += `${fieldAt === 0 ? '' : ','}"${name}":"`;
    const value = fixedValue(eventType, name);
    if (value !== undefined) {
      fixed += `${value}"`;
    } else {
      parts.push({ before: toFixedText(fixed), fieldAt, ...findWriter(eventType, name) });
      fixed = '"';
    }
  });
  const versionAt = names.indexOf('v');
  if (versionAt === -1 && eventType.version !== 1) fixed += `,"v":"${eventType.version}"`;
  const tail = toFixedText(`${fixed}}`);
  return {
    names,
    typeAt,
    versionAt,
    swarmAt: names.indexOf('swarm_id'),
    idAt: names.indexOf('id'),
    type: eventType.type,
    version: eventType.version,
    parts,
    tail,
    fixedBytes: parts.reduce((bytes, { before }) => bytes + before.bytes, tail.bytes),
  };
}

/** The value of a field that is the same in all events of a type. */
function fixedValue({ type, version }: EventType, name: string): string | undefined {
  if (name === 'type') return type;
  return name === 'v' ? String(version) : undefined;
}

function findWriter({ rules }: EventType, name: string): Pick<TemplatePart, 'nameCharacters' | 'write'> {
  const form = rules.find((rule) => rule.name === name)?.kind.plain.form;
  if (form === undefined) return { nameCharacters: 0, write: writeExtra };
  return { nameCharacters: form.form === 'name' ? form.most : 0, write: createValueWriter(form) };
}

/** True if an event has the fields of the template in its order, and its type and version. */
export function fitsTemplate(template: EventTemplate, { names, values, count }: EventFields): boolean {
  const { names: expected, typeAt, versionAt, version } = template;
  if (count !== expected.length || values[typeAt] !== template.type) return false;
  for (let at = 0; at < count; at++) if (names[at] !== expected[at]) return false;
  if (versionAt === -1) return true;
  const v = values[versionAt];
  return v === version || v === String(version);
}

/** The bytes that an event takes at most. */
export function measureEvent(template: EventTemplate, { valueBytes }: EventFields): number {
  return template.fixedBytes + valueBytes + WORD_BYTES;
}

/**
 * Writes an event that fits; there must be room for the bytes of `measureEvent`. Returns its end, or `NOT_PLAIN`: then the
 * bytes from the place on mean nothing.
 */
export function writeEvent(template: EventTemplate, { values }: EventFields, place: Place): number {
  const { parts, tail } = template;
  const { view } = place;
  let end = place.at;
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at];
    if (part === undefined) break;
    end = writeFixedText(view, end, part.before);
    const value = values[part.fieldAt];
    if (part.nameCharacters === 0) end = part.write(place, end, value);
    else if (typeof value !== 'string' || value.length > part.nameCharacters) return NOT_PLAIN;
    else end = writeName(place, end, value);
    if (end === NOT_PLAIN) return NOT_PLAIN;
  }
  return writeFixedText(view, end, tail);
}
