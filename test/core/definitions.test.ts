import { test } from '../harness/ava.ts';
import {
  CATALOGUE,
  createDefinitions,
  encodeCatalogue,
  encodeMeaning,
  readCatalogue,
  type Catalogue,
} from '@streamfold/core';
import { exposeEvents } from './expose-events.ts';

const BASE = { event: 'signal.acked', help: 'Of a test.' } as const;

function define(content: unknown): Catalogue {
  const created = createDefinitions(content);
  if (created.outcome === 'invalid') throw new Error(created.problems.join('\n'));
  return created.definitions.catalogue;
}

test('without a configuration the metrics are those of the catalogue', (t) => {
  t.deepEqual(define({}), CATALOGUE);
});

test('a written catalogue is read back unchanged, and means the same without help texts', (t) => {
  const catalogue = define({
    metrics: { signals_sent_total: { labels: { drop: ['swarm_id'] } } },
    custom: [
      { type: 'counter', name: 'acks_expected_total', event: 'wait.started', help: 'a', value: 'expected' },
      {
        type: 'histogram',
        name: 'acks_expected',
        event: 'wait.started',
        help: 'b',
        value: 'expected',
        buckets: [1, 2],
      },
    ],
  });
  t.deepEqual(readCatalogue(encodeCatalogue(catalogue)), {
    outcome: 'readable',
    catalogue,
    deltaForm: 'binary',
  });
  const retold = catalogue.map((metric) => ({ ...metric, help: 'in other words' }));
  t.is(encodeMeaning(retold), encodeMeaning(catalogue));
  t.not(encodeMeaning(CATALOGUE), encodeMeaning(catalogue));
});

test('definitions of a newer program are unreadable, and the first unknown part is named', (t) => {
  const stored = JSON.parse(encodeCatalogue(CATALOGUE)) as { metrics: Record<string, unknown>[] };
  const unreadable = (change: Record<string, unknown>, type: string): string => {
    const metrics = stored.metrics.map((metric) =>
      metric['type'] === type ? { ...metric, ...change } : metric,
    );
    const read = readCatalogue(JSON.stringify({ ...stored, metrics }));
    return read.outcome === 'unreadable' ? read.detail : 'readable';
  };
  t.regex(unreadable({ event: 'signal.lost' }, 'counter'), /^metric heartbeat_failures_total, event: /);
  t.is(
    unreadable({ labels: ['colour'] }, 'counter'),
    'metric heartbeat_failures_total: expected a field of heartbeat.stale; got colour',
  );
  t.regex(unreadable({ projection: 'moods' }, 'gauge'), /^metric blocking_coordinators_total, projection: /);
  t.regex(unreadable({ type: 'summary' }, 'histogram'), /^metric blocking_duration_seconds, type: /);
  t.regex(unreadableForm('packed'), /a known form of their deltas$/);
  t.is(readCatalogue('{').outcome, 'unreadable');
});

function unreadableForm(deltas: string): string {
  const stored = JSON.parse(encodeCatalogue(CATALOGUE)) as object;
  const read = readCatalogue(JSON.stringify({ ...stored, deltas }));
  return read.outcome === 'unreadable' ? read.detail : 'readable';
}

test('a catalogue stored by an earlier version is readable, and its deltas stay JSON', (t) => {
  const { metrics } = JSON.parse(encodeCatalogue(CATALOGUE)) as { metrics: unknown };
  t.deepEqual(readCatalogue(JSON.stringify(metrics)), {
    outcome: 'readable',
    catalogue: CATALOGUE,
    deltaForm: 'json',
  });
});

test('the buckets and labels of the configuration are the ones folded', (t) => {
  const catalogue = define({
    metrics: {
      signal_delivery_latency_seconds: { buckets: [0.25, 4], labels: { keep: ['signal_type'] } },
      signals_sent_total: { labels: { drop: ['swarm_id', 'signal_type'] } },
    },
  });
  const ack = { type: 'signal.acked', swarm_id: 's', sender_id: 'a', signal_type: 'x' };
  const sent = { type: 'signal.sent', swarm_id: 's', sender_id: 'a', receiver_id: 'b', signal_type: 'x' };
  const samples = exposeEvents(catalogue, [
    { ...ack, receiver_id: 'b', latency_ms: '200' },
    { ...ack, receiver_id: 'c', latency_ms: '3000' },
    sent,
    { ...sent, swarm_id: 'other' },
  ]);
  t.is(samples.get('signal_delivery_latency_seconds_bucket{signal_type="x",le="0.25"}'), '1');
  t.is(samples.get('signal_delivery_latency_seconds_bucket{signal_type="x",le="4"}'), '2');
  t.is(samples.get('signal_delivery_latency_seconds_sum{signal_type="x"}'), '3.2');
  t.is(samples.get('signals_sent_total'), '2');
});

