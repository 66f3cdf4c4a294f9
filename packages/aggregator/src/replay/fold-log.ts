import { readLog, type Log, type LogError } from '@streamfold/archive';
import {
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
import type { Cut } from '../state/read-cut.ts';

/**
 * Folds a log, archive first and then stream, up to a cut, one by one in the order of their IDs: no batches, no deltas, no
 * state of others. Holes are reported and skipped.
 *
 * @throws {LogError} if a segment of the archive is missing or damaged.
 */
export async function foldLog(
  redis: RedisConnection,
  log: Log,
  options: {
    readonly cut: Cut;
    readonly catalogue: Catalogue;
    readonly context: DecodeContext;
    readonly onProgress: (entries: number) => void;
    readonly onGap: (gap: LogError) => void;
  },
): Promise<{ state: Delta; entries: number }> {
  const { cut, catalogue, context, onProgress, onGap } = options;
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
  for await (const page of readLog(redis, log, { to: cut.lastDelivered, onGap })) {
    for (const { id, fields } of page.entries) {
      entryId = id;
      if (cut.pending.has(id)) continue;
      decodeEntry(fields, context, sink);
      entries++;
    }
    onProgress(entries);
  }
  return { state, entries };
}
