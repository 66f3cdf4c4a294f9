import { openArchive, restoreShard } from '@streamfold/archive';
import { Redis } from 'ioredis';
import { countSteps } from './count-steps.ts';

/**
 * A restore in its own process. It kills itself at step number `killAt`. Each command or script in Redis is two steps: one
 * before, one after. At its end it prints the number of steps.
 */
const [redisUrl = '', prefix = '', directory = '', killAt = ''] = process.argv.slice(2);

const steps = countSteps(Number(killAt));
const redis = new Redis(redisUrl);
redis.call = steps.around(redis.call.bind(redis)) as typeof redis.call;
redis.xgroup = steps.around(redis.xgroup.bind(redis) as () => Promise<unknown>) as typeof redis.xgroup;
const multi = redis.multi.bind(redis);
redis.multi = ((): ReturnType<typeof multi> => {
  const transaction = multi();
  const run = transaction.exec.bind(transaction);
  transaction.exec = steps.around(() => run());
  return transaction;
}) as typeof redis.multi;
await restoreShard(redis, {
  prefix,
  shard: 0,
  shards: 1,
  archive: await openArchive(directory),
  retentionMs: 3_600_000,
  mostAhead: 1e9,
  pause: () => Promise.resolve(),
  stop: new AbortController().signal,
  onProgress: () => undefined,
});
console.log(steps.taken);
redis.disconnect();
