import { readStoredLog, type Log, type LogError } from '@streamfold/archive';
import type { Catalogue, DecodeContext, Delta } from '@streamfold/core';
import type { RedisConnection } from '@streamfold/redis';
import { LogFold } from './log-fold.ts';
import type { Cut } from '../state/read-cut.ts';

/**
 * Folds a log, first the archive and then the stream, up to a cut, entry by entry in the order of IDs, without the
 * deltas or the state of others. Gaps are reported and skipped.
 *
 * @throws {LogError} if a segment of the archive is missing or damaged.
 */
export async function foldLog(
  redis: RedisConnection,
  log: Log,
  options: {
    readonly cut: Pick<Cut, 'lastDelivered' | 'pending'>;
    readonly catalogue: Catalogue;
    readonly context: DecodeContext;
    readonly onProgress: (entries: number) => void;
    readonly onGap: (gap: LogError) => void;
  },
): Promise<Delta> {
  const { cut, onProgress, onGap } = options;
  const fold = new LogFold(options);
  for await (const page of readStoredLog(redis, log, { to: cut.lastDelivered, onGap })) {
    fold.take(page, cut.pending);
    onProgress(fold.entries);
  }
  return fold.finish();
}
