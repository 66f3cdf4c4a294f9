import { fileURLToPath } from 'node:url';
import { test } from '../harness/ava.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { runPromtool } from '../harness/run-promtool.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

test('promtool accepts the configuration, and the rules that it names', async (t) => {
  const file = fileURLToPath(import.meta.resolve('../../../infra/prometheus/prometheus.yml'));
  const { code, lines } = await runPromtool(['check', 'config', file]);
  t.is(code, 0, lines.join('\n'));
  t.regex(lines.join('\n'), /3 rule files found/);
});

test('promtool accepts the metrics of the swarms, except for the one name that the contract fixes, and those of the process', async (t) => {
  const adding = server.redis.pipeline();
  for (const event of generateEvents(500, { seed: 5, bad: true })) {
    adding.xadd('streamfold:{0}:events', '*', ...Object.entries(event).flat());
  }
  await adding.exec();
  const aggregator = await startAggregator({ redisUrl: server.url });
  t.teardown(() => aggregator.stop());
  const read = async (path: string): Promise<string> => (await fetch(`${aggregator.url}${path}`)).text();
  await waitUntil('all families to have values', async () =>
    (await read('/metrics')).includes('streamfold_entries_folded_total 500\n'),
  );

  const swarm = await read('/prometheus/metrics');
  t.regex(swarm, /^blocking_oldest_wait_seconds\{/m);
  t.deepEqual((await runPromtool(['check', 'metrics'], swarm)).lines, [
    'blocking_coordinators_total non-counter metrics should not have "_total" suffix',
  ]);
  t.deepEqual(await runPromtool(['check', 'metrics'], await read('/metrics')), { code: 0, lines: [] });
});
