import { encodeFields, type EncodedEvent, type InvalidEvent } from '../encode-event.ts';
import { FLAT_ENTRY_BYTES } from '../decode-entry.ts';
import type { EventInput } from '../event/event-types.ts';
import { EventFields, readFields } from './event-fields.ts';
import type { Place } from './fixed-text.ts';
import { measureEvent, writeEvent, type EventTemplate } from './event-template.ts';
import { createTemplateList } from './template-list.ts';
import { NOT_PLAIN } from './value-writer.ts';

/**
 * Writes events as JSON texts straight into a buffer, validating the values while they are copied. What it accepts, and the
 * bytes that it writes, are those of `encodeEvent`, which decides about everything unusual. So the writer changes the cost
 * of encoding, never its result.
 *
 * ```
 *   read ──▶ 0: no template fits ──────────────────────────────────▶ encode
 *       └──▶ the bytes at most ──▶ write ──▶ its end: written         ▲
 *                                       └──▶ NOT_PLAIN ───────────────┘
 * ```
 */
export interface EventWriter {
  /** Reads an event, each field once. Returns the bytes that it takes at most, or 0 if only `encode` can encode it. */
  read(event: EventInput): number;
  /** Writes the event that was read. Returns its end, or `NOT_PLAIN`: then the bytes from the place on mean nothing. */
  write(place: Place): number;
  /** The swarm and the publisher's id of the event that was read: texts, and valid once it is written. */
  readonly swarmId: string;
  readonly id: string | undefined;
  /** Encodes the event that was read the slow way, whatever it is. Call it once. */
  encode(): EncodedEvent | InvalidEvent;
}

export function createEventWriter(): EventWriter {
  return new TemplateWriter();
}

/** A class, since V8 calls the methods of an object literal with getters in the slow way. */
class TemplateWriter implements EventWriter {
  readonly #templates = createTemplateList();
  readonly #scratch = new EventFields();
  #isReading = false;
  #fields = this.#scratch;
  #unreadable: InvalidEvent | undefined;
  #template: EventTemplate | undefined;

  read(event: EventInput): number {
    const isNested = this.#isReading; // a getter of an event may publish another one
    const into = isNested ? new EventFields() : this.#scratch;
    this.#isReading = true;
    this.#unreadable = readFields(event, into);
    this.#isReading = isNested;
    this.#fields = into;
    const template = this.#unreadable === undefined ? this.#templates.find(into) : undefined;
    this.#template = template;
    if (template === undefined || typeof into.values[template.swarmAt] !== 'string') return 0;
    const bytes = measureEvent(template, into);
    return bytes > FLAT_ENTRY_BYTES ? 0 : bytes;
  }

  write(place: Place): number {
    return this.#template === undefined ? NOT_PLAIN : writeEvent(this.#template, this.#fields, place);
  }

  get swarmId(): string {
    return this.#template === undefined ? '' : (this.#fields.values[this.#template.swarmAt] as string);
  }

  get id(): string | undefined {
    // Most events have no id, and looking at place -1 of an array takes as long as writing a few fields.
    if (this.#template === undefined || this.#template.idAt === -1) return undefined;
    return this.#fields.values[this.#template.idAt] as string | undefined;
  }

  encode(): EncodedEvent | InvalidEvent {
    const encoded = this.#unreadable ?? encodeFields(this.#fields);
    if (encoded.ok && this.#template === undefined) this.#templates.learn(this.#fields);
    this.#fields.clear(); // they may be large
    return encoded;
  }
}
