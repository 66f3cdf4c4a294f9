import { createHash } from 'node:crypto';
import type {
  BatchColumns,
  DeadLetter,
  DeadLetterReason,
  EntryId,
  FoldTotals,
  Stamp,
} from '@streamfold/core';
import { type RedisConnection } from '@streamfold/redis';
import { COMMIT_LUA, createNonce, loadDeltaLogScript } from './delta-log-script.ts';
import type { Generation } from './generation.ts';
import type { RecordName } from './read-deltas.ts';

const script = loadDeltaLogScript(new URL('../../lua/commit-batch.lua', import.meta.url), COMMIT_LUA);

/** Entries with their counts and dead letters, committed together. */
export interface FoldedBatch {
  /** In the order of the stream. Listed when asked for: a commit mostly needs the first and the last alone. */
  readonly ids: readonly EntryId[];
  readonly entries: number;
  readonly firstId: EntryId;
  readonly lastId: EntryId;
  /** What they add, as it is appended to the delta log: a text of JSON, or bytes. */
  readonly record: string | Buffer;
  readonly totals: FoldTotals;
  /** The same as `record`, until `release` is called: then they serve another batch. Must be called at most once. */
  readonly columns: BatchColumns;
  readonly release: () => void;
  readonly deadLetters: readonly { readonly entryId: EntryId; readonly deadLetter: DeadLetter }[];
}

/**
 * How a generation folds: `live`, or `replayed` while it is being built. A series born by a live commit is new from that
 * moment on; a series born by a replay is as old as its event, because others may have shown it before.
 */
export type FoldingMode = 'live' | 'replayed';

/**
 * `contested`: not every entry was still pending for this consumer, and nothing was written. `repeated`: this number of
 * entries of the batch were folded before, and the group was moved back. They are acknowledged without effect; the others are
 * still pending.
 */
export type CommitOutcome =
  Committed | { readonly outcome: 'contested' } | { readonly outcome: 'repeated'; readonly entries: number };

export interface Committed {
  readonly outcome: 'committed';
  /** The record of the batch; `undefined` if the reply is that of another commit, as of a proxy that swaps commands. */
  readonly appended: AppendedRecord | undefined;
  /** Those of the batch that this generation writes, by reason; another one may write the others. */
  readonly deadLetters: ReadonlyMap<DeadLetterReason, number>;
}

/** What the record of a batch says beside the delta. */
export interface AppendedRecord {
  readonly name: RecordName;
  readonly previous: RecordName;
  readonly watermark: Stamp;
  /** ms of Redis's clock. */
  readonly atMs: number;
}

export interface BatchToCommit {
  readonly consumer: string;
  readonly batch: FoldedBatch;
  readonly mode: FoldingMode;
  /** Whether the entries followed one another in the stream when they were read. */
  readonly isRun: boolean;
  /** Whether the consumer is removed once nothing is pending for it. */
  readonly removeConsumer: boolean;
}

/**
 * EVALSHA commit-batch.lua 4 events deltas head dead …
 *
 * Acknowledges the batch, and writes its counts and its dead letters, in one atomic step.
 *
 * @throws if Redis cannot be reached or the reply was lost: the outcome is then unknown, and reading the consumer's pending
 *   entries again settles it (what was committed is not among them).
 */
export async function commitBatch(
  redis: RedisConnection,
  { shardKeys, keys }: Generation,
  { consumer, batch, mode, isRun, removeConsumer }: BatchToCommit,
): Promise<CommitOutcome> {
  const { ids, entries, firstId, lastId, record } = batch;
  const args: (string | number | Buffer)[] = [
    keys.group,
    consumer,
    record,
    entries,
    firstId,
    lastId,
    createHash('sha1').update(ids.join(' ')).digest('hex'),
    mode,
    isRun ? 'run' : 'entries',
    removeConsumer ? 'remove' : 'keep',
    ...listDeadLetters(batch),
  ];
  const nonce = createNonce();
  const names = [shardKeys.events, keys.deltas, keys.head, shardKeys.dead];
  const reply = await script.run(redis, names, args, nonce);
  const [outcome, result] = reply as CommitReply;
  if (outcome === 'contested') return { outcome };
  if (outcome === 'repeated') return { outcome, entries: result };
  return readCommitted(batch, reply as CommittedReply, nonce);
}

type CommitReply = CommittedReply | ['contested', result?: undefined] | ['repeated', entries: number];

/** The reply of a script that has committed. */
export type CommittedReply = [
  'committed',
  position: string,
  leftOut: number,
  written: number,
  nonce: string,
  previousPosition: string,
  previousNonce: string,
  watermark: Stamp,
  atMs: string,
];

/** The dead letters of a batch as arguments of a script that commits. */
export function listDeadLetters({ deadLetters }: FoldedBatch): string[] {
  return deadLetters.flatMap(({ entryId, deadLetter: { index, reason, detail, fields } }) => [
    entryId,
    index === undefined ? '' : String(index),
    reason,
    detail,
    fields,
  ]);
}

/** The outcome of a batch that is committed, from the reply to a script that was sent with this nonce. */
export function readCommitted(batch: FoldedBatch, reply: CommittedReply, sentNonce: string): Committed {
  const [outcome, position, leftOut, written, nonce, previousPosition, previousNonce, watermark, atMs] =
    reply;
  const deadLetters = new Map<DeadLetterReason, number>();
  for (const { deadLetter } of batch.deadLetters.slice(leftOut, leftOut + written))
    deadLetters.set(deadLetter.reason, (deadLetters.get(deadLetter.reason) ?? 0) + 1);
  const record = {
    name: { position, nonce },
    previous: { position: previousPosition, nonce: previousNonce },
    watermark,
    atMs: Number(atMs),
  };
  return { outcome, appended: nonce === sentNonce ? record : undefined, deadLetters };
}

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
    [keys.group, consumer, '', 0, '-', '+', nothing, 'live', 'entries', 'keep'],
  );
}
