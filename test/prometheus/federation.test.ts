import { test } from '../harness/ava.ts';
import { ruleFiles } from '@streamfold/mixin';
import { startPrivatePrometheus } from '@streamfold/private-servers';
import { appendFlat } from '../harness/append-events.ts';
import { adaptPrometheusConfig, readDelivered } from '../harness/prometheus-config.ts';
import { queryPrometheus, queryValue } from '../harness/query-prometheus.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const INTERVAL_MS = 500;
const server = await shareRedis();
test.after.always(() => server.stop());

/** `deaths` of coordinators in each region, which has its own stream, aggregator and Prometheus. */
const REGIONS = [
  { region: 'eu', deaths: 3 },
  { region: 'us', deaths: 5 },
] as const;

test('a global Prometheus has exactly the recorded series of each region, by region, and alerts when a region is silent', async (t) => {
  const regions = await Promise.all(
    REGIONS.map(async ({ region, deaths }) => {
      const aggregator = await startAggregator({ redisUrl: server.url, prefix: region });
      t.teardown(() => aggregator.stop());
      const died = Array.from({ length: deaths }, (_, number) => ({
        type: 'timeout',
        swarm_id: region,
        coordinator_id: `c${number}`,
        timeout_type: 'heartbeat',
      }));
      await appendFlat(server.redis, { prefix: region }, died);
      const target = new URL(aggregator.url).host;
      const prometheus = await startPrivatePrometheus(
        await adaptPrometheusConfig(['prometheus.yml'], {
          targets: { 'blocking-coordination': [target], streamfold: [target] },
          intervalMs: INTERVAL_MS,
          // One region labels itself, the other one gets its label from the global Prometheus.
          ...(region === 'eu' ? { externalLabels: { region: 'eu' } } : {}),
        }),
        { files: ruleFiles({ timeScale: 1 / 30 }) },
      );
      t.teardown(() => prometheus.stop());
      return prometheus;
    }),
  );
  const rules = (await readDelivered('federation-rules.yml')).replace('for: 5m', 'for: 1s');
  const federation = await startPrivatePrometheus(
    await adaptPrometheusConfig(['federation.yml'], {
      targets: { federation: regions.map(({ url }) => new URL(url).host) },
      intervalMs: INTERVAL_MS,
    }),
    { files: new Map([['alerts/federation-rules.yml', rules]]) },
  );
  t.teardown(() => federation.stop());

  const total = 'sum by (region) (timeout_type:timeout_events_total:sum{timeout_type="heartbeat"})';
  const read = async (query: string): Promise<Readonly<Record<string, number>>> => {
    const samples = await queryPrometheus(federation.url, query);
    return Object.fromEntries(
      samples.map(({ metric, value }): [string, number] => [metric['region'] ?? '', value]),
    );
  };
  await waitUntil('the deaths of both regions', async () => {
    const { eu, us } = await read(total);
    return eu === 3 && us === 5;
  });
  t.is(await queryValue(federation.url, 'sum(timeout_type:timeout_events_total:sum)'), 8);
  // `up` of the targets of the regions, by the job names that the regions use.
  await waitUntil('the targets of both regions', async () => {
    const { eu, us } = await read('sum by (region) (up{job="streamfold"})');
    return eu === 1 && us === 1;
  });
  const names = (await queryPrometheus(federation.url, 'count by (__name__) ({__name__=~".+"})')).map(
    ({ metric }) => metric['__name__'] ?? '',
  );
  t.true(names.length > 10);
  t.deepEqual(
    names.filter((name) => !name.includes(':') && !/^(up|ALERTS|scrape_\w+)$/.test(name)),
    [],
  );

  await regions[1]?.stop();
  const silent = 'ALERTS{alertname="StreamfoldRegionDown",alertstate="firing"}';
  await waitUntil('the alert on the silent region to fire', async () => (await read(silent))['us'] === 1);
  t.deepEqual(await read(silent), { us: 1 });
});

test('the recording rules of all regions read only series that a region records', async (t) => {
  const recorded = [...ruleFiles().values()].join('\n');
  const global = await readDelivered('federation-rules.yml');
  const read = [...global.matchAll(/(?<=\()[a-z_]+:\w+:\w+/g)].map(([name]) => name);
  t.true(read.length > 8);
  t.deepEqual(
    read.filter((name) => !recorded.includes(`record: ${name}\n`)),
    [],
  );
});
