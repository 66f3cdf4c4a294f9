import { test } from '../harness/ava.ts';
import { startPrivatePrometheus } from '@streamfold/private-servers';
import { stringify } from 'yaml';
import { appendFlat } from '../harness/append-events.ts';
import { queryValue } from '../harness/query-prometheus.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { startRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const COORDINATORS = 40;

const deaths = (jobName: string): string => `increase(timeout_events_total{job="${jobName}"}[1m])`;
const median = (jobName: string): string =>
  `histogram_quantile(0.5, sum by (le) (rate(blocking_duration_seconds_bucket{job="${jobName}"}[1m])))`;
const deathsSoFar = (jobName: string): string => `sum(timeout_events_total{job="${jobName}"})`;

test('a Prometheus that sees new series as 0 first counts the first event of each', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const aggregator = await startAggregator({ redisUrl: server.url });
  t.teardown(aggregator.stop);
  const target = { static_configs: [{ targets: [new URL(aggregator.url).host] }] };
  const job = { metrics_path: '/prometheus/metrics', ...target };
  const prometheus = await startPrivatePrometheus(
    stringify({
      global: { scrape_interval: '200ms', scrape_timeout: '200ms' },
      scrape_configs: [
        { job_name: 'plain', ...job },
        { job_name: 'zero-first', ...job, params: { zero_first_seconds: ['3'] } },
      ],
    }),
  );
  t.teardown(() => prometheus.stop());
  const ask = (query: string): Promise<number | undefined> => queryValue(prometheus.url, query);
  await waitUntil('both jobs to be scraped', async () => (await ask('count(up == 1)')) === 2);

  const ids = Array.from({ length: COORDINATORS }, (_, number) => `c${number}`);
  const swarm_id = 's1';
  await appendFlat(server.redis, { prefix: 'streamfold' }, [
    ...ids.map((coordinator_id) => ({
      type: 'timeout',
      swarm_id,
      coordinator_id,
      timeout_type: 'heartbeat',
    })),
    ...ids.map((coordinator_id) => ({
      type: 'wait.finished',
      swarm_id,
      coordinator_id,
      status: 'completed',
      duration_ms: '7000',
    })),
  ]);
  await waitUntil(
    'both jobs to show the real value of every series',
    async () =>
      (await ask(deathsSoFar('plain'))) === COORDINATORS &&
      (await ask(deathsSoFar('zero-first'))) === COORDINATORS,
  );
  await waitUntil(
    'an increase of each counter',
    async () => (await ask(`count(${deaths('zero-first')} > 0)`)) === COORDINATORS,
  );
  const quantile = await ask(median('zero-first'));
  t.true(quantile !== undefined && quantile > 5 && quantile <= 10, String(quantile));
  // The result without zeros: the tests above can fail.
  t.is(await ask(`count(${deaths('plain')} > 0)`), undefined);
  t.is(await ask(median('plain')), NaN);
});
