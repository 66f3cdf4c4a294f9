import type { RedisConnection } from '@streamfold/redis';
import { Cluster } from 'ioredis';
import type { ExecutionContext } from './ava.ts';
import type { Installation } from './check-folded-once.ts';
import { startAggregator } from './start-aggregator.ts';
import { waitUntil } from './wait-until.ts';

/**
 * Checks that each replica serves, byte for byte, the same as a fresh one that has read the same snapshot and delta log from the
 * beginning. Only ages are left out, since they change with the clock.
 */
export async function checkReplicasAgree(
  t: ExecutionContext,
  { redis, redisUrl = urlOf(redis), prefix, shards = 1 }: Installation,
  urls: readonly string[],
): Promise<void> {
  const fresh = await startAggregator({ redisUrl, prefix, shards, role: 'serve' });
  try {
    let expected: string | undefined;
    let served: (string | undefined)[] = [];
    await waitUntil('all replicas are asked while nothing moves', async () => {
      expected = await readExposition(fresh.url);
      served = await Promise.all(urls.map(readExposition));
      return (
        expected !== undefined &&
        !served.includes(undefined) &&
        (await readExposition(fresh.url)) === expected
      );
    });
    for (const [at, text] of served.entries())
      t.deepEqual(text?.split('\n'), expected?.split('\n'), `${urls[at]} and a fresh replica`);
  } finally {
    await fresh.stop();
  }
}

/** Of a single Redis. */
export function urlOf(redis: RedisConnection): string {
  if (redis instanceof Cluster) throw new TypeError('expected the URL of the Cluster');
  return `redis://127.0.0.1:${redis.options.port}`;
}

/** GET /prometheus/metrics without ages; `undefined` if it is not served right now. */
async function readExposition(url: string): Promise<string | undefined> {
  const response = await fetch(`${url}/prometheus/metrics`).catch(() => undefined);
  const text = await response?.text();
  return response?.status === 200 ? text?.replace(/^blocking_oldest_wait_seconds.*\n/gm, '') : undefined;
}
