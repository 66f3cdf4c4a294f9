import { test } from '../harness/ava.ts';
import { CATALOGUE, createDefinitions, describeDepartures } from '@streamfold/core';

test('labels and buckets that the delivered alerts and dashboards use, and that new definitions lack, are named', (t) => {
  const created = createDefinitions({
    metrics: {
      signals_sent_total: { labels: { drop: ['swarm_id'] } },
      signal_delivery_latency_seconds: { buckets: [0.1, 1, 10] },
    },
  });
  if (created.outcome !== 'created') return t.fail(created.problems.join());
  t.deepEqual(describeDepartures(created.definitions.catalogue), [
    'signal_delivery_latency_seconds lacks the buckets 0.01, 0.05, 0.5, 2, 5',
    'signals_sent_total lacks the labels swarm_id',
  ]);
  t.deepEqual(describeDepartures(CATALOGUE), []);
});
