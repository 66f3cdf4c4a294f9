import { EventEmitter, once } from 'node:events';
import {
  createBirths,
  createFolding,
  createMergedState,
  createSwarmMetrics,
  decodeContent,
  describeOwnRecord,
  giveBack,
  readText,
  type FoldedBatch,
  type MergedState,
} from '@streamfold/aggregator/round-trips';
import {
  CATALOGUE,
  ColumnPool,
  createBinaryDeltaMerger,
  decodeDelta,
  describeState,
  emptyDelta,
  mergeDelta,
  noUpcasters,
  OwnBatches,
} from '@streamfold/core';
import * as fc from 'fast-check';
import { toComparable } from '../core/comparable-delta.ts';
import { flatten } from '../core/decode-all.ts';
import { exposeState } from '../core/expose-state.ts';
import { placeEvents, type PublishedEntry } from '../core/fold-published.ts';
import { test } from '../harness/ava.ts';
import { createRandom, generateEvents } from '../harness/generate-events.ts';
import { createRecordView } from '../harness/record-view.ts';
import { parseSamples, withoutAges } from '../harness/scrape.ts';

const context = { shard: 0, shards: 1, upcasters: noUpcasters };
const BOUNDS = { entries: 1e9, payloadBytes: 1e9, series: 1e9, deadLetters: 1e9, fieldsCharacters: 1e9 };

const foldOptions = {
  catalogue: CATALOGUE,
  deltaForm: 'binary',
  context,
  hashSeed: 1,
  pool: new ColumnPool(CATALOGUE),
} as const;
const readers = [createFolding(foldOptions), createFolding(foldOptions)];

const scenario = fc.record({
  seed: fc.nat(),
  events: fc.integer({ min: 1, max: 150 }),
  coordinators: fc.integer({ min: 1, max: 6 }),
  /** The milliseconds of IDs exceed 2^53. */
  large: fc.boolean(),
});

type Scenario = typeof scenario extends fc.Arbitrary<infer Given> ? Given : never;

type Below = (n: number) => number;

/** Batches of two readers of one process, of any size and in any order; and a source of small numbers. */
function foldBatches({ seed, events, coordinators, large }: Scenario): {
  batches: FoldedBatch[];
  below: Below;
} {
  const random = createRandom(seed ^ 0x5eed);
  const below: Below = (n) => Math.floor(random() * n);
  const entries = placeEvents(generateEvents(events, { seed, coordinators, bad: true }), below);
  const read: PublishedEntry[][] = [[], []];
  const batches: FoldedBatch[] = [];
  const commit = (reader: number): void => {
    const folding = readers[reader]?.begin(BOUNDS);
    for (const { id, events: published } of read[reader] ?? []) {
      const [only] = published;
      const isOne = published.length === 1 && only !== undefined;
      const fields = isOne ? flatten(only) : ['events', JSON.stringify(published)];
      folding?.take({ id: large ? `10000000000${id.padStart(9, '0')}` : id, fields, payloadBytes: 100 });
    }
    batches.push(...(folding?.batches ?? []));
    read[reader] = [];
  };
  for (const entry of entries) {
    read[below(2)]?.push(entry);
    if (below(8) === 0) commit(below(2));
  }
  commit(0);
  commit(1);
  return { batches, below };
}

test('batches of this process and records of others, settled at any time, come to the state of all their deltas', (t) => {
  fc.assert(
    fc.property(scenario, (given) => {
      const { batches, below } = foldBatches(given);
      const expected = emptyDelta();
      const state = emptyDelta();
      const own = new OwnBatches(state, CATALOGUE, below(2) === 0 ? undefined : 500);
      const others = createBinaryDeltaMerger(state, 2);
      for (const { columns, record } of batches) {
        mergeDelta(expected, decodeContent(Buffer.from(record)));
        if (below(3) === 0) others.merge(Buffer.from(record), '');
        else {
          if (!own.takes(columns)) own.settle(() => undefined);
          own.join(columns, '', 0);
        }
        if (below(4) === 0) own.settle(() => undefined);
      }
      own.settle(() => undefined);
      t.true(own.isEmpty);
      t.deepEqual(toComparable(state), toComparable(expected));
    }),
    { numRuns: 20, seed: 61 },
  );
});

/** A state, and the keys that it has reported since they were read. */
interface Watched {
  readonly merged: MergedState;
  readonly changed: Set<string>;
}

function watch(limit: number): Watched {
  const changed = new Set<string>();
  const at = { position: '0-0', nonce: '' };
  const merged = createMergedState(
    { key: undefined, at, state: emptyDelta(), births: createBirths(), bytes: 0 },
    {
      catalogue: CATALOGUE,
      limit,
      listener: { changed: (name, key) => void changed.add(`${name} ${key}`), replaced: () => undefined },
    },
  );
  return { merged, changed };
}

