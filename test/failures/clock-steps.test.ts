import type { ExecutionContext } from '../harness/ava.ts';
import { joinSwarm } from '@streamfold/coordination';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix } from '../harness/start-redis.ts';
import { startSteppedRedis, testWithClock } from '../harness/stepped-redis.ts';
import { readPublished } from '../harness/read-published.ts';
import { checkVerified } from '../harness/check-verified.ts';
import { waitUntil } from '../harness/wait-until.ts';

const HOUR_MS = 3_600_000;

/** Two aggregators and two coordinators, on a Redis whose clock can be stepped. */
async function setUp(t: ExecutionContext) {
  const server = await startSteppedRedis();
  t.teardown(() => server.stop());
  const installation = { redis: server.redis, prefix: nextPrefix() };
  const { prefix } = installation;
  const aggregators = await Promise.all([1, 2].map(() => startAggregator({ redisUrl: server.url, prefix })));
  for (const aggregator of aggregators) t.teardown(() => aggregator.stop());
  const urls = aggregators.map(({ url }) => url);
  const join = async (coordinatorId: string) => {
    const coordinator = await joinSwarm({ url: server.url, prefix, swarmId: 's', coordinatorId });
    t.teardown(() => coordinator.disconnect());
    await coordinator.startHeartbeat({ intervalMs: 50 }).beating;
    return coordinator;
  };
  const [ada, ben] = await Promise.all([join('ada'), join('ben')]);
  return {
    server,
    prefix,
    /** A signal from one coordinator to the other, and its ACK. */
    async work() {
      const sent = await ada.sendSignal(['ben'], 'plan');
      const waiting = ada.waitForAcks(sent, { timeoutMs: 20_000 });
      for await (const signal of ben.receiveSignals()) {
        if (signal.id === sent.id) t.is((await ben.acknowledgeSignal(signal)).status, 'recorded');
        break;
      }
      t.is((await waiting).status, 'completed');
    },
    /** Every replica shows the fold of the stream, and verify agrees. */
    check: (hint: string) => checkVerified(t, { ...installation, urls }, hint),
  };
}

testWithClock(
  'if the clock of Redis is an hour ahead for a while, living coordinators are not declared dead, and every event is folded once',
  async (t) => {
    const { server, work, check } = await setUp(t);
    await work();
    await check('before');
    server.shiftClock(HOUR_MS);
    await work();
    await check('an hour ahead');
    server.shiftClock(0);
    await work();
    const events = await check('right again');
    const types = events.map(({ type }) => type);
    t.is(types.filter((type) => type === 'signal.acked').length, 3);
    t.deepEqual(
      events.filter(({ type }) => type === 'timeout'),
      [],
    );
  },
);

testWithClock(
  'a coordinator that joins and dies while the clock of Redis is an hour ahead is declared dead in its usual time after the clock was set right',
  async (t) => {
    const server = await startSteppedRedis();
    t.teardown(() => server.stop());
    const prefix = nextPrefix();
    const aggregator = await startAggregator({ redisUrl: server.url, prefix });
    t.teardown(() => aggregator.stop());
    const monitored = (): Promise<boolean> =>
      server.redis
        .hget(`${prefix}:{0}:monitor`, 'stepped_ms')
        .then((ms) => Number(ms) > Date.now() + HOUR_MS / 2);
    server.shiftClock(HOUR_MS);
    await waitUntil('a monitor steps an hour ahead', monitored);
    const timing = { staleAfterMs: 500, deadAfterMs: 1_000 };
    const cyd = await joinSwarm({ url: server.url, prefix, swarmId: 's', coordinatorId: 'cyd', ...timing });
    cyd.disconnect();
    server.shiftClock(0);
    await waitUntil('it is given up', async () => {
      const events = await readPublished(server.redis, { prefix });
      return events.some(({ type, coordinator_id: id }) => type === 'timeout' && id === 'cyd');
    });
    t.true(aggregator.facts.some(({ type }) => type === 'clock_stepped_back'));
  },
);
