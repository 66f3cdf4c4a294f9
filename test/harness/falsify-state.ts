import type { Generation } from '@streamfold/aggregator';
import type { Redis } from 'ioredis';

/** A count that comes from no event. */
export const FALSE_SERIES = 'signals_sent_total{swarm_id="nobody",signal_type="x"}';

/** Appends a record to the delta log that adds 5 to a series without an event. */
export async function falsifyState(redis: Redis, { keys }: Generation): Promise<void> {
  const previous = (await redis.hget(keys.head, 'position')) ?? '0-0';
  const delta = JSON.stringify({
    series: { signals_sent_total: ['nobody|x', 5] },
    coordinators: [],
    totals: [0, 0, 0],
    watermark: '',
  });
  const record = await redis.xadd(keys.deltas, '*', 'previous', previous, 'watermark', '', 'delta', delta);
  await redis.hset(keys.head, 'position', record ?? '');
}
