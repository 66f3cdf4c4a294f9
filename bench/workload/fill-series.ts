import { Redis } from 'ioredis';

/** Events in one entry. */
const ENTRY_EVENTS = 500;

/** Increments the first `count` series: every other one is a histogram of signals, the rest are counters. */
export async function fillSeries(redisUrl: string, key: string, count: number): Promise<void> {
  const redis = new Redis(redisUrl);
  for (let first = 0; first < count; first += ENTRY_EVENTS) {
    const events = Array.from({ length: Math.min(ENTRY_EVENTS, count - first) }, (_, at) =>
      seriesEvent(first + at),
    );
    await redis.xadd(key, '*', 'events', JSON.stringify(events));
  }
  await redis.quit();
}

function seriesEvent(index: number): Record<string, string> {
  const signal = {
    swarm_id: index % 2 === 0 ? 'swarm-0' : `swarm-${index}`,
    sender_id: `coordinator-${index % 1_000}`,
    receiver_id: `worker-${index}`,
    signal_type: 'completion',
  };
  return index % 2 === 0
    ? { type: 'signal.acked', ...signal, latency_ms: String((index * 37) % 12_000) }
    : { type: 'signal.sent', ...signal };
}
