import { encodeEntryFields, encodeEventFields } from './dead-letter-fields.ts';
import { decodeFields, isFault, showValue, type EventType, type FieldSource } from './event/define-event.ts';
import { findEventType, type Event } from './event/event-types.ts';
import { parseJson } from './parse-json.ts';
import { createEventScanner } from './scan-events.ts';
import { swarmShard } from './swarm-shard.ts';
import { toWireFields, upcast, type Upcasters, type WireFields } from './upcast.ts';

/** Why an event could not be folded, in the order in which they are checked. */
export const DEAD_LETTER_REASONS = [
  'too_large',
  'missing_field',
  'unknown_type',
  'unsupported_version',
  'invalid_field',
  'wrong_shard',
] as const;

export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

/** An event that could not be decoded. */
export interface DeadLetter {
  /** Its place in the entry; `undefined` if the entry is flat, or bad as a whole. */
  readonly index: number | undefined;
  readonly reason: DeadLetterReason;
  /** The field, what was expected and what arrived. */
  readonly detail: string;
  /** The fields as a JSON object. */
  readonly fields: string;
}

/** Receives the events of an entry, in order. */
export interface EntrySink {
  event(event: Event, index: number): void;
  deadLetter(deadLetter: DeadLetter): void;
}

export interface DecodeContext {
  /** The shard whose stream is read, of `shards`. */
  readonly shard: number;
  readonly shards: number;
  /** Replace those of the event type, if there are any for it. */
  readonly upcasters: Upcasters;
}

/** Largest flat entry, and largest `events` field, bytes of UTF-8. */
export const FLAT_ENTRY_BYTES = 16 * 1024;
export const BATCH_ENTRY_BYTES = 1024 * 1024;
/** Most events in one entry. */
export const BATCH_EVENTS = 1_000;

/**
 * Decodes the fields of an entry (name, value, name, value …): one event, or all events in its only field `events`.
 * Pure and total: for any fields, each event goes to the sink, decoded or as a dead letter.
 */
export function decodeEntry(fields: readonly string[], context: DecodeContext, sink: EntrySink): void {
  if (fields.length === 2 && fields[0] === 'events') decodeBatch(fields[1] ?? '', context, sink);
  else decodeFlat(fields, context, sink);
}

function decodeFlat(fields: readonly string[], context: DecodeContext, sink: EntrySink): void {
  const fault = exceeds(fields, FLAT_ENTRY_BYTES)
    ? tooLarge(`an entry of at most ${FLAT_ENTRY_BYTES} bytes`)
    : decodeEvent(
        (name) => findLast(fields, name),
        () => toWireFields(fields),
        context,
      );
  if (isEvent(fault)) sink.event(fault, 0);
  else sink.deadLetter({ index: undefined, ...fault, fields: encodeEntryFields(fields) });
}

/** One for the process: the layouts that it learns change only the time that decoding takes. */
const scanner = createEventScanner();

function decodeBatch(text: string, context: DecodeContext, sink: EntrySink): void {
  const scanned: Event[] = [];
  if (scanBatch(text, context, scanned) === 'complete') {
    scanned.forEach((event, index) => sink.event(event, index));
    return;
  }
  const events = parseBatch(text);
  if (!Array.isArray(events)) {
    sink.deadLetter({ index: undefined, ...events, fields: encodeEntryFields(['events', text]) });
    return;
  }
  for (let index = 0; index < events.length; index++) {
    const wire = events[index] as WireFields;
    const decoded = decodeEvent(
      (name) => (Object.hasOwn(wire, name) ? wire[name] : undefined),
      () => wire,
      context,
    );
    if (isEvent(decoded)) {
      if (index === scanned.length) scanner.learn(wire);
      sink.event(decoded, index);
    } else sink.deadLetter({ index, ...decoded, fields: encodeEventFields(wire) });
  }
}

/** `complete`: the entry holds these events, all of this shard, and nothing else. */
function scanBatch(text: string, { shard, shards }: DecodeContext, events: Event[]): 'complete' | 'stopped' {
  if (text.length > BATCH_ENTRY_BYTES || scanner.scan(text, events) === 'stopped') return 'stopped';
  if (events.length > BATCH_EVENTS) return 'stopped';
  return shards === 1 || events.every((event) => swarmShard(event.swarm_id, shards) === shard)
    ? 'complete'
    : 'stopped';
}

