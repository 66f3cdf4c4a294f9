import type { EventQueue, QueuedEvent } from './event-queue.ts';
import { ENTRY_BYTES } from './options.ts';

/** Events that are appended together, as one entry. */
export interface Batch {
  readonly events: readonly QueuedEvent[];
  /** Arguments 4 and up of `lua/append-events.lua`: one event flat, several as JSON. */
  readonly args: readonly string[];
  /** The events of each part of the arguments, from the first. */
  readonly parts: readonly (readonly QueuedEvent[])[];
}

/** An event with more fields is appended in the form for several events: Lua's unpack handles about 8,000 values. */
const FLAT_VALUES = 1_000;

/** Makes a batch of the oldest events of the queue, which must not be empty. The events stay in the queue. */
export function formBatch(queue: EventQueue, maxEvents: number): Batch {
  const events = selectEvents(queue, maxEvents);
  const [first] = events;
  if (first !== undefined && events.length === 1) {
    const fields = flattenText(first.text);
    if (fields.length <= FLAT_VALUES)
      return { events, args: ['flat', first.member, ...fields], parts: [events] };
  }
  return { events, ...formParts(events) };
}

/** The number of events that fit in an entry: `[`, texts with commas between, `]`. */
function selectEvents(queue: EventQueue, maxEvents: number): QueuedEvent[] {
  const events: QueuedEvent[] = [];
  let bytes = 1;
  for (let index = 0; index < maxEvents; index++) {
    const event = queue.at(index);
    if (event === undefined) break;
    bytes += Buffer.byteLength(event.text) + 1;
    if (bytes > ENTRY_BYTES && index > 0) break;
    events.push(event);
  }
  return events;
}

/** Each event with an id is its own part; consecutive events without an id are one part. */
function formParts(events: readonly QueuedEvent[]): Pick<Batch, 'args' | 'parts'> {
  const parts: QueuedEvent[][] = [];
  for (const event of events) {
    const last = parts.at(-1);
    if (event.member === '' && last?.[0]?.member === '') last.push(event);
    else parts.push([event]);
  }
  const args = ['events'];
  for (const part of parts) args.push(part[0]?.member ?? '', part.map(({ text }) => text).join(','));
  return { args, parts };
}

/** Fields and values of an entry, from the JSON object of its event. */
function flattenText(text: string): string[] {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(JSON.parse(text) as Record<string, string | number>)) {
    fields.push(name, String(value));
  }
  return fields;
}
