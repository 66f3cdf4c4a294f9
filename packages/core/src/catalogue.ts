import type { Event } from './event/event-types.ts';

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;

/** A monotonic count of the events of one type. */
export interface CounterMetric {
  readonly type: 'counter';
  readonly name: string;
  readonly help: string;
  /** Label names; each is a field of the event. */
  readonly labels: readonly string[];
  /** The event type that is counted. */
  readonly event: Event['type'];
  /** The field of whole numbers that is added up; without it each event counts as one. */
  readonly value?: string;
}

/** The distribution of a duration, or of another number, that events of one type carry. */
export interface HistogramMetric {
  readonly type: 'histogram';
  readonly name: string;
  readonly help: string;
  /** Of a duration; a plain number has none. */
  readonly unit?: 'seconds';
  readonly labels: readonly string[];
  readonly event: Event['type'];
  /** The field of the decoded event that is observed: a duration in whole microseconds, or a whole number. */
  readonly value: string;
  /** Upper bounds in seconds, or in units of the number, ascending; `+Inf` is implied. */
  readonly buckets: readonly number[];
}

/** A value that is projected from the coordinators' registers when it is asked for. */
export interface GaugeMetric {
  readonly type: 'gauge';
  readonly name: string;
  readonly help: string;
  readonly unit?: 'seconds';
  readonly labels: readonly string[];
  /** Which projection gives the value (see `coordinator-gauges.ts`). */
  readonly projection: 'coordinators_alive' | 'open_waits' | 'oldest_open_wait';
}

export type Metric = CounterMetric | HistogramMetric | GaugeMetric;
export type Catalogue = readonly Metric[];

function counter<T extends Event['type']>(
  row: Omit<CounterMetric, 'type'> & { event: T; labels: readonly (keyof EventOf<T> & string)[] },
): CounterMetric {
  return { type: 'counter', ...row };
}

function histogram<T extends Event['type']>(
  row: Omit<HistogramMetric, 'type' | 'unit'> & {
    event: T;
    labels: readonly (keyof EventOf<T> & string)[];
    value: keyof EventOf<T> & `${string}_micros`;
  },
): HistogramMetric {
  return { type: 'histogram', unit: 'seconds', ...row };
}

/**
 * Every metric of the swarm that exists without a configuration file, in the order of exposition: the one table that
 * fold, exposition, docs, dashboards, alerts and tests read. The compiler checks that labels and values are fields of
 * the named event.
 */
export const CATALOGUE: Catalogue = [
  {
    type: 'gauge',
    name: 'blocking_coordinators_total',
    help: 'Coordinators alive now, by phase and by status: stale (in a heartbeat episode), else blocked (at least one open wait), else active.',
    labels: ['swarm_id', 'phase', 'status'],
    projection: 'coordinators_alive',
  },
  histogram({
    name: 'blocking_duration_seconds',
    help: 'How long coordinators were blocked by a wait, by how the wait ended.',
    labels: ['swarm_id', 'coordinator_id', 'status'],
    event: 'wait.finished',
    value: 'duration_micros',
    buckets: [1, 5, 10, 30, 60, 120, 300, 600, 1800],
  }),
  histogram({
    name: 'signal_delivery_latency_seconds',
    help: 'Time from sending a signal to recording its ACK.',
    labels: ['sender_id', 'receiver_id', 'signal_type'],
    event: 'signal.acked',
    value: 'latency_micros',
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10],
  }),
  counter({
    name: 'heartbeat_failures_total',
    help: 'Heartbeat episodes of coordinators, by type of failure; each episode is counted once.',
    labels: ['coordinator_id', 'failure_type'],
    event: 'heartbeat.stale',
  }),
  counter({
    name: 'timeout_events_total',
    help: 'Timeouts of coordinators, by what timed out.',
    labels: ['coordinator_id', 'timeout_type'],
    event: 'timeout',
  }),
  counter({
    name: 'signals_sent_total',
    help: 'Signals sent, counted once per receiver.',
    labels: ['swarm_id', 'signal_type'],
    event: 'signal.sent',
  }),
  {
    type: 'gauge',
    name: 'blocking_waits',
    help: 'Open waits, in swarms with a living coordinator.',
    labels: ['swarm_id'],
    projection: 'open_waits',
  },
  {
    type: 'gauge',
    name: 'blocking_oldest_wait_seconds',
    help: 'Age of the oldest open wait on the clock of Redis; 0 if no wait is open.',
    unit: 'seconds',
    labels: ['swarm_id'],
    projection: 'oldest_open_wait',
  },
  counter({
    name: 'signals_rejected_total',
    help: 'Signals and ACKs rejected because of their signature.',
    labels: ['swarm_id', 'part', 'reason'],
    event: 'signal.rejected',
  }),
  counter({
    name: 'coordinators_cleaned_up_total',
    help: 'Coordinators whose keys were removed after their end.',
    labels: ['swarm_id'],
    event: 'cleanup.removed',
  }),
  counter({
    name: 'cleanup_refusals_total',
    help: 'Coordinators that a cleanup did not remove because their records are malformed.',
    labels: ['swarm_id', 'reason'],
    event: 'cleanup.refused',
  }),
];
