import { Redis } from 'ioredis';
import { waitForStart } from './start-gate.ts';

// The floor: the same reads with XACK, and no other work.
const [, , redisUrl = ''] = process.argv;
const redis = new Redis(redisUrl);
const STREAM = 'streamfold:{0}:events';
await redis.xgroup('CREATE', STREAM, 'floor', '0', 'MKSTREAM');
await waitForStart();
let entriesRead = 0;
for (;;) {
  const reply = (await redis.xreadgroup('GROUP', 'floor', 'c', 'COUNT', 1_000, 'STREAMS', STREAM, '>')) as
    [string, [string, string[]][]][] | null;
  const entries = reply?.[0]?.[1] ?? [];
  if (entries.length === 0) break;
  entriesRead += entries.length;
  await redis.xack(STREAM, 'floor', ...entries.map(([id]) => id));
}
process.send?.({ type: 'done', entries: entriesRead });
redis.disconnect();
process.disconnect?.();
