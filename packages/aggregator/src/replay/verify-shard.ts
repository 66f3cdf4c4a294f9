import { measureLog, type Archive, type LogError } from '@streamfold/archive';
import { noUpcasters } from '@streamfold/core';
import { replyField, type RedisConnection } from '@streamfold/redis';
import type { Generation } from '../state/generation.ts';
import { compareStates, type Difference } from './compare-states.ts';
import { foldLog } from './fold-log.ts';
import { readCut } from '../state/read-cut.ts';
import { readStateAt } from '../state/read-state-at.ts';

export interface Verification {
  readonly shard: number;
  readonly generation: string;
  /** Entries folded from the log. */
  readonly entries: number;
  /** Entries delivered and not acknowledged at the cut: in neither of the two. */
  readonly pendingEntries: number;
  /** Entries that are in neither the stream nor the archive, and could not be folded again. */
  readonly missingEntries: number;
  /** False if the log is incomplete because it was trimmed: then a difference means nothing. */
  readonly comparable: boolean;
  /** The ranges of missing entries between others, in words. */
  readonly gaps: readonly string[];
  readonly equal: boolean;
  readonly differences: readonly Difference[];
}

export interface VerifyOptions {
  readonly shards: number;
  /** Entries that were trimmed from the stream are folded from there. */
  readonly archive?: Archive | undefined;
  readonly onProgress: (entries: number) => void;
}

/** The number of cuts that are tried if the delta log is trimmed while the live state is read. */
const CUT_TRIES = 5;

/**
 * Folds a shard's log, archive and stream, independently of its state, and compares the two at a consistent cut, bit for
 * bit. Aggregators and archivers may run meanwhile.
 *
 * @throws {LogError} if a segment of the archive is missing or damaged; it names the range.
 */
export async function verifyShard(
  redis: RedisConnection,
  generation: Generation,
  options: VerifyOptions,
): Promise<Verification> {
  const { shards, archive, onProgress } = options;
  const { prefix, shard, keys, catalogue } = generation;
  const log = { prefix, shard, archive };
  for (let tries = 0; tries < CUT_TRIES; tries++) {
    const cut = await readCut(redis, generation);
    const live = await readStateAt(redis, keys, cut.position);
    if (live === undefined) continue;
    const context = { shard, shards, upcasters: noUpcasters };
    const gaps: LogError[] = [];
    const onGap = (gap: LogError): void => void gaps.push(gap);
    const folded = await foldLog(redis, log, { cut, catalogue, context, onProgress, onGap });
    const differences = compareStates(live, folded, catalogue);
    const missingEntries =
      archive === undefined
        ? cut.entriesAdded - cut.length
        : gaps.reduce((sum, gap) => sum + (gap.entries ?? 0), (await measureLog(redis, log)).missingBefore);
    const deleted = missingEntries > 0 && (await wasDeletedFrom(redis, generation.shardKeys.events));
    return {
      shard,
      generation: generation.id,
      entries: folded.totals.entries,
      pendingEntries: cut.pending.size,
      missingEntries,
      comparable: missingEntries === 0 || deleted,
      gaps: gaps.map(({ message }) => message),
      equal: differences.length === 0,
      differences,
    };
  }
  throw new Error(
    `delta log ${keys.deltas}: expected it to reach back to a cut; it was trimmed ${CUT_TRIES} times meanwhile`,
  );
}

/** XINFO STREAM key: whether somebody has deleted single entries. Trimming does not count. */
async function wasDeletedFrom(redis: RedisConnection, events: string): Promise<boolean> {
  const stream = (await redis.xinfo('STREAM', events)) as unknown[];
  return replyField(stream, 'max-deleted-entry-id') !== '0-0';
}
