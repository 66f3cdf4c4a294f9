import type { Redis } from 'ioredis';

/**
 * A stream of `count` entries that the group of a generation has read and acknowledged, as aggregators do. Appends further
 * entries if it is called again.
 */
export async function fillStream(redis: Redis, prefix: string, count: number): Promise<string> {
  const events = `${prefix}:{0}:events`;
  const group = `${prefix}:1-test`;
  await redis.xgroup('CREATE', events, group, '0', 'MKSTREAM').catch(() => undefined);
  const pipeline = redis.pipeline();
  for (let n = 0; n < count; n++) pipeline.xadd(events, '*', 'n', String(n), 'text', `entry ${n}`);
  await pipeline.exec();
  await acknowledgeAll(redis, prefix);
  return events;
}

/** Delivers and acknowledges the entries that the group of the generation has not read yet. */
export async function acknowledgeAll(redis: Redis, prefix: string): Promise<void> {
  const events = `${prefix}:{0}:events`;
  const group = `${prefix}:1-test`;
  const reply = await redis.xreadgroup('GROUP', group, 'c', 'COUNT', 100_000, 'STREAMS', events, '>');
  const [[, entries] = ['', []]] = (reply ?? []) as [string, [string, string[]][]][];
  if (entries.length > 0) await redis.xack(events, group, ...entries.map(([id]) => id));
}