function parseBatch(text: string): unknown[] | Fault {
  if (exceeds([text], BATCH_ENTRY_BYTES))
    return tooLarge(`events: an array of at most ${BATCH_ENTRY_BYTES} bytes`);
  const expected = `events: expected a JSON array of 1 to ${BATCH_EVENTS} objects`;
  let parsed: unknown;
  try {
    parsed = parseJson(text);
  } catch {
    return { reason: 'invalid_field', detail: `${expected}; got ${showValue(text)}` };
  }
  if (!Array.isArray(parsed))
    return { reason: 'invalid_field', detail: `${expected}; got ${showValue(parsed)}` };
  if (parsed.length === 0 || parsed.length > BATCH_EVENTS) {
    return { reason: 'invalid_field', detail: `${expected}; got ${parsed.length}` };
  }
  const stranger = (parsed as unknown[]).find(
    (each) => typeof each !== 'object' || each === null || Array.isArray(each),
  );
  if (stranger !== undefined)
    return { reason: 'invalid_field', detail: `${expected}; got ${showValue(stranger)} in it` };
  return parsed as unknown[];
}

interface Fault {
  readonly reason: DeadLetterReason;
  readonly detail: string;
}

function tooLarge(expected: string): Fault {
  return { reason: 'too_large', detail: `expected ${expected}; it is larger` };
}

function isEvent(decoded: Event | Fault): decoded is Event {
  return 'type' in decoded;
}

/** Decodes one event from its fields, in either form. */
function decodeEvent(read: FieldSource, collect: () => WireFields, context: DecodeContext): Event | Fault {
  const type = read('type');
  if (type === undefined)
    return { reason: 'missing_field', detail: 'type: expected an event type; it is missing' };
  const eventType = typeof type === 'string' ? findEventType(type) : undefined;
  if (eventType === undefined)
    return { reason: 'unknown_type', detail: `type: expected a known type; got ${showValue(type)}` };
  const said = read('v');
  const version = said === undefined ? FIRST_VERSION : said;
  const source =
    version === CURRENT[eventType.version] || version === eventType.version
      ? read
      : upcastSource({ eventType, version, upcasters: context.upcasters }, collect);
  if (typeof source !== 'function') return source;
  const decoded = decodeFields(eventType, source);
  if (isFault(decoded)) return decoded;
  const event = decoded as unknown as Event;
  if (context.shards === 1) return event;
  const shard = swarmShard(event.swarm_id, context.shards);
  if (shard === context.shard) return event;
  return {
    reason: 'wrong_shard',
    detail: `swarm_id: expected a swarm of shard ${context.shard} of ${context.shards}; ${event.swarm_id} is of shard ${shard}`,
  };
}

/** Version of an event without `v`, even if there are later versions: published events keep their meaning. */
const FIRST_VERSION = '1';

/** Texts of the versions, so that no text is created per event. */
const CURRENT: readonly string[] = Array.from({ length: 100 }, (_, number) => String(number));

interface Upcast {
  readonly eventType: EventType;
  /** As it arrived. */
  readonly version: unknown;
  readonly upcasters: Upcasters;
}

function upcastSource(
  { eventType: { type, version: current, upcasters: own }, version, upcasters }: Upcast,
  collect: () => WireFields,
): FieldSource | Fault {
  const unsupported: Fault = {
    reason: 'unsupported_version',
    detail: `v: expected a supported version of ${type}, at most ${current}; got ${showValue(version)}`,
  };
  if (
    !/^(0|[1-9]\d{0,5})$/.test(
      typeof version === 'number' ? String(version) : typeof version === 'string' ? version : '',
    )
  ) {
    return unsupported;
  }
  try {
    const fields = upcast(upcasters.get(type) ?? own, { from: Number(version), to: current }, collect());
    return fields === undefined
      ? unsupported
      : (name) => (Object.hasOwn(fields, name) ? fields[name] : undefined);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      reason: 'invalid_field',
      detail: `v: expected fields of ${type} version ${String(version)}; ${why}`,
    };
  }
}

/** The value of the last field of that name: as in JSON, the last one counts. */
function findLast(fields: readonly string[], name: string): string | undefined {
  for (let at = fields.length - 2; at >= 0; at -= 2) if (fields[at] === name) return fields[at + 1];
  return undefined;
}

/** True if the texts take more than `limit` bytes of UTF-8. A character takes one to three. */
function exceeds(texts: readonly string[], limit: number): boolean {
  let characters = 0;
  for (const text of texts) characters += text.length;
  if (characters * 3 <= limit) return false;
  if (characters > limit) return true;
  let bytes = 0;
  for (const text of texts) bytes += countUtf8Bytes(text);
  return bytes > limit;
}

/** Bytes of a text in UTF-8; a lone surrogate counts as the three bytes of the character that replaces it. */
export function countUtf8Bytes(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x80) bytes += 1;
    else if (code < 0x800) bytes += 2;
    else if (code >= 0xd800 && code < 0xdc00 && isLowSurrogate(text.charCodeAt(at + 1))) {
      bytes += 4;
      at++;
    } else bytes += 3;
  }
  return bytes;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code < 0xe000;
}
