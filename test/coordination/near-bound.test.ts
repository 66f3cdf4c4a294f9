import { test } from '../harness/ava.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { withSwarm } from '../harness/start-swarm.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

interface Reason {
  readonly reason: string;
  readonly detail?: string;
}

async function findReason(aggregator: TestAggregator): Promise<Reason | undefined> {
  const answer = await fetch(`${aggregator.url}/prometheus/health`);
  const { reasons } = (await answer.json()) as { readonly reasons: readonly Reason[] };
  return reasons.find(({ reason }) => reason === 'keys_near_bound');
}

async function readGauge(aggregator: TestAggregator): Promise<string | undefined> {
  const own = await (await fetch(`${aggregator.url}/metrics`)).text();
  return /^streamfold_keys_near_bound (\d+)$/m.exec(own)?.[1];
}

test('a nearly full inbox is a health reason and a gauge, until it is emptier', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    const inbox = swarm.key(`inbox:${swarm.swarmId}|ben`);
    const pipeline = server.redis.pipeline();
    for (let at = 0; at < 8_000; at++) pipeline.xadd(inbox, '*', 'signal_id', `${at}`);
    await pipeline.exec();
    await ada.sendSignal(['ben'], 'plan');
    const aggregator = await startAggregator({ redisUrl: server.url, prefix: swarm.prefix });
    t.teardown(aggregator.stop);
    t.regex((await readGauge(aggregator)) ?? '', /^[01]$/, 'the gauge exists from the start');
    await waitUntil('it is reported', async () => (await readGauge(aggregator)) === '1');
    const reason = await findReason(aggregator);
    t.true(reason?.detail?.startsWith(`inbox:${swarm.swarmId}|ben is 80 % full: `), reason?.detail);
    await server.redis.xtrim(inbox, 'MAXLEN', 10);
    await waitUntil('it is over', async () => (await readGauge(aggregator)) === '0');
    t.is(await findReason(aggregator), undefined);
  });
});
