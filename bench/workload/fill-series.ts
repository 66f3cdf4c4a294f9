import { Redis } from 'ioredis';

/** Events in one entry. */
const ENTRY_EVENTS = 500;

/** Every other series is a histogram of signals and the rest are counters, or all are histograms. */
export type SeriesKind = 'mixed' | 'histograms';

/** Increments the first `count` series. */
export async function fillSeries(
  redisUrl: string,
  { key, count, kind }: { key: string; count: number; kind: SeriesKind },
): Promise<void> {
  const redis = new Redis(redisUrl);
  for (let first = 0; first < count; first += ENTRY_EVENTS) {
    const events = Array.from({ length: Math.min(ENTRY_EVENTS, count - first) }, (_, at) =>
      seriesEvent(first + at, kind),
    );
    await redis.xadd(key, '*', 'events', JSON.stringify(events));
  }
  await redis.quit();
}

function seriesEvent(index: number, kind: SeriesKind): Record<string, string> {
  const isHistogram = kind === 'histograms' || index % 2 === 0;
  const signal = {
    swarm_id: isHistogram ? 'swarm-0' : `swarm-${index}`,
    sender_id: `coordinator-${index % 1_000}`,
    receiver_id: `worker-${index}`,
    signal_type: 'completion',
  };
  return isHistogram
    ? { type: 'signal.acked', ...signal, latency_ms: String((index * 37) % 12_000) }
    : { type: 'signal.sent', ...signal };
}
