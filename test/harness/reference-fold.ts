import { EVENT_TYPES, type Event } from '@streamfold/core';

/** An event as published, and its place in the order of its shard. */
export interface PlacedEvent {
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * The expected metrics: the rules of the contract, applied to one event after the other in the order of the stream, on plain
 * objects. Shares only the zod schemas with the product: no deltas, no registers, no merging, no fast decoding.
 *
 * @returns samples as `name{labels}` to value, as in the text exposition, without `blocking_oldest_wait_seconds`, which
 *   moves with the clock.
 */
export function foldReference(events: Iterable<PlacedEvent>): Map<string, string> {
  const swarms = new Map<string, Map<string, Coordinator>>();
  const counters = new Map<string, number>();
  const histograms = new Map<string, { bounds: readonly number[]; micros: number[] }>();
  for (const { fields } of events) {
    const event = parse(fields);
    if (event === undefined) continue;
    observe(event, counters, histograms);
    if ('coordinator_id' in event) live(event, swarms);
  }
  const samples = new Map<string, string>();
  for (const [name, count] of counters) samples.set(name, String(count));
  for (const [name, histogram] of histograms) addHistogram(samples, name, histogram);
  for (const [swarmId, coordinators] of swarms) addGauges(samples, swarmId, [...coordinators.values()]);
  return samples;
}

/** The decoded event, or `undefined` if it belongs in the dead letters. */
export function parse(fields: Readonly<Record<string, unknown>>): Event | undefined {
  const wire = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'number' ? showDecimal(value) : value,
    ]),
  );
  const eventType = EVENT_TYPES.find(({ type }) => type === wire['type']);
  if (eventType === undefined || (wire['v'] !== undefined && wire['v'] !== '1')) return undefined;
  const parsed = eventType.schema.safeParse(wire);
  return parsed.success ? (parsed.data as unknown as Event) : undefined;
}

/** More digits than any duration that the contract allows can have. */
const MOST_DIGITS = 100;

/** The digits of a number, however small, in the form of the contract: without an exponent. */
function showDecimal(value: number): string {
  const text = String(value);
  return text.includes('e-') ? value.toFixed(MOST_DIGITS) : text;
}

interface Coordinator {
  phase: string;
  stale: boolean;
  readonly waits: Set<string>;
}

function observe(
  event: Event,
  counters: Map<string, number>,
  histograms: Map<string, { bounds: readonly number[]; micros: number[] }>,
): void {
  const count = (name: string): void => void counters.set(name, (counters.get(name) ?? 0) + 1);
  const time = (name: string, bounds: readonly number[], micros: number): void => {
    const histogram = histograms.get(name) ?? { bounds, micros: [] };
    histogram.micros.push(micros);
    histograms.set(name, histogram);
  };
  switch (event.type) {
    case 'signal.sent':
      count(`signals_sent_total{swarm_id="${event.swarm_id}",signal_type="${event.signal_type}"}`);
      return;
    case 'signal.acked':
      time(
        `signal_delivery_latency_seconds{sender_id="${event.sender_id}",receiver_id="${event.receiver_id}",signal_type="${event.signal_type}"}`,
        [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10],
        event.latency_micros,
      );
      return;
    case 'wait.finished':
      time(
        `blocking_duration_seconds{swarm_id="${event.swarm_id}",coordinator_id="${event.coordinator_id}",status="${event.status}"}`,
        [1, 5, 10, 30, 60, 120, 300, 600, 1800],
        event.duration_micros,
      );
      return;
    case 'heartbeat.stale':
      count(
        `heartbeat_failures_total{coordinator_id="${event.coordinator_id}",failure_type="${event.failure_type}"}`,
      );
      return;
    case 'timeout':
      count(
        `timeout_events_total{coordinator_id="${event.coordinator_id}",timeout_type="${event.timeout_type}"}`,
      );
      return;
    case 'signal.rejected':
      count(
        `signals_rejected_total{swarm_id="${event.swarm_id}",part="${event.part}",reason="${event.reason}"}`,
      );
      return;
    case 'cleanup.removed':
      count(`coordinators_cleaned_up_total{swarm_id="${event.swarm_id}"}`);
      return;
    case 'cleanup.refused':
      count(`cleanup_refusals_total{swarm_id="${event.swarm_id}",reason="${event.reason}"}`);
      return;
    case 'coordinator.started':
    case 'coordinator.phase_changed':
    case 'coordinator.stopped':
    case 'wait.started':
    case 'heartbeat.recovered':
      return;
  }
}

/** Applies the event to the life of its coordinator. */
function live(
  event: Extract<Event, { coordinator_id: string }>,
  swarms: Map<string, Map<string, Coordinator>>,
): void {
  const coordinators = swarms.get(event.swarm_id) ?? new Map<string, Coordinator>();
  swarms.set(event.swarm_id, coordinators);
  const id = event.coordinator_id;
  if (
    event.type === 'coordinator.stopped' ||
    (event.type === 'timeout' && event.timeout_type === 'heartbeat')
  ) {
    coordinators.delete(id);
    return;
  }
  if (event.type === 'coordinator.started' || !coordinators.has(id)) {
    coordinators.set(id, { phase: 'unknown', stale: false, waits: new Set() });
  }
  const coordinator = coordinators.get(id);
  if (coordinator === undefined) return;
  if ('phase' in event && event.phase !== undefined) coordinator.phase = event.phase;
  if (event.type === 'wait.started') coordinator.waits.add(event.wait_id);
  if (event.type === 'wait.finished') {
    if (event.wait_id === undefined) coordinator.waits.clear();
    else coordinator.waits.delete(event.wait_id);
  }
  if (event.type === 'heartbeat.stale') coordinator.stale = true;
  if (event.type === 'heartbeat.recovered') coordinator.stale = false;
}

function addHistogram(
  samples: Map<string, string>,
  series: string,
  { bounds, micros }: { bounds: readonly number[]; micros: readonly number[] },
): void {
  const [name = '', labels = ''] = series.slice(0, -1).split('{');
  for (const bound of bounds) {
    const within = micros.filter((each) => each <= bound * 1_000_000).length;
    samples.set(`${name}_bucket{${labels},le="${bound}"}`, String(within));
  }
  samples.set(`${name}_bucket{${labels},le="+Inf"}`, String(micros.length));
  samples.set(`${name}_sum{${labels}}`, showSeconds(micros.reduce((sum, each) => sum + BigInt(each), 0n)));
  samples.set(`${name}_count{${labels}}`, String(micros.length));
}

function showSeconds(micros: bigint): string {
  const fraction = String(micros % 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '');
  return `${micros / 1_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
}

function addGauges(
  samples: Map<string, string>,
  swarmId: string,
  coordinators: readonly Coordinator[],
): void {
  if (coordinators.length === 0) return;
  const counts = new Map<string, number>();
  for (const { phase, stale, waits } of coordinators) {
    const status = stale ? 'stale' : waits.size > 0 ? 'blocked' : 'active';
    const name = `blocking_coordinators_total{swarm_id="${swarmId}",phase="${phase}",status="${status}"}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const [name, count] of counts) samples.set(name, String(count));
  const open = coordinators.reduce((sum, { waits }) => sum + waits.size, 0);
  samples.set(`blocking_waits{swarm_id="${swarmId}"}`, String(open));
}