test('a metric of your own counts events, adds up a field or observes one; a missing field is an empty label, or no value', (t) => {
  const catalogue = define({
    custom: [
      {
        type: 'counter',
        name: 'waits_started_total',
        event: 'wait.started',
        help: 'a',
        labels: ['swarm_id', 'phase'],
      },
      { type: 'counter', name: 'acks_expected_total', event: 'wait.started', help: 'b', value: 'expected' },
      {
        type: 'histogram',
        name: 'acks_expected',
        event: 'wait.started',
        help: 'c',
        value: 'expected',
        buckets: [2, 4],
      },
      {
        type: 'histogram',
        name: 'wait_patience_seconds',
        event: 'wait.started',
        help: 'd',
        labels: ['swarm_id'],
        value: 'timeout_ms',
        buckets: [1.5],
      },
    ],
  });
  const wait = { type: 'wait.started', swarm_id: 's', coordinator_id: 'c' };
  const samples = exposeEvents(catalogue, [
    { ...wait, wait_id: '1', phase: 'p', expected: '3', timeout_ms: '1500.5' },
    { ...wait, wait_id: '2', expected: '4' },
    { ...wait, wait_id: '3' },
  ]);
  t.is(samples.get('waits_started_total{swarm_id="s",phase="p"}'), '1');
  t.is(samples.get('waits_started_total{swarm_id="s",phase=""}'), '2');
  t.is(samples.get('acks_expected_total'), '7');
  t.is(samples.get('acks_expected_bucket{le="2"}'), '0');
  t.is(samples.get('acks_expected_bucket{le="4"}'), '2');
  t.is(samples.get('acks_expected_sum'), '7');
  t.is(samples.get('wait_patience_seconds_bucket{swarm_id="s",le="1.5"}'), '0');
  t.is(samples.get('wait_patience_seconds_count{swarm_id="s"}'), '1');
});

const custom = (row: Record<string, unknown>): unknown => ({ custom: [{ ...BASE, ...row }] });
const counter = (row: Record<string, unknown>): unknown =>
  custom({ type: 'counter', name: 'x_total', ...row });
const histogram = (row: Record<string, unknown>): unknown =>
  custom({ type: 'histogram', name: 'x_seconds', value: 'latency_ms', buckets: [1], ...row });

const INVALID: readonly [name: string, content: unknown, problem: string | RegExp][] = [
  ['no object', 'text', 'expected object; got "text"'],
  ['an unknown part', { metric: {} }, 'expected one of metrics, custom, cardinality; got "metric"'],
  [
    'an unknown metric',
    { metrics: { no_total: {} } },
    /^metrics: expected one of blocking_duration_seconds, .*; got "no_total"$/,
  ],
  [
    'a gauge, whose labels are those of its projection',
    { metrics: { blocking_waits: { labels: { drop: ['swarm_id'] } } } },
    /^metrics: expected one of (?!.*blocking_waits.*;).*; got "blocking_waits"$/,
  ],
  [
    'buckets of a counter',
    { metrics: { signals_sent_total: { buckets: [1] } } },
    'metrics.signals_sent_total: expected one of labels; got "buckets"',
  ],
  [
    'a label that is not there',
    { metrics: { signals_sent_total: { labels: { drop: ['colour'] } } } },
    /^metrics\.signals_sent_total\.labels.*: expected .*swarm_id.*; got /,
  ],
  [
    'buckets out of order',
    { metrics: { blocking_duration_seconds: { buckets: [2, 1] } } },
    'metrics.blocking_duration_seconds.buckets: expected bounds in ascending order, each once; got [2,1]',
  ],
  [
    'an unknown type',
    custom({ type: 'summary' }),
    'custom[0].type: expected type "counter" or "histogram"; got "summary"',
  ],
  [
    'an unknown event',
    counter({ event: 'no.such' }),
    /^custom\[0\]\.event: expected one of "coordinator\.started", .*; got "no\.such"$/,
  ],
  [
    'a name that is taken',
    counter({ name: 'signals_sent_total' }),
    'custom[0].name: expected a name that is not taken; got "signals_sent_total"',
  ],
  [
    'a counter without _total',
    counter({ name: 'xyz' }),
    'custom[0].name: expected a name that ends in _total; got "xyz"',
  ],
  [
    'a duration without _seconds',
    histogram({ name: 'xyz' }),
    'custom[0].name: expected a name that ends in _seconds; got "xyz"',
  ],
  [
    'a name of the program',
    counter({ name: 'streamfold_x_total' }),
    'custom[0].name: expected a name that does not begin with streamfold_; got "streamfold_x_total"',
  ],
  [
    'a label that is no field',
    counter({ labels: ['colour'] }),
    /^custom\[0\]\.labels\[0\]: expected a field of signal\.acked, one of swarm_id, .*; got "colour"$/,
  ],
  [
    'a label that is a duration',
    counter({ labels: ['latency_ms'] }),
    /^custom\[0\]\.labels\[0\]: expected .*; got "latency_ms"$/,
  ],
  [
    'a label twice',
    counter({ labels: ['swarm_id', 'swarm_id'] }),
    'custom[0].labels[1]: expected each label once; got "swarm_id" again',
  ],
  [
    'a sum of a text',
    counter({ value: 'sender_id' }),
    'custom[0].value: expected a field of signal.acked that holds whole numbers (it has none); got "sender_id"',
  ],
  [
    'a distribution of a text',
    histogram({ name: 'xyz', value: 'sender_id' }),
    'custom[0].value: expected a field of signal.acked that holds durations or whole numbers (one of latency_ms); got "sender_id"',
  ],
  ['a limit below 0', { cardinality: { limit: -1 } }, 'cardinality.limit: expected 0 or more; got -1'],
];

for (const [name, content, problem] of INVALID) {
  test(`refused with the place, what was expected and what arrived: ${name}`, (t) => {
    const created = createDefinitions(content);
    const problems = created.outcome === 'invalid' ? created.problems : [];
    if (typeof problem === 'string') t.deepEqual(problems, [problem]);
    else {
      t.is(problems.length, 1);
      t.regex(problems[0] ?? '', problem);
    }
  });
}
