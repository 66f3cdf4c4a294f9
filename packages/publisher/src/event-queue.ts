// Exported for the tests of this repository. Not part of the interface of this package: it may change with any version.
import { Page } from './page.ts';
import type { PagePool } from './page-pool.ts';
import type { Receipt } from './receipt.ts';

/** What some events have in addition to their bytes. */
export interface Mark {
  /** What the event is remembered by, empty if it has no `id` of its own. */
  readonly member: string;
  /** Collects its outcome, if somebody waits for it. */
  readonly receipt: Receipt | undefined;
}

/** Called for an event of the queue; ends the visit by returning false. */
type Visitor = (page: Page, index: number, mark: Mark | undefined) => boolean;

/** Events that left the queue before their turn. */
export interface Extracted {
  readonly events: number;
  readonly bytes: number;
  readonly receipts: readonly Receipt[];
}

/**
 * Events of one shard, first in first out. They lie in pages, as bytes: a hundred thousand waiting events are a few hundred
 * objects. Each has a sequence, its place among all events of the shard, from 1.
 */
export interface EventQueue {
  readonly length: number;
  /** Sequence of the oldest event, or `undefined`. */
  readonly oldest: number | undefined;
  /** Sequence of the event that was taken last; 0 before the first. */
  readonly latest: number;
  /** The page for the next event, with room for its `bytes`. The event may be written from `at` on. */
  tail(bytes: number): Page;
  /** Takes the bytes of the tail up to `end` as an event. Returns their number. */
  push(end: number, mark?: Mark): number;
  /** Takes a JSON text as an event. Returns its bytes. */
  pushText(text: string, mark?: Mark): number;
  /** Visits the events after a sequence, from the oldest. */
  visit(after: number, visitor: Visitor): void;
  /** Drops the events up to a sequence. */
  drop(upTo: number): void;
  /** The outcome of sending some was in doubt: their bytes must stay as they are, even when they have left. */
  doubt(): void;
  /** Takes away those after a sequence for which `choose` is true. */
  extract(after: number, choose: (receipt: Receipt | undefined) => boolean): Extracted;
}

/** Has room for no event. */
const NO_PAGE = new Page(0, 0);

export function createEventQueue(pool: PagePool): EventQueue {
  const pages: Page[] = [];
  const marks = new Map<number, Mark>();
  /** Sequences of events that left before their turn, and follow the oldest. */
  const extracted = new Set<number>();
  let page = NO_PAGE;
  let oldest = 1;
  let next = 1;

  const dropUpTo = (upTo: number): void => {
    for (; oldest <= upTo || extracted.has(oldest); oldest++) {
      marks.delete(oldest);
      extracted.delete(oldest);
    }
    let [first] = pages;
    while (first !== undefined && first.firstSequence + first.count <= oldest) {
      pages.shift();
      if (first === page) page = NO_PAGE;
      if (!first.isInDoubt) pool.give(first);
      [first] = pages;
    }
  };

  const queue: EventQueue = {
    get length() {
      return next - oldest - extracted.size;
    },
    get oldest() {
      return oldest < next ? oldest : undefined;
    },
    get latest() {
      return next - 1;
    },
    tail(bytes) {
      if (!page.hasRoom(bytes)) {
        page = pool.take(bytes, next);
        pages.push(page);
      }
      return page;
    },
    push(end, mark) {
      if (mark !== undefined) marks.set(next, mark);
      next++;
      return page.append(end);
    },
    pushText(text, mark) {
      const { bytes, at } = queue.tail(Buffer.byteLength(text));
      return queue.push(at + bytes.write(text, at), mark);
    },
    visit(after, visitor) {
      for (const each of pages) {
        const { firstSequence, count } = each;
        for (
          let index = Math.max(0, after + 1 - firstSequence, oldest - firstSequence);
          index < count;
          index++
        ) {
          const sequence = firstSequence + index;
          if (extracted.has(sequence)) continue;
          if (!visitor(each, index, marks.get(sequence))) return;
        }
      }
    },
    drop: dropUpTo,
    doubt() {
      for (const each of pages) each.isInDoubt = true;
    },
    extract(after, choose) {
      const chosen = chooseEvents(queue, after, choose);
      for (const sequence of chosen.sequences) extracted.add(sequence);
      dropUpTo(0); // the oldest may have been taken away
      return chosen;
    },
  };
  return queue;
}

function chooseEvents(
  queue: EventQueue,
  after: number,
  choose: (receipt: Receipt | undefined) => boolean,
): Extracted & { readonly sequences: readonly number[] } {
  const sequences: number[] = [];
  const receipts: Receipt[] = [];
  let bytes = 0;
  queue.visit(after, (page, index, mark) => {
    if (!choose(mark?.receipt)) return true;
    sequences.push(page.firstSequence + index);
    bytes += page.endOf(index) - page.startOf(index);
    if (mark?.receipt !== undefined) receipts.push(mark.receipt);
    return true;
  });
  return { sequences, events: sequences.length, bytes, receipts };
}
