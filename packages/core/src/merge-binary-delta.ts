import { BINARY_FORM, readCoordinators, readTotals } from './binary-delta.ts';
import { ByteReader } from './bytes/byte-reader.ts';
import type { TextTable } from './bytes/text-table.ts';
import { joinSum } from './columns/join-sum.ts';
import {
  mergeRest,
  seriesOf,
  type Delta,
  type SeriesBorn,
  type SeriesKey,
  type SeriesValue,
} from './delta.ts';
import type { Stamp } from './entry-id.ts';
import { addMicros } from './histogram.ts';

/** The series and coordinators that a record has changed. */
export interface Touched {
  /** By metric name. */
  readonly series: ReadonlyMap<string, readonly SeriesKey[]>;
  readonly coordinators: Iterable<string>;
}

/** Merges binary records into one state: the same as to decode them and to merge the deltas, without making these. */
export interface BinaryDeltaMerger {
  /**
   * Merges a record whose entries are all folded up to `watermark`; `born` is called for each series that it creates.
   *
   * @throws {Error} if the record is malformed. The state is then as it was.
   */
  merge(record: Uint8Array, watermark: Stamp, born?: SeriesBorn): Touched;
}

/**
 * The merger of `state`, which only it and `mergeDelta` may change meanwhile. A series is found by the bytes of its key: its
 * text and its value are looked up once. `seed` is that of the hashes, drawn once per process.
 */
export function createBinaryDeltaMerger(state: Delta, seed: number): BinaryDeltaMerger {
  const reader = new ByteReader(seed);
  const metrics = new Map<string, MergedSeries>();
  const coordinatorKeys = reader.createTable();

  const metricOf = (name: string): MergedSeries => {
    let metric = metrics.get(name);
    if (metric === undefined)
      metrics.set(name, (metric = new MergedSeries(name, seriesOf(state, name), reader)));
    return metric;
  };

  return {
    merge(record, watermark, born) {
      coordinatorKeys.clearIfLarge();
      reader.begin(record);
      const form = reader.number();
      if (form !== BINARY_FORM) throw new Error(`delta: expected form ${BINARY_FORM}; got ${form}`);
      const totals = readTotals(reader);
      const seriesStart = reader.position;
      skipSeries(reader);
      const coordinators = readCoordinators(reader, coordinatorKeys);
      reader.expectEnd();
      // All of it can be read: nothing fails from here on.
      reader.position = seriesStart;
      const series = new Map<string, SeriesKey[]>();
      for (let left = reader.count(); left > 0; left--) {
        const name = reader.text();
        series.set(name, metricOf(name).merge(born));
      }
      mergeRest(state, { coordinators, totals, watermark });
      return { series, coordinators: coordinators.keys() };
    },
  };
}

/** Skips the series of all metrics, and checks that they can be read. */
function skipSeries(reader: ByteReader): void {
  for (let metrics = reader.count(); metrics > 0; metrics--) {
    reader.skipText();
    const width = reader.number();
    for (let series = reader.count(); series > 0; series--) {
      reader.skipText();
      reader.number();
      if (width === 0) continue;
      reader.number();
      for (let buckets = reader.count(); buckets > 0; buckets--) {
        const bucket = reader.number();
        if (bucket >= width) throw new Error(`delta: expected one of ${width} buckets; got ${bucket}`);
        reader.number();
      }
    }
  }
}

/** The series of one metric, with the values of those that were merged already by the numbers of their keys. */
class MergedSeries {
  private readonly name: string;
  private readonly series: Map<SeriesKey, SeriesValue>;
  private readonly reader: ByteReader;
  private readonly keys: TextTable;
  private values: SeriesValue[] = [];

  constructor(name: string, series: Map<SeriesKey, SeriesValue>, reader: ByteReader) {
    this.name = name;
    this.series = series;
    this.reader = reader;
    this.keys = reader.createTable();
  }

  merge(born: SeriesBorn | undefined): SeriesKey[] {
    const { reader } = this;
    const keys: SeriesKey[] = [];
    if (this.keys.clearIfLarge() === 'cleared') this.values = [];
    const width = reader.number();
    for (let left = reader.count(); left > 0; left--) {
      const key = reader.key(this.keys);
      keys.push(key);
      if (width === 0) this.addCount(key, reader.number(), born);
      else this.addHistogram(key, width, born);
    }
    return keys;
  }

  private addCount(key: SeriesKey, count: number, born: SeriesBorn | undefined): void {
    const present = this.series.get(key);
    this.series.set(key, (typeof present === 'number' ? present : 0) + count);
    if (present === undefined) born?.(this.name, key);
  }

  private addHistogram(key: SeriesKey, width: number, born: SeriesBorn | undefined): void {
    const { reader } = this;
    let present = this.values[this.keys.slot] ?? this.series.get(key);
    if (typeof present !== 'object') {
      present = { sumMicros: 0, buckets: new Array<number>(width).fill(0) };
      this.series.set(key, present);
      born?.(this.name, key);
    }
    this.values[this.keys.slot] = present;
    const { buckets } = present;
    const low = reader.number();
    present.sumMicros = addMicros(present.sumMicros, joinSum(low, reader.number()));
    for (let left = reader.count(); left > 0; left--) {
      const bucket = reader.number();
      buckets[bucket] = (buckets[bucket] ?? 0) + reader.number();
    }
  }
}
