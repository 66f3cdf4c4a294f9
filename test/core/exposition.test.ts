import {
  CATALOGUE,
  createSeriesRenderer,
  emptyDelta,
  type ExpositionFormat,
  type Metric,
} from '@streamfold/core';
import * as fc from 'fast-check';
import { test } from '../harness/ava.ts';
import type { WireEvent } from '../harness/generate-events.ts';
import { decodeAll } from './decode-all.ts';
import { exposeState } from './expose-state.ts';
import { foldEntries } from './fold-published.ts';
import { readGolden } from './golden-file.ts';

const life = { swarm_id: 'swarm-1', coordinator_id: 'lead.1' };
const signal = {
  swarm_id: 'swarm-1',
  sender_id: 'lead.1',
  receiver_id: 'host:1/a@b',
  signal_type: 'completion',
};
const YEAR_MS = '31536000000';

/** A value of every metric: every status, every kind, durations on the bounds of buckets and beyond them. */
const EVENTS: readonly WireEvent[] = [
  { type: 'coordinator.started', ...life, phase: 'planning' },
  { type: 'wait.started', ...life, wait_id: 'w1' },
  { type: 'wait.started', ...life, wait_id: 'w2' },
  { type: 'coordinator.started', ...life, coordinator_id: 'lead.2' },
  { type: 'heartbeat.stale', ...life, coordinator_id: 'lead.3' },
  { type: 'heartbeat.stale', ...life, coordinator_id: 'lead.3', failure_type: 'missing' },
  { type: 'coordinator.started', swarm_id: 'swarm-2', coordinator_id: 'x', phase: 'reviewing' },
  { type: 'coordinator.started', swarm_id: 'swarm-3', coordinator_id: 'gone' },
  { type: 'coordinator.stopped', swarm_id: 'swarm-3', coordinator_id: 'gone' },
  { type: 'wait.finished', ...life, wait_id: 'w2', status: 'completed', duration_ms: '1000' },
  { type: 'wait.finished', ...life, wait_id: 'w9', status: 'completed', duration_ms: '1000.001' },
  { type: 'wait.finished', ...life, wait_id: 'w9', status: 'timeout', duration_ms: '1800000.001' },
  { type: 'wait.finished', ...life, wait_id: 'w9', status: 'error', duration_ms: '0' },
  ...['10', '10.001', '0.0005', '499.9999', '10000', '10000.0004', '10000.0005', '12.5'].map(
    (latency_ms) => ({ type: 'signal.acked', ...signal, latency_ms }),
  ),
  { type: 'signal.sent', ...signal },
  { type: 'signal.sent', ...signal },
  { type: 'signal.sent', ...signal, signal_type: 'handoff' },
  { type: 'timeout', ...life, timeout_type: 'blocking' },
  { type: 'timeout', ...life, timeout_type: 'signal_ack' },
  { type: 'timeout', ...life, coordinator_id: 'lead.4', timeout_type: 'heartbeat' },
  { type: 'signal.rejected', ...signal, part: 'ack', reason: 'bad_signature' },
  { type: 'cleanup.removed', swarm_id: 'swarm-3', removed_id: 'gone' },
  { type: 'cleanup.refused', swarm_id: 'swarm-3', refused_id: 'gone', reason: 'in_seconds' },
];

const ENTRIES = EVENTS.map((event, at) => ({ id: `${1_700_000_000_000 + at}-0`, events: [event] }));
const NOW_MS = 1_700_000_012_501;

for (const format of ['text', 'openmetrics'] as const) {
  test(`the ${format} exposition of a state with every metric equals the golden file`, (t) => {
    const exposition = exposeState(foldEntries(ENTRIES), format, NOW_MS);
    t.is(exposition, readGolden(`exposition-${format}.txt`, exposition));
    for (const { name } of CATALOGUE) t.regex(exposition, new RegExp(`^${name}(_bucket)?\\{`, 'm'));
  });

  test(`HELP and TYPE of every family are in the ${format} exposition without any series`, (t) => {
    const exposition = exposeState(emptyDelta(), format);
    t.is(exposition, readGolden(`exposition-empty-${format}.txt`, exposition));
    for (const { name, type } of CATALOGUE) {
      const family = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name;
      t.regex(exposition, new RegExp(`^# HELP ${family} .+$`, 'm'));
      t.regex(exposition, new RegExp(`^# TYPE ${family} ${type}$`, 'm'));
    }
  });
}

test('sums are exact decimals, however large', (t) => {
  const entries = Array.from({ length: 400 }, (_, at) => ({
    id: `1-${at}`,
    events: [{ type: 'signal.acked', ...signal, latency_ms: at === 0 ? '0.001' : YEAR_MS }],
  }));
  const [sum] = exposeState(foldEntries(entries))
    .split('\n')
    .filter((line) => line.includes('latency_seconds_sum'));
  t.is(
    sum?.split(' ').at(-1),
    '12582864000.000001',
    '399 years and a microsecond: more than 2^53 microseconds',
  );
});

/** The renderer of a metric in the catalogue. */
function renderLabel(value: string, format: ExpositionFormat): string {
  const metric: Metric = { type: 'gauge', name: 'm', help: '', labels: ['l'], projection: 'open_waits' };
  return createSeriesRenderer(metric, format)(value, 1);
}

test('quotes, backslashes and newlines in a label value are escaped', (t) => {
  for (const format of ['text', 'openmetrics'] as const) {
    t.is(renderLabel('a"b\\c\nd', format), 'm{l="a\\"b\\\\c\\nd"} 1\n');
    t.is(renderLabel('\\n', format), 'm{l="\\\\n"} 1\n');
    t.is(renderLabel('"} 1\nevil{l="', format), 'm{l="\\"} 1\\nevil{l=\\""} 1\n');
  }
});

test('no label value can break out of its quotes or its line', (t) => {
  const text = fc
    .array(fc.constantFrom('"', '\\', '\n', 'n', 'a', '}', '{', ' ', ',', 'é'))
    .map((each) => each.join(''));
  fc.assert(
    fc.property(text, (value) => {
      const line = renderLabel(value, 'text');
      const quoted = /^m\{l="((?:[^"\\\n]|\\["\\n])*)"\} 1\n$/.exec(line)?.[1];
      t.is(
        quoted?.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
        value,
      );
    }),
    { numRuns: 2_000, seed: 81 },
  );
});

test('a quote, backslash, newline or separator never gets into a label: the event becomes a dead letter', (t) => {
  const labels = ['swarm_id', 'sender_id', 'receiver_id', 'signal_type'] as const;
  for (const label of labels) {
    for (const character of ['"', '\\', '\n', '\r', '|', '{', '}', ',', '=', '\u0000', '\u2028', 'é']) {
      const fields = { type: 'signal.sent', ...signal, [label]: `a${character}b` };
      const outcomes = [
        ...decodeAll(Object.entries(fields).flat()),
        ...decodeAll(['events', JSON.stringify([fields])]),
      ];
      for (const outcome of outcomes)
        t.is(outcome.event === undefined ? outcome.reason : 'ok', 'invalid_field');
    }
  }
});
