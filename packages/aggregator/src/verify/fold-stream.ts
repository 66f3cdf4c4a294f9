import {
  compareStamps,
  createFold,
  decodeEntry,
  emptyDelta,
  type Catalogue,
  type DeadLetter,
  type DecodeContext,
  type Delta,
  type Event,
} from '@streamfold/core';
import type { RedisConnection } from '@streamfold/redis';
import type { Cut } from './read-cut.ts';

/** Entries read at once: some MB where they are large. */
const PAGE_ENTRIES = 500;

/**
 * XRANGE events (id + COUNT n, to the cut
 *
 * Folds the stream from its oldest entry, one by one in the order of their IDs: no batches, no deltas, no state of others.
 */
export async function foldStream(
  redis: RedisConnection,
  events: string,
  options: {
    cut: Cut;
    catalogue: Catalogue;
    context: DecodeContext;
    onProgress: (entries: number) => void;
  },
): Promise<{ state: Delta; entries: number }> {
  const { cut, catalogue, context, onProgress } = options;
  const foldEvent = createFold(catalogue);
  const state = emptyDelta();
  let entryId = '';
  let entries = 0;
  const sink = {
    event: (event: Event, index: number) => foldEvent(state, event, entryId, index),
    deadLetter({ reason }: DeadLetter) {
      state.totals.deadLetters.set(reason, (state.totals.deadLetters.get(reason) ?? 0) + 1);
    },
  };
  let from = '-';
  for (;;) {
    const page = await redis.xrange(events, from, cut.lastDelivered, 'COUNT', PAGE_ENTRIES);
    for (const [id, fields] of page) {
      entryId = id;
      if (cut.pending.has(id)) continue;
      decodeEntry(fields, context, sink);
      entries++;
    }
    onProgress(entries);
    const last = page.at(-1);
    if (last === undefined || compareStamps(last[0], cut.lastDelivered) >= 0) return { state, entries };
    from = `(${last[0]}`;
  }
}
