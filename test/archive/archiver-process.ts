import { archiveShard, openArchive, trimStream, type Archive } from '@streamfold/archive';
import { Redis } from 'ioredis';
import { countSteps } from './count-steps.ts';

/**
 * An archiver in its own process: archives in segments of `entries`, and trims every entry that it may; once, or until it is
 * killed if `passes` is `endless`. It kills itself at step number `killAt`. Each write to the archive and each script in
 * Redis are two steps: one before, one after. At its end it prints the number of steps.
 */
const [redisUrl = '', prefix = '', directory = '', entries = '', killAt = '', passes = 'once'] =
  process.argv.slice(2);

const steps = countSteps(Number(killAt));
const redis = new Redis(redisUrl);
redis.call = steps.around(redis.call.bind(redis)) as typeof redis.call;
const opened = await openArchive(directory);
const { store } = opened;
const archive: Archive = {
  ...opened,
  store: {
    ...store,
    write: steps.around(store.write),
    create: steps.around(store.create),
    remove: steps.around(store.remove),
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
console.log(steps.taken);
redis.disconnect();
