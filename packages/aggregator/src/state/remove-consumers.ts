import { loadScript, STREAM_LUA, replyField, type RedisConnection } from '@streamfold/redis';
import type { Generation } from './generation.ts';

const script = loadScript(new URL('../../lua/remove-consumer.lua', import.meta.url), STREAM_LUA);
const goneScript = loadScript(new URL('../../lua/remove-gone-consumers.lua', import.meta.url), STREAM_LUA);

/** Removes one consumer, unless it has pending entries or was seen within `idleMs`. True if it was removed. */
export async function removeConsumer(
  redis: RedisConnection,
  { shardKeys, keys }: Generation,
  { consumer, idleMs }: { consumer: string; idleMs: number },
): Promise<boolean> {
  return (await script.run(redis, [shardKeys.events], [keys.group, consumer, idleMs])) === 1;
}

/** Consumers removed by one step; bounds how long it occupies Redis. */
const REMOVED_AT_ONCE = 1_000;

/**
 * EVALSHA remove-gone-consumers.lua 1 events group idle count, in steps
 *
 * Removes the consumers that are gone: nothing pending, and not seen for `idleMs`. Returns how many.
 */
export async function removeGoneConsumers(
  redis: RedisConnection,
  { shardKeys, keys }: Generation,
  idleMs: number,
): Promise<number> {
  let removed = 0;
  for (;;) {
    const reply = await goneScript.run(redis, [shardKeys.events], [keys.group, idleMs, REMOVED_AT_ONCE]);
    const [count, more] = reply as [number, 0 | 1];
    removed += count;
    if (more === 0) return removed;
  }
}

/** A consumer as XINFO CONSUMERS describes it. */
export interface ConsumerInfo {
  readonly name: string;
  readonly pending: number;
  /** The time since it last asked for entries, ms. */
  readonly idleMs: number;
  /** The same, by an earlier name without the unit. */
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
    idleMs: Number(replyField(fields, 'idle')),
    idle: Number(replyField(fields, 'idle')),
  }));
}
