import { test } from '../harness/ava.ts';
import { createPublisher } from '@streamfold/publisher';
import { checkFoldedOnce, waitUntilAllFolded } from '../harness/check-folded-once.ts';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { createLoad } from '../harness/publish-load.ts';
import { amount } from '../harness/soaking.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { CUTS, EVENTS_PER_CUT } = amount({
  test: { CUTS: 8, EVENTS_PER_CUT: 300 },
  soak: { CUTS: 20, EVENTS_PER_CUT: 500 },
});

const server = await shareRedis();
test.after.always(() => server.stop());

/** Only a commit names the key of the dead letters after that of the head, and only a read of new entries says `>`. */
const COMMIT = /:head\r\n\$\d+\r\n\S+:dead\r\n/;
const CUT_KINDS = [
  ['whose commit was done, and its reply lost,', 'cutAfterReply', COMMIT],
  ['whose commit was lost before it reached Redis', 'cutBeforeSend', COMMIT],
  ['that were delivered in a reply that was lost', 'cutAfterReply', '\r\n>\r\n'],
] as const;

for (const [which, cutKind, needle] of CUT_KINDS) {
  test(`entries ${which} are folded once`, async (t) => {
    const prefix = nextPrefix();
    const proxy = await startFaultProxy(server.port);
    t.teardown(() => proxy.stop());
    // No other aggregator could claim its pending entries; it has to find out by itself.
    const aggregator = await startAggregator({ redisUrl: `redis://127.0.0.1:${proxy.port}`, prefix });
    t.teardown(() => aggregator.stop());
    const publisher = createPublisher({ url: server.url, prefix, maxBatchEvents: 20 });
    t.teardown(() => publisher.close());
    const load = createLoad({ publisher, url: server.url, prefix, seed: 4 });
    const installation = { redis: server.redis, prefix };
    await load.publish(EVENTS_PER_CUT);
    await publisher.flush();
    await waitUntilAllFolded(installation); // from now on Redis has the scripts

    const countTold = (type: 'failed' | 'recovered'): number =>
      aggregator.facts.filter((fact) => fact.type === type && fact.step === 'fold').length;
    for (let cut = 0; cut < CUTS; cut++) {
      const before = countTold('recovered');
      await Promise.all([proxy[cutKind](needle), load.publish(EVENTS_PER_CUT)]);
      await waitUntil('it has recovered', () => countTold('recovered') > before);
    }
    await load.finish();

    await checkFoldedOnce(t, { ...installation, load, urls: [aggregator.url] });
    t.true(countTold('failed') >= CUTS, 'each cut failed at least one consumer: they share a connection');
    t.false(aggregator.facts.some(({ type }) => type === 'entries_claimed'));
  });
}
