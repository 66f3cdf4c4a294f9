import { createHash } from 'node:crypto';
import {
  encodeDelta,
  type DeadLetter,
  type DeadLetterReason,
  type Delta,
  type EntryId,
} from '@streamfold/core';
import { type RedisConnection } from '@streamfold/redis';
import { loadDeltaLogScript } from './delta-log-script.ts';
import type { Generation } from './generation.ts';

const script = loadDeltaLogScript(new URL('../../lua/commit-batch.lua', import.meta.url));

/** Entries with their counts and dead letters, committed together. */
export interface FoldedBatch {
  /** In the order of the stream. */
  readonly ids: readonly EntryId[];
  readonly delta: Delta;
  readonly deadLetters: readonly { readonly entryId: EntryId; readonly deadLetter: DeadLetter }[];
}

/**
 * How a generation folds: `live`, or `replayed` while it is being built. A series born by a live commit is new from that
 * moment on; a series born by a replay is as old as its event, because others may have shown it before.
 */
export type FoldingMode = 'live' | 'replayed';

/**
 * `contested`: not every entry was still pending for this consumer, and nothing was written. `repeated`: the first `entries`
 * of the batch were folded before, and somebody has moved the group back. They are acknowledged without effect; the others
 * are still pending.
 */
export type CommitOutcome =
  | {
      readonly outcome: 'committed';
      readonly position: string;
      /** The dead letters of the batch that this generation writes, by reason; another one may write the others. */
      readonly deadLetters: ReadonlyMap<DeadLetterReason, number>;
    }
  | { readonly outcome: 'contested' }
  | { readonly outcome: 'repeated'; readonly entries: number };

/**
 * EVALSHA commit-batch.lua 4 events deltas head dead …
 *
 * Acknowledges the batch, and writes its counts and its dead letters, in one atomic step.
 *
 * @throws if Redis cannot be reached or the reply was lost: the outcome is then unknown, and reading your own pending entries
 *   again settles it (committed entries are not among them).
 */
export async function commitBatch(
  redis: RedisConnection,
  { shardKeys, keys }: Generation,
  { consumer, batch, mode }: { consumer: string; batch: FoldedBatch; mode: FoldingMode },
): Promise<CommitOutcome> {
  const { ids, delta } = batch;
  const args: (string | number)[] = [
    keys.group,
    consumer,
    encodeDelta(delta),
    ids.length,
    ids[0] ?? '',
    ids.at(-1) ?? '',
    createHash('sha1').update(ids.join(' ')).digest('hex'),
    mode,
  ];
  for (const { entryId, deadLetter } of batch.deadLetters) {
    const { index, reason, detail, fields } = deadLetter;
    args.push(entryId, index === undefined ? '' : index, reason, detail, fields);
  }
  const reply = await script.run(redis, [shardKeys.events, keys.deltas, keys.head, shardKeys.dead], args);
  const [outcome, result, leftOut, written] = reply as CommitReply;
  if (outcome === 'contested') return { outcome };
  if (outcome === 'repeated') return { outcome, entries: result };
  const deadLetters = new Map<DeadLetterReason, number>();
  for (const { deadLetter } of batch.deadLetters.slice(leftOut, leftOut + written))
    deadLetters.set(deadLetter.reason, (deadLetters.get(deadLetter.reason) ?? 0) + 1);
  return { outcome, position: result, deadLetters };
}

type CommitReply =
  | ['committed', position: string, leftOut: number, written: number]
  | ['contested', result?: undefined, leftOut?: undefined, written?: undefined]
  | ['repeated', entries: number, leftOut?: undefined, written?: undefined];

/**
 * EVALSHA commit-batch.lua 4 events deltas head dead …, for a batch without entries
 *
 * Runs the checks of a commit and writes nothing.
 *
 * @throws the error that a commit would throw: Redis accepts no writes, the user lacks a permission, or a key has the wrong type.
 */
export async function checkCommit(
  redis: RedisConnection,
  { shardKeys, keys }: Generation,
  consumer: string,
): Promise<void> {
  const nothing = createHash('sha1').digest('hex');
  await script.run(
    redis,
    [shardKeys.events, keys.deltas, keys.head, shardKeys.dead],
    [keys.group, consumer, '', 0, '-', '+', nothing, 'live'],
  );
}
