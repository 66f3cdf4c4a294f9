import { CATALOGUE, type Catalogue, type CounterMetric, type HistogramMetric } from './catalogue.ts';
import { emptyRegisters, foldLifecycle, type LifecycleEvent } from './coordinator-registers.ts';
import { KEY_SEPARATOR, seriesOf, type Delta, type SeriesKey } from './delta.ts';
import { stampEvent, type EntryId, type Stamp } from './entry-id.ts';
import type { Event } from './event/event-types.ts';
import { emptyHistogram, observeMicros } from './histogram.ts';

/**
 * Adds one event to a delta, which the caller owns and which is changed. `index` is the event's place in its entry.
 *
 * Total: no event can make it fail. Events of one delta must come in the order of the stream, as XREADGROUP, XRANGE and
 * a history read give them; between deltas no order is needed.
 */
// oxlint-disable-next-line max-params -- called for every event: it would need an object for the stamp each time
export type FoldEvent = (delta: Delta, event: Event, entryId: EntryId, index: number) => void;

/** Adds an event to a delta for one metric. */
type Observe = (delta: Delta, event: Event) => void;

/** The fold of a catalogue: compiled once, it looks up the metrics of an event by its type. */
export function createFold(catalogue: Catalogue = CATALOGUE): FoldEvent {
  const observers = new Map<Event['type'], Observe[]>();
  for (const metric of catalogue) {
    if (metric.type === 'gauge') continue;
    const observe = metric.type === 'counter' ? countEvents(metric) : observeDurations(metric);
    observers.set(metric.event, [...(observers.get(metric.event) ?? []), observe]);
  }
  // oxlint-disable-next-line max-params -- as above
  return (delta, event, entryId, index) => {
    delta.totals.events++;
    const observing = observers.get(event.type);
    if (observing !== undefined) for (const observe of observing) observe(delta, event);
    if ('coordinator_id' in event) setRegisters(delta, event, stampEvent(entryId, index));
  };
}

function countEvents({ name, labels, value }: CounterMetric): Observe {
  return (delta, event) => {
    const added = value === undefined ? 1 : fieldOf(event, value);
    if (typeof added !== 'number') return;
    const series = seriesOf(delta, name);
    const key = seriesKey(event, labels);
    const present = series.get(key);
    series.set(key, typeof present === 'number' ? present + added : added);
  };
}

/** A histogram holds millionths: microseconds of a duration, and of a plain number the same fraction. */
const MILLIONTHS = 1_000_000;

/** The upper bounds of the finite buckets as a histogram holds them. */
export function boundsInMillionths({ buckets }: HistogramMetric): number[] {
  return buckets.map((bound) => Math.round(bound * MILLIONTHS));
}

/** What a value of the metric's field is multiplied with. */
export function scaleOf({ value }: HistogramMetric): number {
  return value.endsWith('_micros') ? 1 : MILLIONTHS;
}

function observeDurations(metric: HistogramMetric): Observe {
  const { name, labels, value } = metric;
  const boundsMicros = boundsInMillionths(metric);
  const scale = scaleOf(metric);
  return (delta, event) => {
    const observed = fieldOf(event, value);
    if (typeof observed !== 'number') return;
    const series = seriesOf(delta, name);
    const key = seriesKey(event, labels);
    let histogram = series.get(key);
    if (typeof histogram !== 'object') {
      histogram = emptyHistogram(boundsMicros.length);
      series.set(key, histogram);
    }
    observeMicros(histogram, boundsMicros, observed * scale);
  };
}

function setRegisters(delta: Delta, event: LifecycleEvent, stamp: Stamp): void {
  const key = event.swarm_id + KEY_SEPARATOR + event.coordinator_id;
  let registers = delta.coordinators.get(key);
  if (registers === undefined) {
    registers = emptyRegisters();
    delta.coordinators.set(key, registers);
  }
  foldLifecycle(registers, event, stamp);
}

/** A missing field gives an empty label, which Prometheus treats as no label. */
function seriesKey(event: Event, labels: readonly string[]): SeriesKey {
  let key = '';
  for (let label = 0; label < labels.length; label++) {
    if (label > 0) key += KEY_SEPARATOR;
    const value = fieldOf(event, labels[label] ?? '');
    if (value !== undefined) key += String(value);
  }
  return key;
}

/** A field by its name in the catalogue, which was checked against the event's schema; it may be optional. */
function fieldOf(event: Event, name: string): string | number | undefined {
  return (event as unknown as Readonly<Record<string, string | number | undefined>>)[name];
}
