import { countUtf8Bytes, FLAT_ENTRY_BYTES, type DeadLetterReason } from './decode-entry.ts';
import { decodeFields, isExact, isFault, showValue } from './event/define-event.ts';
import { findEventType, type EventInput } from './event/event-types.ts';
import { toPlainDecimal } from './event/plain-decimal.ts';
import { describeUnreadable, EventFields, readFields } from './write/event-fields.ts';

/** Why an event is not published; no part of it has been sent. */
export interface InvalidEvent {
  readonly ok: false;
  /** The reasons of dead letters except `wrong_shard`: the publisher knows the shard of a swarm. */
  readonly reason: Exclude<DeadLetterReason, 'wrong_shard'>;
  readonly field: string;
  /** What was expected and what arrived. */
  readonly detail: string;
}

/** An event that is valid, as the text of a JSON object of texts: copied, so that its owner may change the original. */
export interface EncodedEvent {
  readonly ok: true;
  readonly text: string;
  /** The swarm and, if it has one, the publisher's id of the event, as they are in the text. */
  readonly swarmId: string;
  readonly id: string | undefined;
}

/**
 * Validates an event as decoding will, and encodes it. A valid event decodes to the same event, flat or in a batch; an
 * invalid one is refused for the reason that its dead letter would have. Stricter in one point: an extra field must be
 * a text or a finite number. Only the object's own enumerable fields count, each read once. Durations given as numbers are
 * written as plain decimals. Never throws.
 */
export function encodeEvent(event: EventInput): EncodedEvent | InvalidEvent {
  const fields = new EventFields();
  const unreadable = readFields(event, fields);
  return unreadable ?? encodeFields(fields);
}

/** The same for an event whose fields were read before. */
export function encodeFields(fields: EventFields): EncodedEvent | InvalidEvent {
  try {
    return encodeWire(fields);
  } catch (error) {
    return describeUnreadable(error); // a value that cannot even be shown
  }
}

function encodeWire(fields: EventFields): EncodedEvent | InvalidEvent {
  const { wire, characters, stranger } = copyFields(fields);
  if (characters * 3 > FLAT_ENTRY_BYTES && countFieldBytes(wire) > FLAT_ENTRY_BYTES) {
    return refuse('too_large', '', `expected an event of at most ${FLAT_ENTRY_BYTES} bytes; it is larger`);
  }
  const read = (name: string): unknown => (Object.hasOwn(wire, name) ? wire[name] : undefined);
  const type = read('type');
  const v = read('v');
  if (type === undefined) {
    return refuse('missing_field', 'type', 'type: expected an event type; it is missing');
  }
  const eventType = typeof type === 'string' ? findEventType(type) : undefined;
  if (eventType === undefined) {
    return refuse('unknown_type', 'type', `type: expected a known type; got ${showValue(type)}`);
  }
  if (v !== undefined && v !== String(eventType.version)) {
    return refuse('unsupported_version', 'v', `v: expected ${eventType.version}; got ${showValue(v)}`);
  }
  const decoded = decodeFields(eventType, read);
  if (isFault(decoded))
    return { ok: false, reason: decoded.reason, field: decoded.field, detail: decoded.detail };
  if (stranger !== undefined) {
    const shown = showValue(wire[stranger]);
    return refuse('invalid_field', stranger, `${stranger}: expected a text or a finite number; got ${shown}`);
  }
  const says = v !== undefined || eventType.version === 1; // an event without a version is of version 1
  const text = JSON.stringify(says ? wire : { ...wire, v: String(eventType.version) });
  const { swarm_id, id } = decoded as { swarm_id: string; id: string | undefined };
  return { ok: true, text, swarmId: swarm_id, id };
}

interface CopiedFields {
  /** By name; numbers as texts, unless their digits are lost. */
  readonly wire: Readonly<Record<string, unknown>>;
  readonly characters: number;
  /** The first field that is neither a text nor a number. */
  readonly stranger: string | undefined;
}

function copyFields({ names, values, count }: EventFields): CopiedFields {
  const wire: Record<string, unknown> = {};
  let characters = 0;
  let stranger: string | undefined;
  for (let at = 0; at < count; at++) {
    const name = names[at] ?? '';
    const field = values[at];
    const value = typeof field === 'number' && isExact(field) ? toPlainDecimal(field) : field;
    if (name === '__proto__') Object.defineProperty(wire, name, { value, enumerable: true });
    else wire[name] = value;
    characters += name.length;
    if (typeof value === 'string') characters += value.length;
    else if (!Number.isFinite(value)) stranger ??= name;
  }
  return { wire, characters, stranger };
}

function countFieldBytes(wire: Readonly<Record<string, unknown>>): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(wire)) {
    bytes += countUtf8Bytes(name) + (typeof value === 'string' ? countUtf8Bytes(value) : 0);
  }
  return bytes;
}

function refuse(reason: InvalidEvent['reason'], field: string, detail: string): InvalidEvent {
  return { ok: false, reason, field, detail };
}

/** The flat form of an encoded event: name, value, name, value …, for XADD. */
export function toFlatFields({ text }: Pick<EncodedEvent, 'text'>): string[] {
  return Object.entries(JSON.parse(text) as Record<string, string>).flat();
}
