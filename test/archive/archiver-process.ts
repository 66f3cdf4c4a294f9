import { archiveShard, openArchive, trimStream, type Archive } from '@streamfold/archive';
import { Redis } from 'ioredis';

/**
 * An archiver in its own process: archives in segments of `entries`, and trims every entry that it may; once, or until it is
 * killed if `passes` is `endless`. It kills itself at step number `killAt`. Each write to the archive and each script in
 * Redis are two steps: one before, one after. At its end it prints the number of steps.
 */
const [redisUrl = '', prefix = '', directory = '', entries = '', killAt = '', passes = 'once'] =
  process.argv.slice(2);

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
const opened = await openArchive(directory);
const { store } = opened;
const archive: Archive = {
  ...opened,
  store: {
    ...store,
    write: inSteps(store.write),
    create: inSteps(store.create),
    remove: inSteps(store.remove),
  },
};
do {
  await archiveShard(redis, {
    prefix,
    shard: 0,
    shards: 1,
    archive,
    settleMs: 0,
    bounds: { entries: Number(entries), bytes: 1e9 },
  });
  await trimStream(redis, { prefix, shard: 0, retentionMs: 0, onlyArchived: true });
} while (passes === 'endless');
console.log(steps);
redis.disconnect();
