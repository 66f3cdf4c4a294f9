import { createHash, randomBytes } from 'node:crypto';
import type { Generation } from '@streamfold/aggregator';
import type { FoldedBatch } from '@streamfold/aggregator/round-trips';
import { loadScript, type RedisConnection } from '@streamfold/redis';

const script = loadScript(new URL('../../harness/earlier-commit.lua', import.meta.url));

/** The outcome of a commit by the version before a consumer per read. */
export type EarlierOutcome = 'contested' | 'committed' | { readonly repeated: number };

/** Commits a batch as the version before a consumer per read does. */
export async function commitAsEarlier(
  redis: RedisConnection,
  { shardKeys, keys }: Generation,
  { consumer, batch }: { readonly consumer: string; readonly batch: FoldedBatch },
): Promise<EarlierOutcome> {
  const { ids, record, deadLetters } = batch;
  const digest = createHash('sha1').update(ids.join(' ')).digest('hex');
  const letters = deadLetters.flatMap(({ entryId, deadLetter: { index, reason, detail, fields } }) => [
    entryId,
    index === undefined ? '' : String(index),
    reason,
    detail,
    fields,
  ]);
  const reply = (await script.run(
    redis,
    [shardKeys.events, keys.deltas, keys.head, shardKeys.dead],
    // prettier-ignore
    [
      keys.group, consumer, record, ids.length, ids[0] ?? '', ids.at(-1) ?? '', digest, 'live', ...letters,
      randomBytes(12).toString('base64url'),
    ],
  )) as ['contested' | 'committed'] | ['repeated', number];
  return reply[0] === 'repeated' ? { repeated: reply[1] } : reply[0];
}
