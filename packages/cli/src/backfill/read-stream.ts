import type { LogEntry } from '@streamfold/aggregator';
import { shardKeys, type RedisConnection } from '@streamfold/redis';

/** Entries read at once: some MB where they are large. */
const PAGE_ENTRIES = 500;

/** XRANGE events (id + COUNT n: the entries of a shard's stream, oldest first. */
export async function* readStream(
  redis: RedisConnection,
  { prefix, shard }: { prefix: string; shard: number },
): AsyncGenerator<{ readonly entries: readonly LogEntry[] }> {
  const { events } = shardKeys(prefix, shard);
  let from = '-';
  for (;;) {
    const page = await redis.xrange(events, from, '+', 'COUNT', PAGE_ENTRIES);
    const last = page.at(-1);
    if (last === undefined) return;
    yield { entries: page.map(([id, fields]) => ({ id, fields })) };
    from = `(${last[0]}`;
  }
}
