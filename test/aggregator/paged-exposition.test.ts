import type { ShardView } from '@streamfold/aggregator';
import {
  compressExposition,
  createDeflater,
  createSwarmMetrics,
  giveBack,
  readText,
  type Exposition,
  type SwarmMetrics,
} from '@streamfold/aggregator/round-trips';
import {
  CATALOGUE,
  createSeriesRenderer,
  emptyDelta,
  EXPOSITION_ENDS,
  mergeDelta,
  mergeHistogram,
  renderHead,
  type Delta,
  type ExpositionFormat,
  type Metric,
  type SeriesValue,
} from '@streamfold/core';
import * as fc from 'fast-check';
import { test } from '../harness/ava.ts';
import { setImmediate } from 'node:timers/promises';
import { gunzipSync, inflateRawSync } from 'node:zlib';
import { foldEntries } from '../core/fold-published.ts';
import { createRecordView, type RecordView } from '../harness/record-view.ts';

const deflater = createDeflater();

const HISTOGRAM = 'signal_delivery_latency_seconds';
const COUNTERS = ['signals_sent_total', 'timeout_events_total'] as const;
const VARIANTS = [
  { format: 'text', zeroFirstSeconds: 0 },
  { format: 'openmetrics', zeroFirstSeconds: 0 },
  { format: 'text', zeroFirstSeconds: 20 },
  { format: 'openmetrics', zeroFirstSeconds: 300 },
] as const;

/** Some label values are long, so that few series fill a page; some need an escape, or several bytes. */
const LABELS = ['a', 'é', '€', '😀', '"', '\\', '\n', 'z'.repeat(1_500), 'é'.repeat(700)];
const key = fc
  .record({ label: fc.constantFrom(...LABELS), number: fc.integer({ min: 0, max: 150 }) })
  .map(({ label, number }) => `${label}|${number.toString(36)}|x`);
const count = fc.oneof(
  fc.integer({ min: 1, max: 12 }),
  fc.constantFrom(-7, 0.5, 90, 999, 1e9, 2 ** 40, 1e21, -0.25),
);
const observed = fc.record({
  sumMicros: fc.oneof(fc.nat(), fc.constantFrom(0, 1, 999_999, 1_000_000, 2 ** 52, 10n ** 20n)),
  bucket: fc.integer({ min: 0, max: 8 }),
  times: fc.integer({ min: 1, max: 120 }),
});
const coordinators = fc.array(
  fc.record({
    type: fc.constantFrom('coordinator.started', 'coordinator.stopped', 'wait.started'),
    swarm_id: fc.constantFrom('s1', 's2', 's3'),
    coordinator_id: fc.constantFrom('a', 'b', 'c'),
  }),
  { maxLength: 3 },
);
const round = fc.record({
  counters: fc.array(fc.tuple(fc.constantFrom(...COUNTERS), key, count), { maxLength: 30 }),
  histograms: fc.array(fc.tuple(key, observed), { maxLength: 30 }),
  coordinators,
  shard: fc.integer({ min: 0, max: 1 }),
  laterMs: fc.constantFrom(1, 900, 15_000, 200_000),
  /** Adds a counter so that it is there with many others, or none. */
  crowd: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(700) }),
  variant: fc.constantFrom(...VARIANTS),
  keeps: fc.boolean(),
  zips: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
});
type Round = typeof round extends fc.Arbitrary<infer T> ? T : never;

function toDelta({ counters, histograms, crowd, ...rest }: Round, at: number): Delta {
  const delta = emptyDelta();
  const add = (name: string, series: string, value: SeriesValue): void => {
    const one = emptyDelta();
    one.series.set(name, new Map([[series, value]]));
    mergeDelta(delta, one);
  };
  for (const [name, series, value] of counters) add(name, series, value);
  for (let other = 0; other < crowd; other++) add(COUNTERS[0], `crowd|${other}|x`, 1);
  for (const [series, { sumMicros, bucket, times }] of histograms) {
    const buckets = Array.from({ length: 9 }, (_, each) => (each === bucket ? times : 0));
    add(HISTOGRAM, series, { sumMicros, buckets });
  }
  const events = rest.coordinators.map((event) =>
    event.type === 'wait.started' ? { ...event, wait_id: `w${at}` } : event,
  );
  for (const [index, event] of events.entries())
    mergeDelta(delta, foldEntries([{ id: `${1_000 + at}-${index}`, events: [event] }]));
  return delta;
}

