import {
  boundCommit,
  createFolding,
  createStreamReads,
  type EntriesFold,
} from '@streamfold/aggregator/round-trips';
import { CATALOGUE, noUpcasters } from '@streamfold/core';
import { connectRedis, type RedisConnection } from '@streamfold/redis';
import { Redis } from 'ioredis';
import { test, type ExecutionContext } from '../harness/ava.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url, stop } = await shareRedis();
test.after.always(stop);

/** More than any machine needs for the reads that do not wait. */
const LONG_MS = 60_000;

async function open(t: ExecutionContext, name: string): Promise<Redis> {
  const connection = connectRedis(url, { name, commandTimeoutMs: 30_000 });
  t.teardown(() => connection.disconnect());
  await connection.connect();
  if (!(connection instanceof Redis)) throw new TypeError('expected a single connection');
  return connection;
}

function beginFold(): EntriesFold {
  const context = { shard: 0, shards: 1, upcasters: noUpcasters };
  return createFolding({ catalogue: CATALOGUE, deltaForm: 'binary', context, hashSeed: 1 }).begin(
    boundCommit(100),
  );
}

test('a reader reads its pending entries at once while another reader of the shard waits for new ones', async (t) => {
  const key = nextPrefix();
  await redis.xgroup('CREATE', key, 'g', '0', 'MKSTREAM');
  await redis.xadd(key, '*', 'type', 'pending');
  await redis.xreadgroup('GROUP', 'g', 'first', 'STREAMS', key, '>');
  const readRedis = await open(t, key);
  const reads = createStreamReads({
    redis: await open(t, 'commits'),
    readRedis,
    pause: () => Promise.resolve(),
  });
  const send = (consumer: string, from: string) => (on: RedisConnection, blockMs: number | undefined) =>
    blockMs === undefined
      ? on.xreadgroup('GROUP', 'g', consumer, 'STREAMS', key, from)
      : on.xreadgroup('GROUP', 'g', consumer, 'BLOCK', blockMs, 'STREAMS', key, from);
  let hasWaited = false;
  const [waited, pending, queued] = [beginFold(), beginFold(), beginFold()];
  const waiting = reads
    .read({ blockMs: LONG_MS, folding: waited, send: send('second', '>') })
    .then(() => (hasWaited = true));
  await waitUntil('it waits', async () =>
    String(await redis.client('LIST'))
      .split('\n')
      .some((line) => line.includes(`name=${key} `) && /flags=b/.test(line)),
  );
  await reads.read({ isPending: true, folding: pending, send: send('first', '0') });
  t.is(pending.entries, 1);
  t.false(hasWaited);
  const next = reads.read({ folding: queued, send: send('first', '>') });
  await redis.xadd(key, '*', 'type', 'new');
  await Promise.all([waiting, next]);
  t.deepEqual(
    [waited.entries, queued.entries],
    [1, 0],
    'a read that does not wait takes nothing from one that does',
  );
});
