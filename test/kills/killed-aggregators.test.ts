import { randomUUID } from 'node:crypto';
import { test, type ExecutionContext } from '../harness/ava.ts';
import { createPublisher } from '@streamfold/publisher';
import { checkFoldedOnce } from '../harness/check-folded-once.ts';
import { createRandom } from '../harness/generate-events.ts';
import { createLoad } from '../harness/publish-load.ts';
import { readConsumers } from '../harness/read-consumers.ts';
import { startServe, type ServeProcess } from '../harness/run-streamfold.ts';
import { amount } from '../harness/soaking.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

/** Each is a process, whose start takes longer than all else in `npm test`. */
const AGGREGATORS = amount({ test: 2, soak: 3 });
const SOME = { events: 2_000, kills: 2 };
/** Events published at once, and events published repeatedly until the next kill. */
const STEP_EVENTS = 500;
const TRICKLE_EVENTS = 50;

const server = await shareRedis();
test.after.always(() => server.stop());

test('events published while aggregators are killed and replaced are each folded once', async (t) => {
  await runKills(t, { seed: 1, shards: 1, ...amount({ test: SOME, soak: { events: 200_000, kills: 12 } }) });
});

test('events on two shards published while aggregators are killed and replaced are each folded once', async (t) => {
  await runKills(t, { seed: 2, shards: 2, ...amount({ test: SOME, soak: { events: 40_000, kills: 4 } }) });
});

interface Aggregator extends ServeProcess {
  readonly name: string;
}

async function runKills(
  t: ExecutionContext,
  plan: { seed: number; events: number; kills: number; shards: number },
): Promise<void> {
  const { shards } = plan;
  const installation = { redis: server.redis, prefix: nextPrefix(), shards };
  const { prefix } = installation;
  const random = createRandom(plan.seed);
  const start = async (): Promise<Aggregator> => {
    const name = randomUUID();
    const serve = await startServe(server.url, {
      STREAMFOLD_PREFIX: prefix,
      STREAMFOLD_SHARDS: String(shards),
      STREAMFOLD_CONSUMER: name,
      STREAMFOLD_CLAIM_IDLE_MS: '500',
    });
    return { ...serve, name };
  };
  let alive = await Promise.all(Array.from({ length: AGGREGATORS }, start));
  // Small batches, so that there are many entries, and kills between them.
  const publisher = createPublisher({ url: server.url, prefix, shards, maxBatchEvents: 20 });
  const load = createLoad({ publisher, url: server.url, seed: plan.seed, prefix, shards });
  let killed = 0;
  let killedBusy = 0;
  /** Resolves with an aggregator to kill, as soon as one is busy. */
  let hunting = false;

  const publish = async (): Promise<void> => {
    while (killed < plan.kills || load.events.length < plan.events) {
      const isBehind = (): boolean => load.events.length < (plan.events * (killed + 1)) / (plan.kills + 1);
      await waitUntil('more events are due', () => isBehind() || hunting || killed >= plan.kills);
      if (isBehind()) {
        await load.publish(STEP_EVENTS);
      } else if (hunting) {
        await load.publish(TRICKLE_EVENTS);
        await publisher.flush();
      }
    }
    await load.finish();
  };

  const kill = async (): Promise<void> => {
    while (killed < plan.kills) {
      const from = (plan.events * killed) / (plan.kills + 1);
      const due = from + random() * (plan.events / (plan.kills + 1));
      await waitUntil('enough is published', () => load.events.length > due);
      hunting = true;
      const victim = await catchBusy(alive, random);
      hunting = false;
      await victim.kill('SIGKILL');
      const left = await readConsumers(installation);
      if (left.some(({ name, pending }) => name.startsWith(victim.name) && pending > 0)) killedBusy += 1;
      killed += 1;
      alive = [...alive.filter((each) => each !== victim), await start()];
    }
  };

  /** One of the aggregators, as soon as one or more of them have pending entries. */
  const catchBusy = async (candidates: readonly Aggregator[], pick: () => number): Promise<Aggregator> => {
    let busy: Aggregator[] = [];
    await waitUntil('an aggregator has entries pending', async () => {
      const consumers = (await readConsumers(installation)).filter(({ pending }) => pending > 0);
      busy = candidates.filter(({ name }) => consumers.some((consumer) => consumer.name.startsWith(name)));
      return busy.length > 0;
    });
    const [first] = busy;
    if (first === undefined) throw new Error('unreachable');
    return busy[Math.floor(pick() * busy.length)] ?? first;
  };

  try {
    await Promise.all([publish(), kill()]);
    await checkFoldedOnce(t, { ...installation, load, urls: alive.map(({ url }) => url) });
    t.true(killed >= plan.kills);
    t.true(killedBusy * 4 >= plan.kills, 'one kill in four, or more, left entries pending');
    t.log(`${load.events.length} events, ${killed} kills, ${killedBusy} of them left entries pending`);
    const { undelivered, fateUnknown } = await publisher.close();
    t.deepEqual({ undelivered, fateUnknown }, { undelivered: 0, fateUnknown: 0 });
    t.is(publisher.stats().published, load.throughPublisher, 'the publisher reports what is in the stream');
    t.is(load.doubtful.size, 0);
  } finally {
    await publisher.close();
    await Promise.all(alive.map((each) => each.kill('SIGTERM')));
  }
}
