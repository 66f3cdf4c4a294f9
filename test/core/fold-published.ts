import { createEntryFold, createFold, emptyDelta, noUpcasters, type Delta } from '@streamfold/core';
import type { WireEvent } from '../harness/generate-events.ts';
import { flatten } from './decode-all.ts';

/** Entries of a stream: one event, or several in one entry. */
export interface PublishedEntry {
  readonly id: string;
  readonly events: readonly WireEvent[];
}

const foldEntry = createEntryFold(createFold(), { shard: 0, shards: 1, upcasters: noUpcasters });

/** The delta of entries, folded in the order given, as a consumer does; dead letters are counted. */
export function foldEntries(entries: readonly PublishedEntry[]): Delta {
  const delta = emptyDelta();
  for (const { id, events } of entries) {
    const [only] = events;
    const fields =
      events.length === 1 && only !== undefined ? flatten(only) : ['events', JSON.stringify(events)];
    foldEntry(delta, id, fields);
  }
  return delta;
}

/**
 * Puts events into entries of 1 to 4 events. IDs grow in the milliseconds, or only in the sequence number, across changes
 * of length, so that their order is not that of their texts.
 */
export function placeEvents(events: Iterable<WireEvent>, below: (n: number) => number): PublishedEntry[] {
  const entries: PublishedEntry[] = [];
  let ms = 95;
  let seq = 0;
  let group: WireEvent[] = [];
  let size = 1;
  const close = (): void => {
    if (group.length === 0) return;
    if (below(3) === 0) [ms, seq] = [ms + 1 + below(9), 0];
    else seq++;
    entries.push({ id: `${ms}-${seq}`, events: group });
    [group, size] = [[], below(3) === 0 ? 1 + below(4) : 1];
  };
  for (const event of events) {
    group.push(event);
    if (group.length >= size) close();
  }
  close();
  return entries;
}
