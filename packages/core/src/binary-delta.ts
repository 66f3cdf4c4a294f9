import { ByteReader } from './bytes/byte-reader.ts';
import type { TextTable } from './bytes/text-table.ts';
import { joinSum } from './columns/join-sum.ts';
import { PHASE_SET, STAMPED_REGISTERS } from './columns/life-columns.ts';
import { emptyRegisters, type CoordinatorRegisters } from './coordinator-registers.ts';
import { DEAD_LETTER_REASONS } from './decode-entry.ts';
import { emptyDelta, type Delta, type FoldTotals, type SeriesKey, type SeriesValue } from './delta.ts';
import { stampEvent, type Stamp } from './entry-id.ts';

/**
 * The delta of a batch as bytes. Each record can be read alone: it names its metrics and series. Whole numbers take seven
 * bits a byte; texts are ASCII behind their length; a stamp is the text of an entry ID and the index of the event in it.
 *
 * ```
 * form (1)   entries   events   lost entries
 * reasons of dead letters:  for each its name, a count
 * metrics:                  for each its name, the number of its buckets (0: a counter), series
 *   series of a counter:    key, count
 *   series of a histogram:  key, sum % 2^52, sum / 2^52, buckets that are not 0: for each its place, observations
 * coordinators:             for each its key, flags, the registers that the flags name, its phase if that is set
 *   waits:                  for each its id, flags, when opened, when closed
 * ```
 *
 * A text of the other form, JSON, begins with a brace.
 */
export const BINARY_FORM = 1;

/** Flags of a coordinator: its registers in the order of `STAMPED_REGISTERS`, and this. */
export const IS_STALE = 1 << STAMPED_REGISTERS.length;
/** Flags of a wait. */
export const HAS_OPENED = 1;
export const HAS_CLOSED = 2;

/** True if a record is of this form. */
export function isBinaryDelta(record: Uint8Array): boolean {
  return record[0] === BINARY_FORM;
}

/**
 * Reads records of this form. The keys of series that came before are found by their bytes: a decoder lives as long as what
 * it reads.
 */
export interface BinaryDeltaDecoder {
  /**
   * Reads a record, and checks all of it, since a merge cannot be undone.
   *
   * @throws {Error} if it is malformed: something else has written to the keyspace. Says what was expected, and where.
   */
  decode(record: Uint8Array): Delta;
}

/** `seed` is that of the hashes, drawn once per process. */
export function createBinaryDeltaDecoder(seed: number): BinaryDeltaDecoder {
  const reader = new ByteReader(seed);
  const keys = reader.createTable();
  return {
    decode(record) {
      keys.clearIfLarge();
      reader.begin(record);
      return readDelta(reader, keys);
    },
  };
}

function readDelta(reader: ByteReader, keys: TextTable): Delta {
  const form = reader.number();
  if (form !== BINARY_FORM) throw new Error(`delta: expected form ${BINARY_FORM}; got ${form}`);
  const delta: Delta = { ...emptyDelta(), totals: readTotals(reader) };
  for (let left = reader.count(); left > 0; left--) delta.series.set(reader.text(), readSeries(reader, keys));
  const { series, totals, watermark } = delta;
  const coordinators = readCoordinators(reader, keys);
  reader.expectEnd();
  return { series, coordinators, totals, watermark };
}

export function readTotals(reader: ByteReader): FoldTotals {
  const entries = reader.number();
  const events = reader.number();
  const lostEntries = reader.number();
  const deadLetters: FoldTotals['deadLetters'] = new Map();
  for (let left = reader.count(); left > 0; left--) {
    const name = reader.text();
    const reason = DEAD_LETTER_REASONS.find((each) => each === name);
    if (reason === undefined)
      throw new Error(`delta: expected a reason of dead letters; got ${JSON.stringify(name)}`);
    deadLetters.set(reason, reader.number());
  }
  return { entries, events, lostEntries, deadLetters };
}

export function readCoordinators(reader: ByteReader, keys: TextTable): Map<string, CoordinatorRegisters> {
  const coordinators = new Map<string, CoordinatorRegisters>();
  for (let left = reader.count(); left > 0; left--) coordinators.set(reader.key(keys), readRegisters(reader));
  return coordinators;
}

function readSeries(reader: ByteReader, keys: TextTable): Map<SeriesKey, SeriesValue> {
  const width = reader.number();
  const series = new Map<SeriesKey, SeriesValue>();
  for (let left = reader.count(); left > 0; left--) {
    const key = reader.key(keys);
    series.set(key, width === 0 ? reader.number() : readHistogram(reader, width));
  }
  return series;
}

function readHistogram(reader: ByteReader, width: number): SeriesValue {
  const low = reader.number();
  const sumMicros = joinSum(low, reader.number());
  const buckets = new Array<number>(width).fill(0);
  for (let left = reader.count(); left > 0; left--) {
    const bucket = reader.number();
    if (bucket >= width) throw new Error(`delta: expected one of ${width} buckets; got ${bucket}`);
    buckets[bucket] = reader.number();
  }
  return { sumMicros, buckets };
}

function readRegisters(reader: ByteReader): CoordinatorRegisters {
  const registers = emptyRegisters();
  const flags = reader.number();
  for (const [register, name] of STAMPED_REGISTERS.entries())
    if ((flags & (1 << register)) !== 0) registers[name] = readStamp(reader);
  registers.stale = (flags & IS_STALE) !== 0;
  if ((flags & (1 << PHASE_SET)) !== 0) registers.phase = reader.text();
  for (let left = reader.count(); left > 0; left--) {
    const wait = reader.text();
    const has = reader.number();
    const opened = (has & HAS_OPENED) === 0 ? '' : readStamp(reader);
    const closed = (has & HAS_CLOSED) === 0 ? '' : readStamp(reader);
    registers.waits.set(wait, { opened, closed });
  }
  return registers;
}

const ENTRY_ID = /^\d{1,20}-\d{1,20}$/;

function readStamp(reader: ByteReader): Stamp {
  const id = reader.text();
  if (!ENTRY_ID.test(id)) throw new Error(`delta: expected an entry ID; got ${JSON.stringify(id)}`);
  return stampEvent(id, reader.number());
}
