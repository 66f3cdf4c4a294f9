// Exported for the tests of this repository. Not part of the interface of this package: it may change with any version.
import type { Receipt } from './receipt.ts';

/** An event that waits to be appended. It is already text, because its publisher may change the object. */
export interface QueuedEvent {
  /** A JSON object. */
  readonly text: string;
  /** The key under which Redis remembers the event; empty if the event has no `id`. */
  readonly member: string;
  /** Number among all events of its shard, ascending. */
  readonly sequence: number;
  /** The receipt that waits for its outcome. */
  readonly receipt: Receipt | undefined;
}

/** Events of one shard, first in first out. */
export interface EventQueue {
  readonly length: number;
  push(event: QueuedEvent): void;
  /** The event at `index`, from the oldest. */
  at(index: number): QueuedEvent | undefined;
  /** Removes the `count` oldest events; `count` is at most `length`. */
  drop(count: number): void;
  /** Removes and returns the events for which `choose` is true; the `spared` oldest always stay. */
  extract(spared: number, choose: (event: QueuedEvent) => boolean): readonly QueuedEvent[];
}

/** An array is compacted after this number of events was removed from its front, if that is at least half of it. */
const COMPACT_EVENTS = 1_024;

export function createEventQueue(): EventQueue {
  let events: QueuedEvent[] = [];
  let first = 0;
  return {
    get length() {
      return events.length - first;
    },
    push(event) {
      events.push(event);
    },
    at(index) {
      return events[first + index];
    },
    drop(count) {
      first += count;
      if (first === events.length) {
        events = [];
        first = 0;
      } else if (first >= COMPACT_EVENTS && first * 2 >= events.length) {
        events = events.slice(first);
        first = 0;
      }
    },
    extract(spared, choose) {
      const kept = events.slice(first, first + spared);
      const extracted: QueuedEvent[] = [];
      for (const event of events.slice(first + spared)) (choose(event) ? extracted : kept).push(event);
      events = kept;
      first = 0;
      return extracted;
    },
  };
}
