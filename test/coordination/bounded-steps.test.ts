import { test } from '../harness/ava.ts';
import { shareRedis, type TestRedis } from '../harness/start-redis.ts';
import { withSwarm, type TestSwarm } from '../harness/start-swarm.ts';

const server = await shareRedis();
test.after.always(() => server.stop());
const { redis } = server;

const LATE = { staleAfterMs: 3_600_000, deadAfterMs: 7_200_000 };

/** Opens waits as if they had been begun one by one, and returns the life of their coordinator. */
async function openWaits(swarm: TestSwarm, count: number): Promise<string> {
  const { swarmId, key } = swarm;
  const ada = await swarm.join('ada', LATE);
  const { id } = await ada.sendSignal(['ben'], 'plan');
  const pipeline = redis.pipeline();
  for (let at = 0; at < count; at++) {
    const wait = {
      coordinator_id: 'ada',
      signal_id: id,
      iteration: 0,
      receivers: '["ben"]',
      started_micros: 1,
    };
    pipeline.hset(key(`wait:${swarmId}|w${at}`), wait);
    pipeline.sadd(key(`waits:${swarmId}|ada`), `w${at}`);
  }
  await pipeline.exec();
  return ada.life;
}

/** The shortest duration of a call in Redis, us: other load on this machine can only lengthen it. */
async function measureMicros(call: () => Promise<unknown>, times: number): Promise<number> {
  let least = Infinity;
  for (let time = 0; time < times; time++) {
    await redis.config('RESETSTAT');
    await call();
    least = Math.min(least, await readFcallMicros(redis));
  }
  return least;
}

async function readFcallMicros(from: TestRedis['redis']): Promise<number> {
  return Number(/cmdstat_fcall:calls=1,usec=(\d+)/.exec(await from.info('commandstats'))?.[1]);
}

test.serial(
  'a coordinator with many open waits dies in one round of steps, each of which ends some of them',
  async (t) => {
    await withSwarm(server, async (swarm) => {
      const { swarmId, key } = swarm;
      await swarm.step();
      await openWaits(swarm, 1_000);
      await redis.zadd(key('heartbeats'), 1, `${swarmId}|ada`);
      await swarm.step();
      await redis.zadd(key('heartbeats'), 1, `${swarmId}|ada`);
      let [dead, open] = [0, 1_000];
      for (let more = true; more;) {
        const step = await swarm.step();
        const left = await redis.scard(key(`waits:${swarmId}|ada`));
        t.true(open - left <= 100);
        open = left;
        dead += step.dead;
        ({ more } = step);
      }
      t.deepEqual([dead, open], [1, 0]);
      t.is((await swarm.events('wait.finished')).length, 1_000);
    });
  },
);

test.serial('a coordinator with many open waits stops and restarts in bounded steps', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { swarmId, key } = swarm;
    const left = (): Promise<number> => redis.scard(key(`waits:${swarmId}|ada`));
    const life = await openWaits(swarm, 250);
    t.is(await swarm.call('stop-coordinator', swarmId, 'ada', life, 'failed'), 'again');
    t.is(await left(), 150);
    t.deepEqual(await swarm.call('start-coordinator', swarmId, 'ada', '', 0, 0), ['again']);
    t.is(await left(), 50);
    await swarm.join('ada');
    t.is(await left(), 0);
    t.is((await swarm.events('wait.finished')).length, 250);
  });
});

test.serial('a step of a takeover costs as much as it moves, however much is left', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { swarmId, key } = swarm;
    const ada = await swarm.join('ada');
    const measure = async (id: string, items: number): Promise<number> => {
      await (await swarm.join(id)).leave();
      const work = Array.from({ length: items }, (_, at) => [`${id}-${at}`, '{"payload":"text"}']).flat();
      await redis.hset(key(`work:${swarmId}|${id}`), ...work);
      return measureMicros(() => swarm.call('take-over', swarmId, 'ada', ada.life, id, 'ada', 20), 5);
    };
    const [few, many] = [await measure('few', 600), await measure('many', 60_000)];
    t.true(many < 5 * few, `${many} us with 60,000 pieces of work, ${few} us with 600`);
  });
});

test.serial('all work and signals are taken over, even if one step cannot move them', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { swarmId, key } = swarm;
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    const large = 'x'.repeat(1_000_000);
    for (let at = 0; at < 12; at++) await ben.openWork(`large-${at}`, large);
    for (let at = 0; at < 12; at++) await ada.sendSignal(['ben'], 'plan', { payload: large });
    await redis.hset(key(`work:${swarmId}|ben`), 'malformed', 'no JSON');
    const small = Array.from({ length: 2_500 }, (_, at) => [`small-${at}`, '{"payload":""}']).flat();
    await redis.hset(key(`work:${swarmId}|ben`), ...small);
    await ben.leave();
    const [, , work, signals, more] = (await swarm.call(
      ...(['take-over', swarmId, 'ada', ada.life, 'ben', 'ada', 10_000] as const),
    )) as [string, string, number, number, number];
    t.is(more, 1, 'a step is also bounded by bytes: more is left');
    const rest = await ada.takeOver('ben');
    t.is(work + rest.work, 2_512);
    t.is(signals + rest.signals, 12);
    t.deepEqual(await redis.hkeys(key(`work:${swarmId}|ben`)), ['malformed']);
    t.is(await redis.xlen(key(`inbox:${swarmId}|ben`)), 0);
  });
});
