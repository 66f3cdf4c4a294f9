import { test } from '../harness/ava.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { readStatus } from '@streamfold/aggregator';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

interface Installation {
  readonly prefix: string;
  readonly stream: string;
  readonly publish: (entries: number) => Promise<void>;
  readonly start: () => Promise<TestAggregator>;
}

function install(): Installation {
  const prefix = nextPrefix();
  const stream = `${prefix}:{0}:events`;
  return {
    prefix,
    stream,
    async publish(entries) {
      const pipeline = server.redis.pipeline();
      for (let n = 0; n < entries; n++) {
        pipeline.xadd(
          stream,
          '*',
          'type',
          'coordinator.started',
          'swarm_id',
          's1',
          'coordinator_id',
          `c${n}`,
        );
      }
      await pipeline.exec();
    },
    start: () => startAggregator({ redisUrl: server.url, prefix }),
  };
}

function countLost({ facts }: TestAggregator): number {
  return facts.reduce((sum, fact) => sum + (fact.type === 'entries_lost' ? fact.entries : 0), 0);
}

function countFolded({ facts }: TestAggregator): number {
  return facts.reduce((sum, fact) => sum + (fact.type === 'batch_committed' ? fact.entries : 0), 0);
}

test('entries trimmed while no aggregator ran are counted as lost, once', async (t) => {
  const { publish, start, stream } = install();
  await publish(10);
  const first = await start();
  await waitUntil('the first entries to be folded', () => countFolded(first) === 10);
  await first.stop();
  await publish(100);
  await server.redis.xtrim(stream, 'MAXLEN', '=', 20);

  const [second, third] = [await start(), await start()];
  await waitUntil('the rest to be folded', () => countFolded(second) + countFolded(third) === 20);
  await waitUntil('the loss to be counted', () => countLost(second) + countLost(third) >= 80);
  await Promise.all([second.stop(), third.stop()]);

  const fourth = await start();
  await publish(5);
  await waitUntil('new entries to be folded', () => countFolded(fourth) === 5);
  await fourth.stop();
  t.is(countLost(second) + countLost(third) + countLost(fourth), 80);
});

test('entries trimmed before the first aggregator started do not count as lost', async (t) => {
  const { publish, start, stream } = install();
  await publish(50);
  await server.redis.xtrim(stream, 'MAXLEN', '=', 30);
  const aggregator = await start();
  t.teardown(aggregator.stop);
  await waitUntil('the remaining entries to be folded', () => countFolded(aggregator) === 30);
  t.is(countLost(aggregator), 0);
});

test('a loss that cannot be recorded yet is counted once it can be', async (t) => {
  const { prefix, publish, start, stream } = install();
  await publish(10);
  const first = await start();
  await waitUntil('the first entries to be folded', () => countFolded(first) === 10);
  await first.stop();
  await publish(100);
  await server.redis.xtrim(stream, 'MAXLEN', '=', 20);

  await server.redis.acl('SETUSER', 'limited', 'on', '>secret', '~*', '+@all', '-xadd');
  const redisUrl = server.url.replace('redis://', 'redis://limited:secret@');
  const limited = await startAggregator({ redisUrl, prefix, role: 'serve' });
  await waitUntil('counting to be refused', () =>
    limited.facts.some((fact) => fact.type === 'failed' && fact.step === 'upkeep'),
  );
  await limited.stop();

  const next = await start();
  await waitUntil('the rest to be folded', () => countFolded(next) === 20);
  await waitUntil('the loss to be counted', () => countLost(next) >= 80);
  await next.stop();
  t.is(countLost(next), 80);
});

test('trimming folded entries loses nothing', async (t) => {
  const { publish, start, stream } = install();
  const aggregator = await start();
  await publish(50);
  await waitUntil('all to be folded', () => countFolded(aggregator) === 50);
  await server.redis.xtrim(stream, 'MAXLEN', '=', 0);
  const next = await start();
  await publish(3);
  await waitUntil('new entries to be folded', () => countFolded(aggregator) + countFolded(next) === 53);
  await Promise.all([aggregator.stop(), next.stop()]);
  t.is(countLost(aggregator) + countLost(next), 0);
});

test('the lag is right after unread entries were trimmed', async (t) => {
  const { prefix, publish, start, stream } = install();
  const opening = await start();
  await publish(3);
  await waitUntil('the group to have folded', () => countFolded(opening) === 3);
  await opening.stop();
  await publish(30);
  await server.redis.xtrim(stream, 'MAXLEN', '=', 5);
  const aggregator = await start();
  await waitUntil('the rest to be folded', () => countFolded(aggregator) === 5);
  await waitUntil('the loss to be counted', () => countLost(aggregator) === 25);
  await aggregator.stop();
  await publish(10);
  t.is((await readStatus(server.redis, { prefix, shard: 0 })).generation?.lag.lagEntries, 10);
});
