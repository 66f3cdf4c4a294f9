import { test } from '../harness/ava.ts';
import { createPublisher } from '@streamfold/publisher';
import { generationsKey, shardKeys } from '@streamfold/redis';
import type { Redis } from 'ioredis';
import { checkFoldedOnce, readPairs } from '../harness/check-folded-once.ts';
import { createLoad } from '../harness/publish-load.ts';
import { readConsumers } from '../harness/read-consumers.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { startRedis, nextPrefix } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const EVENTS = 2_000;

/** Reasons for which Redis refuses a part of a commit, and the key or permission that is broken. */
const OBSTACLES = [
  ['the dead letters have a wrong type', 'dead'],
  ['the delta log has a wrong type', 'deltas'],
  ['the head of the delta log has a wrong type', 'head'],
  ['a counter in the head of the delta log is not a number', 'acknowledged'],
  ['the user may not append to the delta log', '-xadd'],
  ['the user may not move the head of the delta log', '-hset'],
] as const;

for (const [what, obstacle] of OBSTACLES) {
  test(`if ${what}, nothing of a commit is done, and all of it once that is repaired`, async (t) => {
    const server = await startRedis();
    t.teardown(() => server.stop());
    const { redis } = server;
    const prefix = nextPrefix();
    const installation = { redis, prefix };
    await redis.acl('SETUSER', 'aggregator', 'on', '>secret', '~*', '+@all');
    const redisUrl = server.url.replace('redis://', 'redis://aggregator:secret@');
    const aggregator = await startAggregator({ redisUrl, prefix });
    t.teardown(() => aggregator.stop());
    await waitUntil('both consumers read', async () => (await readConsumers(installation)).length === 2);
    const generation = await redis.hget(generationsKey(prefix), 'live');
    const head = `${prefix}:{0}:g:${generation}:head`;
    const key =
      obstacle === 'dead'
        ? shardKeys({ prefix, shard: 0 }).dead
        : `${prefix}:{0}:g:${generation}:${obstacle}`;
    if (obstacle.startsWith('-')) await redis.acl('SETUSER', 'aggregator', obstacle);
    else if (obstacle === 'acknowledged') await redis.hset(head, obstacle, 'a text');
    else await redis.set(key, 'a text');

    const publisher = createPublisher({ url: server.url, prefix, maxBatchEvents: 20 });
    t.teardown(() => publisher.close());
    const load = createLoad({ publisher, url: server.url, prefix, seed: 8 });
    await load.publish(EVENTS);
    await load.finish();
    await waitUntil('a commit was refused', () =>
      aggregator.facts.some((fact) => fact.type === 'failed' && fact.step === 'fold'),
    );
    t.is(await countAcknowledged(redis, prefix), 0);

    if (obstacle.startsWith('-')) await redis.acl('SETUSER', 'aggregator', '+@all');
    else if (obstacle === 'acknowledged') await redis.hdel(head, obstacle);
    else await redis.del(key);
    await checkFoldedOnce(t, { ...installation, load, urls: [aggregator.url] });
  });
}

/** Entries that were delivered and are no longer pending. */
async function countAcknowledged(redis: Redis, prefix: string): Promise<number> {
  const { events } = shardKeys({ prefix, shard: 0 });
  const [group] = ((await redis.xinfo('GROUPS', events)) as unknown[]).map(readPairs);
  const delivered = await redis.xrange(events, '-', String(group?.get('last-delivered-id')));
  return delivered.length - Number(group?.get('pending'));
}
