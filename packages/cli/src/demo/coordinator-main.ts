import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Installation } from '@streamfold/redis';
import type { Part } from './cast.ts';
import { playPart } from './play-part.ts';

// A process of the demo that runs one coordinator. On a signal it leaves the swarm and ends. If its parent is gone it ends
// at once: Redis may be gone too.

const [, , part = '', place = ''] = process.argv;
const stop = new AbortController();
setMaxListeners(0, stop.signal);
process.on('SIGTERM', () => stop.abort());
const exit = (): void => process.exit();
process.once('disconnect', exit);

const { STREAMFOLD_REDIS_URL: redisUrl = '' } = process.env;
const { prefix, shards } = JSON.parse(place) as Installation;
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
