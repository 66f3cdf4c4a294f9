import { loadScript, STREAM_LUA, replyField, type RedisConnection } from '@streamfold/redis';
import type { Generation } from './generation.ts';

const script = loadScript(new URL('../../lua/remove-consumer.lua', import.meta.url), STREAM_LUA);

/** Removes one consumer, unless it has entries pending or was seen within `idleMs`. True where it was removed. */
export async function removeConsumer(
  redis: RedisConnection,
  { shardKeys, keys }: Generation,
  { consumer, idleMs }: { consumer: string; idleMs: number },
): Promise<boolean> {
  return (await script.run(redis, [shardKeys.events], [keys.group, consumer, idleMs])) === 1;
}

/**
 * XINFO CONSUMERS key group, then one script a candidate
 *
 * Removes the consumers that are gone: nothing pending, and not seen for `idleMs`. Returns how many.
 */
export async function removeGoneConsumers(
  redis: RedisConnection,
  generation: Generation,
  idleMs: number,
): Promise<number> {
  let removed = 0;
  for (const { name, pending, idle } of await listConsumers(redis, generation)) {
    if (pending > 0 || idle < idleMs) continue;
    if (await removeConsumer(redis, generation, { consumer: name, idleMs })) removed++;
  }
  return removed;
}

/** A consumer as XINFO CONSUMERS describes it; `idle` in ms. */
export interface ConsumerInfo {
  readonly name: string;
  readonly pending: number;
  readonly idle: number;
}

/** XINFO CONSUMERS key group */
export async function listConsumers(
  redis: RedisConnection,
  { shardKeys, keys }: Generation,
): Promise<ConsumerInfo[]> {
  const reply = (await redis.xinfo('CONSUMERS', shardKeys.events, keys.group)) as (string | number)[][];
  return reply.map((fields) => ({
    name: String(replyField(fields, 'name')),
    pending: Number(replyField(fields, 'pending')),
    idle: Number(replyField(fields, 'idle')),
  }));
}