/** The exposition of the views as plain texts, everything computed anew. */
function renderFromScratch(
  views: readonly ShardView[],
  { format, zeroFirstSeconds }: { format: ExpositionFormat; zeroFirstSeconds: number },
): string {
  let text = '';
  for (const metric of CATALOGUE) {
    const render = createSeriesRenderer(metric, format);
    const keys = new Set(views.flatMap((view) => [...keysOf(view, metric)]));
    text += renderHead(metric, format);
    for (const series of [...keys].toSorted()) {
      const values = views.flatMap((view) => valueOf(view, metric, series) ?? []);
      const isYoung = views.every((view) => isZero(view, { metric, series, zeroFirstSeconds }));
      text += render(series, isYoung ? zeroOf(metric) : addUp(values));
    }
  }
  return text + EXPOSITION_ENDS[format];
}

function keysOf({ bound, gauges }: ShardView, metric: Metric): Iterable<string> {
  if (metric.type !== 'gauge') return bound.keys(metric.name);
  return metric.projection === 'coordinators_alive' ? gauges.alive.keys() : gauges.openWaits.keys();
}

function valueOf(view: ShardView, metric: Metric, series: string): SeriesValue | undefined {
  if (metric.type !== 'gauge') return view.bound.value(metric.name, series);
  if (metric.projection === 'coordinators_alive') return view.gauges.alive.get(series);
  const open = view.gauges.openWaits.get(series);
  if (open === undefined || metric.projection === 'open_waits') return open;
  const startedMs = view.gauges.oldestWaitMs(series);
  return startedMs === undefined ? 0 : Math.max(0, view.serverTimeMs - startedMs) / 1_000;
}

function isZero(
  view: ShardView,
  { metric, series, zeroFirstSeconds }: { metric: Metric; series: string; zeroFirstSeconds: number },
): boolean {
  if (metric.type === 'gauge' || zeroFirstSeconds === 0) return false;
  if (view.bound.value(metric.name, series) === undefined) return true;
  const bornMs = view.births.bornMs(metric.name, view.bound.oldest(metric.name, series));
  const ageMs = view.serverTimeMs - (bornMs ?? -Infinity);
  return ageMs >= 0 && ageMs < zeroFirstSeconds * 1_000;
}

function zeroOf({ type }: Metric): SeriesValue {
  return type === 'histogram' ? { sumMicros: 0, buckets: [] } : 0;
}

function addUp(values: readonly SeriesValue[]): SeriesValue {
  const [first = 0, ...rest] = values;
  return rest.reduce((total, value) => {
    if (typeof total === 'number' || typeof value === 'number') return Number(total) + Number(value);
    const sum = { sumMicros: total.sumMicros, buckets: [...total.buckets] };
    mergeHistogram(sum, value);
    return sum;
  }, first);
}

interface Bench {
  readonly metrics: SwarmMetrics;
  readonly shards: readonly RecordView[];
}

function openMetrics(shardCount: number, limit: number): Bench {
  const shards: RecordView[] = [];
  let nowMs = 0;
  const metrics = createSwarmMetrics(
    CATALOGUE,
    (listener) => {
      while (shards.length < shardCount)
        shards.push(createRecordView({ catalogue: CATALOGUE, limit }, listener));
      return shards.map(({ view }) => view);
    },
    () => (nowMs += 25), // by this clock each slice is over as soon as it may be
  );
  return { metrics, shards };
}

async function unzip(exposition: Exposition): Promise<string> {
  const { parts } = await compressExposition(exposition, deflater);
  return gunzipSync(Buffer.concat(parts.map(({ bytes }) => bytes))).toString();
}

test('what is rendered step by step in pages is, byte by byte, what is rendered from scratch', async (t) => {
  const property = fc.asyncProperty(
    fc.array(round, { minLength: 1, maxLength: 12, size: 'max' }),
    fc.integer({ min: 1, max: 2 }),
    fc.constantFrom(0, 3, 60),
    async (rounds, shardCount, limit) => {
      const { metrics, shards } = openMetrics(shardCount, limit);
      const views = shards.map(({ view }) => view);
      /** What slow clients have been given, and must be able to read until they give it back. */
      const kept: { readonly exposition: Exposition; readonly text: string }[] = [];
      let atMs = 1_000_000;
      for (const [at, each] of rounds.entries()) {
        atMs += each.laterMs;
        shards[each.shard % shardCount]?.append(toDelta(each, at), atMs);
        const { format, zeroFirstSeconds } = each.variant;
        const exposition = await metrics.scrape(format, zeroFirstSeconds);
        const expected = renderFromScratch(views, each.variant);
        t.is(readText(exposition), expected);
        t.is(exposition.byteLength, Buffer.byteLength(expected));
        if (each.zips) t.is(await unzip(exposition), expected);
        for (const { exposition: earlier, text } of kept) t.is(readText(earlier), text);
        if (each.keeps) kept.push({ exposition, text: expected });
        else {
          giveBack(exposition);
          for (const { exposition: earlier } of kept.splice(0, 1)) giveBack(earlier);
        }
      }
    },
  );
  await fc.assert(property, { numRuns: 30, seed: 71 });
});

