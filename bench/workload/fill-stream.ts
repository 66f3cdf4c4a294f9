import { Redis } from 'ioredis';
import { generateEvent, type Workload } from './generate-workload.ts';

/** XADDs in flight while the backlog is made. */
const PIPELINE_ENTRIES = 500;

/** Appends the whole workload to the stream `key`. Not timed. */
export async function fillStream(redisUrl: string, key: string, workload: Workload): Promise<void> {
  const redis = new Redis(redisUrl);
  const { events, eventsPerEntry } = workload;
  let pipeline = redis.pipeline();
  for (let first = 0; first < events; first += eventsPerEntry) {
    if (eventsPerEntry === 1)
      pipeline.xadd(key, '*', ...Object.entries(generateEvent(first, workload)).flat());
    else {
      const last = Math.min(first + eventsPerEntry, events);
      const batch = Array.from({ length: last - first }, (_, at) => generateEvent(first + at, workload));
      pipeline.xadd(key, '*', 'events', JSON.stringify(batch));
    }
    if (pipeline.length >= PIPELINE_ENTRIES) {
      await pipeline.exec();
      pipeline = redis.pipeline();
    }
  }
  await pipeline.exec();
  await redis.quit();
}
