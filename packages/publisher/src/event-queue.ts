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
  return new PagedQueue(pool);
}

/** A class, since V8 calls the methods of an object literal with getters in the slow way. */
class PagedQueue implements EventQueue {
  readonly #pool: PagePool;
  readonly #pages: Page[] = [];
  readonly #marks = new Map<number, Mark>();
  /** Sequences of events that left before their turn, and follow the oldest. */
  readonly #extracted = new Set<number>();
  #page = NO_PAGE;
  #oldest = 1;
  #next = 1;

  constructor(pool: PagePool) {
    this.#pool = pool;
  }

  get length(): number {
    return this.#next - this.#oldest - this.#extracted.size;
  }

  get oldest(): number | undefined {
    return this.#oldest < this.#next ? this.#oldest : undefined;
  }

  get latest(): number {
    return this.#next - 1;
  }

  tail(bytes: number): Page {
    if (!this.#page.hasRoom(bytes)) {
      this.#page = this.#pool.take(bytes, this.#next);
      this.#pages.push(this.#page);
    }
    return this.#page;
  }

  push(end: number, mark?: Mark): number {
    if (mark !== undefined) this.#marks.set(this.#next, mark);
    this.#next++;
    return this.#page.append(end);
  }

  pushText(text: string, mark?: Mark): number {
    const { bytes, at } = this.tail(Buffer.byteLength(text));
    return this.push(at + bytes.write(text, at), mark);
  }

  visit(after: number, visitor: Visitor): void {
    for (const page of this.#pages) {
      const { firstSequence, count } = page;
      const from = Math.max(0, after + 1 - firstSequence, this.#oldest - firstSequence);
      for (let index = from; index < count; index++) {
        const sequence = firstSequence + index;
        if (this.#extracted.has(sequence)) continue;
        if (!visitor(page, index, this.#marks.get(sequence))) return;
      }
    }
  }

  drop(upTo: number): void {
    for (; this.#oldest <= upTo || this.#extracted.has(this.#oldest); this.#oldest++) {
      this.#marks.delete(this.#oldest);
      this.#extracted.delete(this.#oldest);
    }
    let [first] = this.#pages;
    while (first !== undefined && first.firstSequence + first.count <= this.#oldest) {
      this.#pages.shift();
      if (first === this.#page) this.#page = NO_PAGE;
      if (!first.isInDoubt) this.#pool.give(first);
      [first] = this.#pages;
    }
  }

  doubt(): void {
    for (const page of this.#pages) page.isInDoubt = true;
  }

  extract(after: number, choose: (receipt: Receipt | undefined) => boolean): Extracted {
    const chosen = chooseEvents(this, after, choose);
    for (const sequence of chosen.sequences) this.#extracted.add(sequence);
    this.drop(0); // the oldest may have been taken away
    return chosen;
  }
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
