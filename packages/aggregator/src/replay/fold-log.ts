import { readLog, type Log, type LogError } from '@streamfold/archive';
import {
  createEntryFold,
  createFold,
  emptyDelta,
  type Catalogue,
  type DecodeContext,
  type Delta,
} from '@streamfold/core';
import type { RedisConnection } from '@streamfold/redis';
import type { Cut } from '../state/read-cut.ts';

/**
 * Folds a log, first the archive and then the stream, up to a cut, entry by entry in the order of IDs: without batches,
 * deltas or the state of others. Gaps are reported and skipped.
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
): Promise<Delta> {
  const { cut, catalogue, context, onProgress, onGap } = options;
  const foldEntry = createEntryFold(createFold(catalogue), context);
  const state = emptyDelta();
  for await (const page of readLog(redis, log, { to: cut.lastDelivered, onGap })) {
    for (const { id, fields } of page.entries) if (!cut.pending.has(id)) foldEntry(state, id, fields);
    onProgress(state.totals.entries);
  }
  return state;
}
