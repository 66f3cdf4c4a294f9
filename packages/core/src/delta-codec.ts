import { z } from 'zod';
import type { CoordinatorRegisters } from './coordinator-registers.ts';
import { DEAD_LETTER_REASONS } from './decode-entry.ts';
import { emptyDelta, type Delta, type SeriesKey, type SeriesValue } from './delta.ts';

/**
 * The text of a delta: what is appended to the delta log and what a snapshot is made of. JSON of flat arrays, which
 * engines write and read fastest. Sums beyond 2^53 are decimal strings; all else is exact as a JSON number.
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
 * Reads what `encodeDelta` wrote.
 *
 * @throws {Error} where the text is not of that form: the keyspace was written to by something else.
 */
export function decodeDelta(text: string): Delta {
  const { series, coordinators, totals, watermark } = deltaText.parse(JSON.parse(text));
  const delta = emptyDelta();
  for (const [name, values] of Object.entries(series)) delta.series.set(name, decodeSeries(values));
  for (let at = 0; at < coordinators.length; at += 2) {
    delta.coordinators.set(
      coordinators[at] as string,
      decodeRegisters(coordinators[at + 1] as RegistersText),
    );
  }
  const [entries, events, lostEntries, ...deadLetters] = totals;
  Object.assign(delta.totals, { entries, events, lostEntries });
  for (let at = 0; at < deadLetters.length; at += 2) {
    delta.totals.deadLetters.set(deadLetterReason.parse(deadLetters[at]), Number(deadLetters[at + 1]));
  }
  delta.watermark = watermark;
  return delta;
}

/**
 * A delta as the texts of many small ones, of which it is the merge: no step of writing or reading a snapshot is long.
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

/** The outer form is checked in full, the long arrays only as arrays: a snapshot may hold 100,000 series. */
const deltaText = z.object({
  series: z.record(z.string(), z.custom<unknown[]>(Array.isArray)),
  coordinators: z.custom<unknown[]>(Array.isArray),
  totals: z.tuple([z.int(), z.int(), z.int()]).rest(z.union([z.string(), z.int()])),
  watermark: z.string(),
});

const deadLetterReason = z.enum(DEAD_LETTER_REASONS);

function encodeSeries(values: ReadonlyMap<SeriesKey, SeriesValue>): unknown[] {
  const flat: unknown[] = [];
  for (const [key, value] of values)
    flat.push(key, typeof value === 'number' ? value : encodeHistogram(value));
  return flat;
}

function encodeHistogram({ sumMicros, buckets }: Exclude<SeriesValue, number>): unknown[] {
  return [typeof sumMicros === 'number' ? sumMicros : String(sumMicros), ...buckets];
}

function decodeSeries(flat: readonly unknown[]): Map<SeriesKey, SeriesValue> {
  const series = new Map<SeriesKey, SeriesValue>();
  for (let at = 0; at < flat.length; at += 2) {
    const value = flat[at + 1] as number | readonly [sum: number | string, ...buckets: number[]];
    if (typeof value === 'number') series.set(flat[at] as string, value);
    else
      series.set(flat[at] as string, {
        sumMicros: typeof value[0] === 'number' ? value[0] : BigInt(value[0]),
        buckets: value.slice(1) as number[],
      });
  }
  return series;
}

function encodeRegisters(registers: CoordinatorRegisters): RegistersText {
  const waits: string[] = [];
  for (const [waitId, wait] of registers.waits) waits.push(waitId, wait.opened, wait.closed);
  const { seen, ended, started, phaseSet, phase, staleSet, stale, allWaitsClosed } = registers;
  return [seen, ended, started, phaseSet, phase, staleSet, stale ? 1 : 0, allWaitsClosed, waits];
}

function decodeRegisters(text: RegistersText): CoordinatorRegisters {
  const [seen, ended, started, phaseSet, phase, staleSet, stale, allWaitsClosed, flatWaits] = text;
  const waits: CoordinatorRegisters['waits'] = new Map();
  for (let at = 0; at < flatWaits.length; at += 3) {
    waits.set(flatWaits[at] ?? '', { opened: flatWaits[at + 1] ?? '', closed: flatWaits[at + 2] ?? '' });
  }
  return { seen, ended, started, phaseSet, phase, staleSet, stale: stale === 1, allWaitsClosed, waits };
}
