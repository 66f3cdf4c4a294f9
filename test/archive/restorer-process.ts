import { openArchive, restoreShard } from '@streamfold/archive';
import { Redis } from 'ioredis';

/**
 * A restore in its own process. It kills itself at step number `killAt`. Each command or script in Redis is two steps: one
 * before, one after. At its end it prints the number of steps.
 */
const [redisUrl = '', prefix = '', directory = '', killAt = ''] = process.argv.slice(2);

let steps = 0;
function step(): void {
  steps++;
  if (steps === Number(killAt)) process.kill(process.pid, 'SIGKILL');
}

/** The same function with a step before and a step after it. */
function inSteps<Args extends unknown[], Result>(
  run: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    step();
    const result = await run(...args);
    step();
    return result;
  };
}

const redis = new Redis(redisUrl);
redis.call = inSteps(redis.call.bind(redis)) as typeof redis.call;
redis.xgroup = inSteps(redis.xgroup.bind(redis) as () => Promise<unknown>) as typeof redis.xgroup;
const multi = redis.multi.bind(redis);
redis.multi = ((): ReturnType<typeof multi> => {
  const transaction = multi();
  const run = transaction.exec.bind(transaction);
  transaction.exec = inSteps(() => run());
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
console.log(steps);
redis.disconnect();
