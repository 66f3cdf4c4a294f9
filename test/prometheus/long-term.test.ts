import { test } from '../harness/ava.ts';
import { startPrivatePrometheus, startPrivateVictoriaMetrics } from '@streamfold/private-servers';
import { appendFlat } from '../harness/append-events.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { adaptPrometheusConfig } from '../harness/prometheus-config.ts';
import { queryPrometheus, queryValue } from '../harness/query-prometheus.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

test('VictoriaMetrics gets every sample that Prometheus scrapes, and answers queries the same', async (t) => {
  const events = [...generateEvents(500, { seed: 23 })];
  await appendFlat(server.redis, { prefix: 'streamfold' }, events);
  const aggregator = await startAggregator({ redisUrl: server.url });
  t.teardown(() => aggregator.stop());
  const storage = await startPrivateVictoriaMetrics();
  t.teardown(() => storage.stop());
  const target = new URL(aggregator.url).host;
  const prometheus = await startPrivatePrometheus(
    await adaptPrometheusConfig(['prometheus.yml', 'remote-write.yml'], {
      targets: { 'blocking-coordination': [target], streamfold: [target] },
      intervalMs: 500,
      remoteWriteUrl: `${storage.url}/api/v1/write`,
    }),
  );
  t.teardown(() => prometheus.stop());

  const sent = events.filter(({ type }) => type === 'signal.sent').length;
  t.true(sent > 0);
  await waitUntil(
    'all signals to be in VictoriaMetrics',
    async () => (await queryValue(storage.url, 'sum(signals_sent_total)')) === sent,
  );
  const labels = 'monitor, environment, job';
  const [series] = await queryPrometheus(storage.url, `sum by (${labels}) (signals_sent_total)`);
  t.deepEqual(series?.metric, {
    monitor: 'blocking-coordination',
    environment: 'production',
    job: 'blocking-coordination',
  });
  // The queries of a dashboard return the same from both.
  const query = 'sum by (le) (blocking_duration_seconds_bucket)';
  const read = async (url: string): Promise<string> =>
    JSON.stringify(
      (await queryPrometheus(url, query)).map(({ metric, value }) => `${metric['le']} ${value}`).toSorted(),
    );
  await waitUntil('the same buckets', async () => (await read(storage.url)) === (await read(prometheus.url)));
  t.is((await queryPrometheus(storage.url, query)).length, 10);
});
