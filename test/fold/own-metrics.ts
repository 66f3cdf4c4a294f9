import { CATALOGUE, type Catalogue, type Metric } from '@streamfold/core';

/** Metrics of a user's own: numbers as labels and values, labels that may be left out, none at all. */
const OWN: readonly Metric[] = [
  { type: 'counter', name: 'expected_total', help: '', labels: ['swarm_id', 'phase'], event: 'wait.started', value: 'expected' }, // prettier-ignore
  { type: 'histogram', name: 'expected', help: '', labels: ['expected'], event: 'wait.started', value: 'expected', buckets: [1, 2, 5] }, // prettier-ignore
  { type: 'histogram', name: 'timeout_seconds', help: '', unit: 'seconds', labels: [], event: 'wait.started', value: 'timeout_micros', buckets: [0.001, 1] }, // prettier-ignore
  { type: 'counter', name: 'acked_total', help: '', labels: ['signal_id', 'id'], event: 'signal.acked' },
  { type: 'counter', name: 'finished_total', help: '', labels: ['status', 'coordinator_id', 'wait_id'], event: 'wait.finished' }, // prettier-ignore
  { type: 'counter', name: 'stopped_total', help: '', labels: ['reason'], event: 'coordinator.stopped' },
  { type: 'counter', name: 'started_total', help: '', labels: ['phase'], event: 'coordinator.started' },
];

/** The catalogue without some of its labels, and these. */
export const OWN_METRICS: Catalogue = [
  ...CATALOGUE.map((metric) => ({
    ...metric,
    labels: metric.labels.filter((label) => label !== 'sender_id'),
  })),
  ...OWN,
];
