import type { EventQueue, Mark } from './event-queue.ts';
import { ENTRY_BYTES } from './options.ts';
import type { Page } from './page.ts';
import type { Receipt } from './receipt.ts';

/** Events that are appended together, as one entry. */
export interface Batch {
  readonly events: number;
  /** Bytes of the events. */
  readonly bytes: number;
  /** Sequence of the last of them. */
  readonly upTo: number;
  /** Arguments 4 and up of `lua/append-events.lua`: one event flat, several as JSON. */
  readonly args: readonly (string | Buffer)[];
  /** Each part of the arguments, from the first. */
  readonly parts: readonly Part[];
}

/** Consecutive events without an id; each event with an id is its own part. */
interface Part {
  readonly events: number;
  readonly receipts: readonly Receipt[];
}

interface GrowingPart extends Part {
  readonly member: string;
  /** Where the events lie. */
  readonly slices: Slice[];
  readonly receipts: Receipt[];
  events: number;
}

/** Events of one page, with commas between. */
interface Slice {
  readonly page: Page;
  readonly start: number;
  end: number;
}

const COMMA = Buffer.from(',');

/** An event with more fields is appended in the form for several events: Lua's unpack handles about 8,000 values. */
const FLAT_VALUES = 1_000;

/** Makes a batch of the oldest events of the queue, which must not be empty. The events stay in the queue. */
export function formBatch(queue: EventQueue, maxEvents: number): Batch {
  const parts: GrowingPart[] = [];
  let events = 0;
  let bytes = 0;
  let upTo = 0;
  queue.visit(0, (page, index, mark) => {
    const size = page.endOf(index) - page.startOf(index);
    // An entry is `[`, the events with commas between, `]`.
    const entryBytes = bytes + size + events + 2;
    if (entryBytes > ENTRY_BYTES && events > 0) return false;
    events += 1;
    bytes += size;
    upTo = page.firstSequence + index;
    addToParts(parts, { page, index, mark });
    return events < maxEvents;
  });
  return { events, bytes, upTo, args: toArguments(parts), parts };
}

function addToParts(
  parts: GrowingPart[],
  { page, index, mark }: { page: Page; index: number; mark: Mark | undefined },
): void {
  const { member = '', receipt } = mark ?? {};
  let part = parts.at(-1);
  if (part === undefined || part.member !== '' || member !== '') {
    part = { member, slices: [], events: 0, receipts: [] };
    parts.push(part);
  }
  part.events += 1;
  if (receipt !== undefined) part.receipts.push(receipt);
  const start = page.startOf(index);
  const end = page.endOf(index);
  const slice = part.slices.at(-1);
  if (slice?.page === page && slice.end + 1 === start) slice.end = end;
  else part.slices.push({ page, start, end });
}

function toArguments(parts: readonly GrowingPart[]): (string | Buffer)[] {
  const [first] = parts;
  if (first !== undefined && parts.length === 1 && first.events === 1) {
    const fields = flattenText(textOf(first).toString());
    if (fields.length <= FLAT_VALUES) return ['flat', first.member, ...fields];
  }
  return ['events', ...parts.flatMap((part) => [part.member, textOf(part)])];
}

/** The events of a part, with commas between; copied only if they lie in several pages. */
function textOf({ slices }: GrowingPart): Buffer {
  const texts = slices.map(({ page, start, end }) => page.bytes.subarray(start, end));
  const [first] = texts;
  if (first !== undefined && texts.length === 1) return first;
  return Buffer.concat(texts.flatMap((text, at) => (at === 0 ? [text] : [COMMA, text])));
}

/** Fields and values of an entry, from the JSON object of its event. */
function flattenText(text: string): string[] {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(JSON.parse(text) as Record<string, string | number>)) {
    fields.push(name, String(value));
  }
  return fields;
}