/** A delta of one histogram for each number, with one observation of `micros`. */
function observe(numbers: Iterable<number>, micros: number): Delta {
  const delta = emptyDelta();
  const observation = { sumMicros: micros, buckets: [0, 0, 0, 0, 1, 0, 0, 0, 0] };
  delta.series.set(HISTOGRAM, new Map([...numbers].map((number) => [`a|${number}|x`, observation])));
  return delta;
}

test('a page that no client needs is rewritten in its place; one that a slow client needs is copied, and only that', async (t) => {
  const { metrics, shards } = openMetrics(1, 0);
  const [shard] = shards;
  const numbers = Array.from({ length: 2_000 }, (_, number) => number);
  shard?.append(observe(numbers, 1_000_000), 1);
  const first = await metrics.scrape('text');
  giveBack(first);

  shard?.append(observe([7], 1_000_000), 2); // 1 becomes 2: no number is wider
  const second = await metrics.scrape('text');
  t.deepEqual(
    second.parts.map((part) => first.parts.includes(part)),
    second.parts.map(() => true),
  );
  const slow = { exposition: second, text: readText(second) };

  shard?.append(observe([7], 1_000_000), 3);
  const third = await metrics.scrape('text');
  t.is(third.parts.filter((part) => !second.parts.includes(part)).length, 1);
  t.is(readText(slow.exposition), slow.text);
  t.not(readText(third), slow.text);
  giveBack(third);
  giveBack(slow.exposition);
});

test('other work runs while many series are rendered, and what is read meanwhile is not shown before the next scrape', async (t) => {
  const { metrics, shards } = openMetrics(1, 0);
  const numbers = Array.from({ length: 5_000 }, (_, number) => number);
  shards[0]?.append(observe(numbers, 5), 1);
  await metrics.refresh();
  const before = renderFromScratch(
    shards.map(({ view }) => view),
    VARIANTS[0],
  );
  let isRendered = false;
  const rendering = metrics.scrape('text').finally(() => (isRendered = true));
  let steps = 0;
  let refreshing: Promise<void> | undefined;
  while (!isRendered) {
    await setImmediate();
    if (++steps !== 5) continue;
    shards[0]?.append(observe(numbers, 5), 2);
    refreshing = metrics.refresh();
  }
  t.true(steps > 10, `${steps} steps`);
  const exposition = await rendering;
  t.is(readText(exposition), before);
  giveBack(exposition);
  await refreshing;
  const after = await metrics.scrape('text');
  t.not(readText(after), before);
  giveBack(after);
});

test('the same bytes are given again as long as nothing has changed', async (t) => {
  const { metrics, shards } = openMetrics(1, 0);
  shards[0]?.append(observe([1, 2, 3], 5), 1);
  const first = await metrics.scrape('openmetrics');
  const second = await metrics.scrape('openmetrics');
  t.is(second, first);
  giveBack(first);
  giveBack(second);
});

test('a page that has not changed is not compressed again', async (t) => {
  const { metrics, shards } = openMetrics(1, 0);
  const numbers = Array.from({ length: 2_000 }, (_, number) => number);
  shards[0]?.append(observe(numbers, 5), 1);
  const first = await metrics.scrape('text');
  const firstZipped = await compressExposition(first, deflater);
  giveBack(first);
  shards[0]?.append(observe([7], 5), 2);
  const second = await metrics.scrape('text');
  const secondZipped = await compressExposition(second, deflater);
  const bytes = Buffer.concat(secondZipped.parts.map((part) => part.bytes));
  const isAgain = secondZipped.parts.filter((part) => !firstZipped.parts.includes(part));
  t.is(isAgain.length, 2, 'one page and the trailer');
  t.is(gunzipSync(bytes).toString(), readText(second));
  giveBack(second);

  const inflated = inflateRawSync(bytes.subarray(GZIP_HEADER_BYTES), { info: true }) as unknown as Inflated;
  t.is(
    bytes.length - GZIP_HEADER_BYTES - inflated.engine.bytesWritten,
    GZIP_TRAILER_BYTES,
    'one member: curl and browsers read no other',
  );
});

const GZIP_HEADER_BYTES = 10;
const GZIP_TRAILER_BYTES = 8;

interface Inflated {
  readonly engine: { readonly bytesWritten: number };
}