/** Everything that readers of a state see, with the order of the series. */
function show({ merged, changed }: Watched, atMs: number): unknown {
  const { delta, births, bound, gauges } = merged.read();
  const reported = [...changed].toSorted();
  changed.clear();
  return {
    reported,
    state: [...describeState(delta)].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    births: [...births.encodeInParts(atMs, 1e9)].map((text) => toComparable(decodeDelta(text))),
    shown: CATALOGUE.map(({ name }) => [
      [...bound.keys(name)].map((key) => [key, bound.value(name, key)]),
      bound.countTogether(name),
    ]),
    alive: toComparable({ ...emptyDelta(), series: new Map([['alive', new Map(gauges.alive)]]) }),
    waits: toComparable({ ...emptyDelta(), series: new Map([['waits', new Map(gauges.openWaits)]]) }),
    at: [merged.at, merged.atMs, merged.entries],
  };
}

test('whenever a state is read, batches of this process have had the effect of their records: on series, births, gauges and changes', (t) => {
  const limits = fc.constantFrom(0, 0, 2, 5, 1_000);
  fc.assert(
    fc.property(scenario, limits, (given, limit) => {
      const { batches, below } = foldBatches(given);
      const [decoded, mixed] = [watch(limit), watch(limit)];
      let atMs = 1_000_000;
      for (const [at, batch] of batches.entries()) {
        atMs += below(10) === 0 ? below(900_000) - 450_000 : below(60_000); // now and then the clock goes back
        const appended = {
          name: { position: `${at + 1}-0`, nonce: 'n' },
          previous: { position: `${at}-0`, nonce: 'n' },
          watermark: '',
          atMs,
        };
        const bornMs = below(3) === 0 ? atMs - below(400_000) : atMs;
        const own = { ...describeOwnRecord(batch, appended, 'live'), bornMs };
        const record = Buffer.from(batch.record);
        const stored = { ...own, columns: undefined, delta: () => decodeContent(record) };
        decoded.merged.merge(stored);
        if (below(4) > 0) mixed.merged.merge(own);
        else mixed.merged.merge({ ...stored, binary: below(2) === 0 ? record : undefined });
        batch.release();
        if (below(3) === 0) for (const { merged } of [decoded, mixed]) merged.forgetOld(atMs + below(2_000));
        if (below(4) === 0) t.deepEqual(show(mixed, atMs), show(decoded, atMs));
      }
      t.deepEqual(show(mixed, atMs), show(decoded, atMs));
    }),
    { numRuns: 20, seed: 62 },
  );
});

test('batches of this process are in the next scrape, also of what was rendered before', async (t) => {
  const { batches } = foldBatches({ seed: 5, events: 150, coordinators: 4, large: false });
  const options = { catalogue: CATALOGUE, limit: 0 };
  const metrics = createSwarmMetrics(
    CATALOGUE,
    (listener) => [createRecordView(options, listener).view],
    () => performance.now(),
  );
  const expected = emptyDelta();
  for (const [at, batch] of batches.entries()) {
    const appended = {
      name: { position: `${at + 1}-0`, nonce: 'n' },
      previous: { position: `${at}-0`, nonce: 'n' },
      watermark: '',
      atMs: 1_000_000 + at,
    };
    await metrics.mergeOwn({ id: 'g', shard: 0 }, describeOwnRecord(batch, appended, 'live'));
    mergeDelta(expected, decodeContent(Buffer.from(batch.record)));
    batch.release();
    const exposition = await metrics.scrape('text');
    t.deepEqual(samplesOf(readText(exposition)), samplesOf(exposeState(expected)));
    giveBack(exposition);
  }
});

test('batches that are committed while the view reads the log are merged afterwards, and not read from it', async (t) => {
  const commits = 20;
  const log = new EventEmitter();
  const read = once(log, 'read').then(() => undefined);
  const metrics = createSwarmMetrics(
    CATALOGUE,
    (listener) => {
      const { view } = createRecordView({ catalogue: CATALOGUE, limit: 0 }, listener);
      return [Object.assign(view, { refresh: () => read })];
    },
    () => performance.now(),
  );
  const [batch] = foldBatches({ seed: 5, events: 10, coordinators: 1, large: false }).batches;
  if (batch === undefined) throw new Error('expected a batch');
  const refreshed = metrics.refresh();
  const merged = Array.from({ length: commits }, (_, at) =>
    metrics.mergeOwn(
      { id: 'g', shard: 0 },
      describeOwnRecord(
        batch,
        {
          name: { position: `${at + 1}-0`, nonce: 'n' },
          previous: { position: `${at}-0`, nonce: 'n' },
          watermark: '',
          atMs: 1_000_000 + at,
        },
        'live',
      ),
    ),
  );
  log.emit('read');
  await Promise.all([refreshed, ...merged]);
  const exposition = await metrics.scrape('text');
  const expected = emptyDelta();
  for (let at = 0; at < commits; at++) mergeDelta(expected, decodeContent(Buffer.from(batch.record)));
  t.deepEqual(samplesOf(readText(exposition)), samplesOf(exposeState(expected)));
  giveBack(exposition);
});

function samplesOf(exposition: string): [string, string][] {
  return [...withoutAges(parseSamples(exposition))].toSorted(([left], [right]) => (left < right ? -1 : 1));
}
