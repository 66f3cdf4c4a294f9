import { countUtf8Bytes, FLAT_ENTRY_BYTES, type DeadLetterReason } from './decode-entry.ts';
import { decodeFields, isExact, isFault, showValue } from './event/define-event.ts';
import { findEventType, type EventInput } from './event/event-types.ts';
import { toPlainDecimal } from './event/plain-decimal.ts';

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
}

/**
 * Validates an event as decoding will, and encodes it. A valid event decodes to the same event, flat or in a batch; an
 * invalid one is refused for the reason that its dead letter would have. Stricter in one point: an extra field must be
 * a text or a finite number. Only the object's own enumerable fields count, each read once. Durations given as numbers are
 * written as plain decimals. Never throws.
 */
export function encodeEvent(event: EventInput): EncodedEvent | InvalidEvent {
  try {
    return encodeFields(event);
  } catch (error) {
    const why = error instanceof Error ? error.message : showValue(error);
    return refuse('invalid_field', '', `expected an event that can be read; reading it failed: ${why}`);
  }
}

function encodeFields(given: unknown): EncodedEvent | InvalidEvent {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return refuse('invalid_field', '', `expected an event object; got ${showValue(given)}`);
  }
  const { wire, characters, stranger } = copyFields(given as Readonly<Record<string, unknown>>);
  if (characters * 3 > FLAT_ENTRY_BYTES && countFieldBytes(wire) > FLAT_ENTRY_BYTES) {
    return refuse('too_large', '', `expected an event of at most ${FLAT_ENTRY_BYTES} bytes; it is larger`);
  }
  const { type, v } = wire;
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
  const decoded = decodeFields(eventType, (name) => wire[name]);
  if (isFault(decoded))
    return { ok: false, reason: decoded.reason, field: decoded.field, detail: decoded.detail };
  if (stranger !== undefined) {
    const shown = showValue(wire[stranger]);
    return refuse('invalid_field', stranger, `${stranger}: expected a text or a finite number; got ${shown}`);
  }
  const says = v !== undefined || eventType.version === 1; // an event without a version is of version 1
  return { ok: true, text: JSON.stringify(says ? wire : { ...wire, v: String(eventType.version) }) };
}

interface CopiedFields {
  /** By name; numbers as texts, unless their digits are lost; fields that are `undefined` left out. */
  readonly wire: Readonly<Record<string, unknown>>;
  readonly characters: number;
  /** The first field that is neither a text nor a number. */
  readonly stranger: string | undefined;
}

function copyFields(given: Readonly<Record<string, unknown>>): CopiedFields {
  const wire: Record<string, unknown> = {};
  let characters = 0;
  let stranger: string | undefined;
  for (const name of Object.keys(given)) {
    const field = given[name];
    if (field === undefined) continue;
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
export function toFlatFields({ text }: EncodedEvent): string[] {
  return Object.entries(JSON.parse(text) as Record<string, string>).flat();
}
