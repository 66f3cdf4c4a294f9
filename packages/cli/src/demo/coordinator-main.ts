import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Part } from './cast.ts';
import { playPart } from './play-part.ts';

// A process of the demo that is one coordinator. It ends when it is told to, or when whoever started it is gone.

const [, , part = '', place = ''] = process.argv;
const stop = new AbortController();
setMaxListeners(0, stop.signal);
const interrupt = (): void => stop.abort();
process.on('SIGTERM', interrupt);
process.once('disconnect', interrupt);

const { redisUrl, prefix, shards } = JSON.parse(place) as {
  redisUrl: string;
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
process.removeListener('disconnect', interrupt);
process.disconnect?.();
