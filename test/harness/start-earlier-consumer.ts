import type { Generation } from '@streamfold/aggregator';
import { boundCommit, createFolding, describeDelivered } from '@streamfold/aggregator/round-trips';
import { noUpcasters } from '@streamfold/core';
import type { Redis } from 'ioredis';
import { commitAsEarlier } from './commit-as-earlier.ts';

/** A consumer of the previous version: it reads everything under one name and commits by a list of IDs. */
export interface EarlierConsumer {
  /** The number of entries it has committed. */
  readonly committed: number;
  /** Ends it, with the entries of its last read uncommitted. */
  kill(): Promise<void>;
}

const BLOCK_MS = 100;

export function startEarlierConsumer(
  redis: Redis,
  generation: Generation,
  { consumer, count }: { readonly consumer: string; readonly count: number },
): EarlierConsumer {
  const { shardKeys, keys, catalogue, deltaForm } = generation;
  const connection = redis.duplicate();
  const context = { shard: 0, shards: 1, upcasters: noUpcasters };
  const fold = createFolding({ catalogue, deltaForm, context, hashSeed: 1 });
  let committed = 0;
  let isKilled = false;

  const turn = async (from: '0' | '>'): Promise<'0' | '>'> => {
    const reply = (await connection.xreadgroup(
      ...(['GROUP', keys.group, consumer, 'COUNT', count, 'BLOCK', BLOCK_MS] as const),
      ...(['STREAMS', shardKeys.events, from] as const),
    )) as [string, [string, string[] | null][]][] | null;
    const folding = fold.begin(boundCommit(count));
    for (const [id, fields] of reply?.[0]?.[1] ?? [])
      folding.take(describeDelivered(id, fields ?? undefined));
    const [batch] = folding.batches;
    if (batch === undefined) return '>';
    if (isKilled) return from;
    if ((await commitAsEarlier(connection, generation, { consumer, batch })) !== 'committed') return '0';
    committed += batch.entries;
    return from;
  };

  const ended = (async () => {
    let from: '0' | '>' = '0';
    while (!isKilled) from = await turn(from);
  })();
  return {
    get committed() {
      return committed;
    },
    async kill() {
      isKilled = true;
      await ended;
      connection.disconnect();
    },
  };
}
