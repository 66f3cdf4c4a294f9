import type { CoordinatorRegisters } from './coordinator-registers.ts';
import { DEAD_LETTER_REASONS } from './decode-entry.ts';
import { emptyDelta, type Delta, type SeriesKey, type SeriesValue } from './delta.ts';
import type { Stamp } from './entry-id.ts';
import type { Histogram } from './histogram.ts';

/**
 * The text of a delta, for the delta log and for snapshots. It is JSON of flat arrays, which engines write and read
 * fastest. Sums beyond 2^53 are decimal strings; everything else is exact as a JSON number.
 */
export function encodeDelta(delta: Delta): string {
  const series: Record<string, unknown[]> = {};
  for (const [name, values] of delta.series) series[name] = encodeSeries(values);
  const coordinators: unknown[] = [];
  for (const [key, registers] of delta.coordinators) coordinators.push(key, encodeRegisters(registers));
  const { entries, events, lostEntries, deadLetters } = delta.totals;
  return JSON.stringify({
    series,
    coordinators,
    totals: [entries, events, lostEntries, ...[...deadLetters].flat()],
    watermark: delta.watermark,
  });
}

/**
 * Reads the output of `encodeDelta`, and checks all of it, since a merge cannot be undone.
 *
 * @throws {Error} if the text is malformed: something else has written to the keyspace. Says what was expected, and where.
 */
export function decodeDelta(text: string): Delta {
  const fields = expectObject(parseJson(text), 'an object');
  const delta = emptyDelta();
  for (const [name, values] of Object.entries(expectObject(fields['series'], 'series to be an object')))
    delta.series.set(name, decodeSeries(name, values));
  const coordinators = expectArray(fields['coordinators'], 2, 'coordinators to be pairs');
  for (let at = 0; at < coordinators.length; at += 2) {
    const key = expectString(coordinators[at], 'the key of a coordinator to be a text');
    delta.coordinators.set(key, decodeRegisters(key, coordinators[at + 1]));
  }
  decodeTotals(delta, fields['totals']);
  delta.watermark = expectStamp(fields['watermark'], 'watermark');
  return delta;
}

/**
 * Splits a delta into the texts of small ones whose merge it is, so that no step of writing or reading a snapshot is long.
 * Each text holds at most `maxItems` series and coordinators. At least one text.
 */
export function* encodeDeltaInParts(delta: Delta, maxItems: number): Generator<string> {
  let part: Delta = { ...emptyDelta(), totals: delta.totals, watermark: delta.watermark };
  let items = 0;
  for (const [name, values] of delta.series) {
    for (const [key, value] of values) {
      if (items === maxItems) {
        yield encodeDelta(part);
        part = emptyDelta();
        items = 0;
      }
      let series = part.series.get(name);
      if (series === undefined) part.series.set(name, (series = new Map<SeriesKey, SeriesValue>()));
      series.set(key, value);
      items++;
    }
  }
  for (const [key, registers] of delta.coordinators) {
    if (items === maxItems) {
      yield encodeDelta(part);
      part = emptyDelta();
      items = 0;
    }
    part.coordinators.set(key, registers);
    items++;
  }
  yield encodeDelta(part);
}

type RegistersText = readonly [
  seen: string,
  ended: string,
  started: string,
  phaseSet: string,
  phase: string,
  staleSet: string,
  stale: number,
  allWaitsClosed: string,
  waits: readonly string[],
];

function encodeSeries(values: ReadonlyMap<SeriesKey, SeriesValue>): unknown[] {
  const flat: unknown[] = [];
  for (const [key, value] of values)
    flat.push(key, typeof value === 'number' ? value : encodeHistogram(value));
  return flat;
}

function encodeHistogram({ sumMicros, buckets }: Exclude<SeriesValue, number>): unknown[] {
  return [typeof sumMicros === 'number' ? sumMicros : String(sumMicros), ...buckets];
}

function decodeSeries(name: string, values: unknown): Map<SeriesKey, SeriesValue> {
  const flat = expectArray(values, 2, `series of ${name} to be pairs`);
  const series = new Map<SeriesKey, SeriesValue>();
  for (let at = 0; at < flat.length; at += 2) {
    const key = expectString(flat[at], `the key of a series of ${name} to be a text`);
    const value = flat[at + 1];
    series.set(key, Array.isArray(value) ? decodeHistogram(name, value) : expectCount(value, name));
  }
  return series;
}

