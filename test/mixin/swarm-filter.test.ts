import { test } from '../harness/ava.ts';
import { startPrivatePrometheus } from '@streamfold/private-servers';
import { appendFlat } from '../harness/append-events.ts';
import { adaptPrometheusConfig } from '../harness/prometheus-config.ts';
import { queryPrometheus } from '../harness/query-prometheus.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { interpolateQuery, type Choice } from './interpolate-query.ts';
import { DASHBOARDS } from './read-dashboards.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const DURATIONS = { rateInterval: '30s', range: '30s' };

/** A coordinator that finishes a wait, fails a heartbeat, and ACKs a signal of its own. */
function* liveIn(swarm: string, coordinator: string): Generator<Record<string, string>> {
  const [swarm_id, coordinator_id] = [swarm, coordinator];
  yield { type: 'wait.finished', swarm_id, coordinator_id, status: 'completed', duration_ms: '10' };
  yield* failIn(swarm, coordinator);
}

function* failIn(swarm_id: string, coordinator_id: string): Generator<Record<string, string>> {
  yield { type: 'heartbeat.stale', swarm_id, coordinator_id };
  yield { type: 'timeout', swarm_id, coordinator_id, timeout_type: 'signal_ack' };
  yield {
    type: 'signal.acked',
    swarm_id,
    sender_id: coordinator_id,
    receiver_id: coordinator_id,
    signal_type: 'handoff',
    latency_ms: '5',
  };
}

const EVENTS = [
  ...liveIn('s.a', 'only-in-a'),
  ...liveIn('s.b', 'only-in-b'),
  ...liveIn('s.a', 'in/both'),
  ...liveIn('s.b', 'in/both'),
  // Died before it finished its first wait: nothing shows its swarm.
  ...failIn('s.b', 'unknown'),
];

test('choosing a swarm hides coordinators of other swarms, even in panels of metrics without a swarm label, but never a coordinator without a known wait', async (t) => {
  const aggregator = await startAggregator({ redisUrl: server.url });
  t.teardown(() => aggregator.stop());
  await appendFlat(server.redis, { prefix: 'streamfold' }, EVENTS);
  const prometheus = await startPrivatePrometheus(
    await adaptPrometheusConfig(['prometheus.yml'], {
      targets: { 'blocking-coordination': [new URL(aggregator.url).host] },
      intervalMs: 1_000,
    }),
  );
  t.teardown(() => prometheus.stop());

  /** The coordinators that a panel shows, from its query grouped by coordinator. */
  const shown = async (title: string, query: string, choice: Choice): Promise<string[]> => {
    const dashboard = DASHBOARDS.get('blocking-coordination');
    const panel = dashboard?.panels.find((each) => each.title === title);
    const target = panel?.targets.find(({ legendFormat }) => legendFormat === query);
    if (dashboard === undefined || target === undefined) throw new Error(`expected ${title}, ${query}`);
    const label = target.expr.includes('receiver_id') ? 'receiver_id' : 'coordinator_id';
    const apart = interpolateQuery(target.expr, dashboard, { durations: DURATIONS, choice })
      .replace(/^histogram_quantile\([\d.]+, ([\s\S]*)\)$/, '$1')
      .replace(/^(?:60 \* )?sum( by \([^)]*\))?/, `sum by (${label})`);
    const samples = await queryPrometheus(prometheus.url, apart);
    return samples.map(({ metric }) => metric[label] ?? '').toSorted();
  };

  /** Waits for it: while a scrape has failed, as on a busy machine, nothing is known of the swarms. */
  const expectShown = async (
    [title, query]: readonly [string, string],
    choice: Choice,
    expected: readonly string[],
  ): Promise<void> => {
    let latest: string[] = [];
    await waitUntil(`${title} to show ${expected.join(', ')}`, async () => {
      latest = await shown(title, query, choice);
      return latest.join() === expected.join();
    }).catch(() => undefined);
    t.deepEqual(latest, expected, title);
  };

  const everybody = ['in/both', 'only-in-a', 'only-in-b', 'unknown'];
  for (const panel of [
    ['Heartbeat Failures Rate', '{{failure_type}}'],
    ['Timeout Events Rate', '{{timeout_type}}'],
    ['Signal Delivery Latency P50/P95/P99', 'P95'],
    ['Signals Sent vs ACKed', 'ACKed'],
    ['Signals Sent vs ACKed', 'ACK timed out'],
  ] as const) {
    await expectShown(panel, {}, everybody);
    await expectShown(panel, { swarm_id: ['s.a', 's.b'] }, everybody);
    await expectShown(panel, { swarm_id: ['s.a'] }, ['in/both', 'only-in-a', 'unknown']);
    await expectShown(panel, { swarm_id: ['s.b'] }, ['in/both', 'only-in-b', 'unknown']);
    if (panel[0] === 'Signals Sent vs ACKed') continue; // of all coordinators
    await expectShown(panel, { coordinator_id: ['only-in-b', 'in/both'] }, ['in/both', 'only-in-b']);
    await expectShown(panel, { swarm_id: ['s.a'], coordinator_id: ['in/both'] }, ['in/both']);
  }
});
