import { type RedisConnection } from '@streamfold/redis';
import {
  listDeadLetters,
  readCommitted,
  type Committed,
  type CommittedReply,
  type FoldedBatch,
  type FoldingMode,
} from './commit-batch.ts';
import { COMMIT_LUA, createNonce, loadDeltaLogScript } from './delta-log-script.ts';
import type { Generation } from './generation.ts';

const script = loadDeltaLogScript(new URL('../../lua/commit-read.lua', import.meta.url), COMMIT_LUA);

/**
 * `contested`: not all entries of the read are still pending. `moved`: some of them may be folded already, because the group
 * was moved back. Nothing was written: the consumer's pending entries must be read again and committed as a batch.
 */
export type ReadCommitOutcome = Committed | { readonly outcome: 'contested' | 'moved' };

/**
 * EVALSHA commit-read.lua 4 events deltas head dead …
 *
 * Commits all entries of one read of new entries, in one step. Nothing else may ever be read or claimed under the name
 * `consumer`; afterwards there is no such consumer.
 *
 * @throws if Redis cannot be reached or the reply was lost: the outcome is then unknown, and reading the consumer's pending
 *   entries again settles it.
 */
export async function commitRead(
  redis: RedisConnection,
  { shardKeys, keys }: Generation,
  { consumer, batch, mode }: { consumer: string; batch: FoldedBatch; mode: FoldingMode },
): Promise<ReadCommitOutcome> {
  const { entries, firstId, lastId, record } = batch;
  const args = [keys.group, consumer, record, entries, firstId, lastId, mode, ...listDeadLetters(batch)];
  const nonce = createNonce();
  const names = [shardKeys.events, keys.deltas, keys.head, shardKeys.dead];
  const reply = await script.run(redis, names, args, nonce);
  const [outcome] = reply as CommittedReply | ['contested' | 'moved'];
  return outcome === 'committed' ? readCommitted(batch, reply as CommittedReply, nonce) : { outcome };
}
