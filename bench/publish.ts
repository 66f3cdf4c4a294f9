import { startPrivateRedis } from '@streamfold/private-servers';
import { createPublisher } from '@streamfold/publisher';
import { Redis } from 'ioredis';
import { median, percentile } from './median.ts';
import { readRedisCpuMs } from './redis-cost.ts';
import type { Measurements } from './summary/measurements.ts';

const STREAM = 'streamfold:{0}:events';
/** XADDs in one pipeline. */
const PIPELINE_ENTRIES = 100;

interface PublishResult {
  readonly eventsPerSecond: number;
  /** Time on the caller's path for one event, microseconds. */
  readonly meanMicros: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly redisMicros: number;
  /** Memory of the stream per event, bytes. */
  readonly bytes: number;
}

/** Publishes events until all are in the stream, and returns the caller's time for each, microseconds. */
type Publish = (url: string, events: number) => Promise<Float64Array>;

const STREAMFOLD = { name: 'streamfold `publish()`', events: 500_000, publish: publishAll };
const WAYS: readonly { readonly name: string; readonly events: number; readonly publish: Publish }[] = [
  { name: 'XADD, awaited', events: 20_000, publish: awaitEach },
  { name: `XADD, pipelines of ${PIPELINE_ENTRIES}`, events: 200_000, publish: pipelineAll },
  STREAMFOLD,
];

/** Prints the cost of publishing. The contenders take turns, `runs` times. */
export async function benchPublish(runs: number, { record }: Measurements): Promise<void> {
  const results = new Map(WAYS.map((way) => [way, [] as PublishResult[]]));
  for (let run = 1; run <= runs; run++) {
    for (const way of WAYS) {
      console.error(`publish: run ${run} of ${runs}: ${way.name}`);
      results.get(way)?.push(await measure(way.events, way.publish));
    }
  }
  console.log(`\n### Publishing (median of ${runs})\n`);
  console.log(
    '| how | events/s | caller mean, µs | p50, µs | p99, µs | Redis µs/event | Redis bytes/event |',
  );
  console.log('|---|---|---|---|---|---|---|');
  for (const [{ name }, rows] of results) {
    const of = (field: keyof PublishResult): number => median(rows.map((row) => row[field]));
    const rate = Math.round(of('eventsPerSecond')).toLocaleString('en');
    const caller = (['meanMicros', 'p50Micros', 'p99Micros', 'redisMicros'] as const).map((field) =>
      of(field).toFixed(2),
    );
    console.log(`| ${[name, rate, ...caller, of('bytes').toFixed(0)].join(' | ')} |`);
  }
  record('publishMeanMicros', median((results.get(STREAMFOLD) ?? []).map(({ meanMicros }) => meanMicros)));
}

async function measure(events: number, publish: Publish): Promise<PublishResult> {
  const server = await startPrivateRedis();
  const redis = new Redis(server.url);
  try {
    const redisBeforeMs = await readRedisCpuMs(redis);
    const startedMs = performance.now();
    const micros = await publish(server.url, events);
    const elapsedMs = performance.now() - startedMs;
    const redisMs = (await readRedisCpuMs(redis)) - redisBeforeMs;
    await checkStream(redis, events);
    return {
      eventsPerSecond: (events * 1_000) / elapsedMs,
      meanMicros: micros.reduce((total, each) => total + each, 0) / events,
      p50Micros: percentile([...micros], 0.5),
      p99Micros: percentile([...micros], 0.99),
      redisMicros: (redisMs * 1_000) / events,
      bytes: Number(await redis.call('MEMORY', 'USAGE', STREAM, 'SAMPLES', '0')) / events,
    };
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

/** @throws if an event is not in the stream exactly once. */
async function checkStream(redis: Redis, events: number): Promise<void> {
  let found = 0;
  let from = '-';
  for (;;) {
    const page = await redis.xrange(STREAM, from, '+', 'COUNT', 1_000);
    for (const [, [name, text = '[]']] of page)
      found += name === 'events' ? (JSON.parse(text) as unknown[]).length : 1;
    const last = page.at(-1);
    if (last === undefined) break;
    from = `(${last[0]}`;
  }
  if (found !== events) throw new Error(`publish: expected ${events} events in the stream, got ${found}`);
}

function signalAcked(index: number) {
  return {
    type: 'signal.acked',
    swarm_id: `swarm-${index % 20}`,
    sender_id: `coordinator-${index % 1_000}`,
    receiver_id: `worker-${index % 1_500}`,
    signal_type: 'completion',
    signal_id: `sig-${index}`,
    latency_ms: index % 12_000,
  } as const;
}

async function awaitEach(url: string, events: number): Promise<Float64Array> {
  const redis = new Redis(url);
  const micros = new Float64Array(events);
  for (let index = 0; index < events; index++) {
    const event = signalAcked(index);
    const startedMs = performance.now();
    await redis.xadd(STREAM, '*', ...Object.entries(event).flat());
    micros[index] = (performance.now() - startedMs) * 1_000;
  }
  redis.disconnect();
  return micros;
}

async function pipelineAll(url: string, events: number): Promise<Float64Array> {
  const redis = new Redis(url);
  const micros = new Float64Array(events);
  let pipeline = redis.pipeline();
  for (let index = 0; index < events; index++) {
    const event = signalAcked(index);
    const startedMs = performance.now();
    pipeline.xadd(STREAM, '*', ...Object.entries(event).flat());
    if (pipeline.length === PIPELINE_ENTRIES) {
      await pipeline.exec();
      pipeline = redis.pipeline();
    }
    micros[index] = (performance.now() - startedMs) * 1_000;
  }
  await pipeline.exec();
  redis.disconnect();
  return micros;
}

/** Waiting for room does not count as the caller's cost of `publish()`, but it is part of the rate. */
async function publishAll(url: string, events: number): Promise<Float64Array> {
  const publisher = createPublisher({ redisUrl: url });
  await publisher.ready();
  const micros = new Float64Array(events);
  for (let index = 0; index < events; index++) {
    const event = signalAcked(index);
    let startedMs = performance.now();
    let { status } = publisher.publish(event);
    while (status === 'full') {
      await publisher.room();
      startedMs = performance.now();
      ({ status } = publisher.publish(event));
    }
    micros[index] = (performance.now() - startedMs) * 1_000;
    if (status !== 'accepted') throw new Error(`publish: expected accepted, got ${status}`);
  }
  await publisher.flush();
  await publisher.close();
  return micros;
}