function decodeHistogram(name: string, [sum, ...buckets]: readonly unknown[]): Histogram {
  const isLarge = typeof sum === 'string' && /^\d{1,100}$/.test(sum);
  const sumMicros = isLarge ? BigInt(sum) : expectCount(sum, `the sum of ${name}`);
  for (const bucket of buckets) expectCount(bucket, `a bucket of ${name}`);
  return { sumMicros, buckets: buckets as number[] };
}

function decodeTotals(delta: Delta, value: unknown): void {
  const [entries, events, lostEntries, ...deadLetters] = expectArray(value, 1, 'totals to be a list');
  delta.totals.entries = expectCount(entries, 'entries');
  delta.totals.events = expectCount(events, 'events');
  delta.totals.lostEntries = expectCount(lostEntries, 'lost entries');
  for (let at = 0; at < deadLetters.length; at += 2) {
    const reason = DEAD_LETTER_REASONS.find((each) => each === deadLetters[at]);
    if (reason === undefined)
      throw refusal(
        `a reason of dead letters to be one of ${DEAD_LETTER_REASONS.join(', ')}`,
        deadLetters[at],
      );
    delta.totals.deadLetters.set(reason, expectCount(deadLetters[at + 1], `dead letters ${reason}`));
  }
}

function encodeRegisters(registers: CoordinatorRegisters): RegistersText {
  const waits: string[] = [];
  for (const [waitId, wait] of registers.waits) waits.push(waitId, wait.opened, wait.closed);
  const { seen, ended, started, phaseSet, phase, staleSet, stale, allWaitsClosed } = registers;
  return [seen, ended, started, phaseSet, phase, staleSet, stale ? 1 : 0, allWaitsClosed, waits];
}

function decodeRegisters(key: string, value: unknown): CoordinatorRegisters {
  const fields = expectArray(value, 1, `coordinator ${key} to be a list`);
  const stamp = (at: number): Stamp => expectStamp(fields[at], `coordinator ${key}, register ${at}`);
  const stale = fields[6];
  if (stale !== 0 && stale !== 1) throw refusal(`coordinator ${key}, register 6 to be 0 or 1`, stale);
  return {
    seen: stamp(0),
    ended: stamp(1),
    started: stamp(2),
    phaseSet: stamp(3),
    phase: expectString(fields[4], `coordinator ${key}, register 4 to be a text`),
    staleSet: stamp(5),
    stale: stale === 1,
    allWaitsClosed: stamp(7),
    waits: decodeWaits(key, fields[8]),
  };
}

function decodeWaits(coordinator: string, value: unknown): CoordinatorRegisters['waits'] {
  const flat = expectArray(value, 3, `the waits of coordinator ${coordinator} to be threes`);
  const waits: CoordinatorRegisters['waits'] = new Map();
  for (let at = 0; at < flat.length; at += 3) {
    const waitId = expectString(flat[at], `a wait of coordinator ${coordinator} to be a text`);
    const where = `coordinator ${coordinator}, wait ${waitId}`;
    waits.set(waitId, { opened: expectStamp(flat[at + 1], where), closed: expectStamp(flat[at + 2], where) });
  }
  return waits;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refusal('JSON', text);
  }
}

function expectObject(value: unknown, expected: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw refusal(expected, value);
}

/** A list whose length is a multiple of `step`. */
function expectArray(value: unknown, step: number, expected: string): readonly unknown[] {
  if (Array.isArray(value) && value.length % step === 0) return value;
  throw refusal(expected, value);
}

function expectString(value: unknown, expected: string): string {
  if (typeof value === 'string') return value;
  throw refusal(expected, value);
}

function expectCount(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw refusal(`${what} to be a whole number from 0 to 2^53 - 1`, value);
}

const STAMP = /^(?:\d{1,20}-\d{1,20}(?:-\d{1,10})?)?$/;

function expectStamp(value: unknown, what: string): Stamp {
  if (typeof value === 'string' && STAMP.test(value)) return value;
  throw refusal(`${what} to be an entry ID, with the index of the event if that is not 0`, value);
}

/** A malformed value is quoted up to this number of characters. */
const QUOTED = 80;

function refusal(expected: string, value: unknown): Error {
  const text = JSON.stringify(value) ?? 'nothing';
  const got = text.length > QUOTED ? `${text.slice(0, QUOTED)} …` : text;
  return new Error(`delta: expected ${expected}; got ${got}`);
}
