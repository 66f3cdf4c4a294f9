import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Part } from './cast.ts';
import { playPart } from './play-part.ts';

// A process of the demo that is one coordinator. It leaves the swarm and ends when it is told to. When whoever started it
// is gone it ends at once: Redis is perhaps gone too, and would be waited for in vain.

const [, , part = '', place = ''] = process.argv;
const stop = new AbortController();
setMaxListeners(0, stop.signal);
process.on('SIGTERM', () => stop.abort());
const exit = (): void => process.exit();
process.once('disconnect', exit);

const { STREAMFOLD_REDIS_URL: redisUrl = '' } = process.env;
const { prefix, shards } = JSON.parse(place) as {
  prefix: string;
  shards: number;
};
const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  await sleep(ms, undefined, { signal }).catch(() => undefined); // aborted: the pause is over
};
await playPart(
  JSON.parse(part) as Part,
  { redisUrl, prefix, shards, pause, random: Math.random },
  stop.signal,
);
process.removeListener('disconnect', exit);
process.disconnect?.();
