import { countUtf8Bytes, FLAT_ENTRY_BYTES } from './decode-entry.ts';
import { decodeFields, isFault, showValue } from './event/define-event.ts';
import { findEventType, type EventInput } from './event/event-types.ts';

/** Why an event is not published; nothing of it has been sent. */
export interface InvalidEvent {
  readonly ok: false;
  readonly reason: 'missing_field' | 'unknown_type' | 'unsupported_version' | 'invalid_field' | 'too_large';
  readonly field: string;
  /** What was expected and what came. */
  readonly detail: string;
}

/** An event that is valid, as the text of a JSON object of texts: copied, so that its owner may change the original. */
export interface EncodedEvent {
  readonly ok: true;
  readonly text: string;
}

/**
 * Validates an event as decoding will, and encodes it. Durations given as numbers are written as plain decimals.
 * Never throws: an event whose getters do is invalid.
 */
export function encodeEvent(event: EventInput): EncodedEvent | InvalidEvent {
  try {
    return encodeGiven(event);
  } catch (error) {
    const why = error instanceof Error ? error.message : showValue(error);
    return refuse('invalid_field', '', `expected an event that can be read; reading it failed: ${why}`);
  }
}

function encodeGiven(given: unknown): EncodedEvent | InvalidEvent {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return refuse('invalid_field', '', `expected an event object; got ${showValue(given)}`);
  }
  const wire = given as Readonly<Record<string, unknown>>;
  const { type, v } = wire;
  if (type === undefined) {
    return refuse('missing_field', 'type', 'type: expected an event type; it is missing');
  }
  const eventType = typeof type === 'string' ? findEventType(type) : undefined;
  if (eventType === undefined) {
    return refuse('unknown_type', 'type', `type: expected a known type; got ${showValue(type)}`);
  }
  if (v !== undefined && v !== eventType.version && v !== String(eventType.version)) {
    return refuse('unsupported_version', 'v', `v: expected ${eventType.version}; got ${showValue(v)}`);
  }
  const decoded = decodeFields(eventType, (name) => toPlainDecimal(wire[name]));
  if (isFault(decoded))
    return { ok: false, reason: decoded.reason, field: decoded.field, detail: decoded.detail };
  return encodeTexts(wire);
}

/** Small numbers, which JavaScript writes with an exponent, in plain digits: a microsecond has only three decimals. */
function toPlainDecimal(value: unknown): unknown {
  return typeof value === 'number' && value > 0 && value < 1e-6 ? '0.0000001' : value;
}

function encodeTexts(wire: Readonly<Record<string, unknown>>): EncodedEvent | InvalidEvent {
  const texts: Record<string, string> = {};
  let characters = 0;
  for (const name of Object.keys(wire)) {
    const value = toPlainDecimal(wire[name]);
    if (value === undefined) continue;
    if (typeof value !== 'string' && typeof value !== 'number') {
      return refuse('invalid_field', name, `${name}: expected a text or a number; got ${showValue(value)}`);
    }
    const text = String(value);
    texts[name] = text;
    characters += name.length + text.length;
  }
  const text = JSON.stringify(texts);
  if (characters * 3 > FLAT_ENTRY_BYTES && countFieldBytes(texts) > FLAT_ENTRY_BYTES) {
    return refuse('too_large', '', `expected an event of at most ${FLAT_ENTRY_BYTES} bytes; it is larger`);
  }
  return { ok: true, text };
}

function countFieldBytes(texts: Readonly<Record<string, string>>): number {
  return Object.entries(texts).reduce(
    (sum, [name, text]) => sum + countUtf8Bytes(name) + countUtf8Bytes(text),
    0,
  );
}

function refuse(reason: InvalidEvent['reason'], field: string, detail: string): InvalidEvent {
  return { ok: false, reason, field, detail };
}

/** The flat form of an encoded event: name, value, name, value …, for XADD. */
export function toFlatFields({ text }: EncodedEvent): string[] {
  return Object.entries(JSON.parse(text) as Record<string, string>).flat();
}
