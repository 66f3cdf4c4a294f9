import { ensureLibrary, joinSwarm, type Coordinator } from '@streamfold/coordination';
import { swarmShard } from '@streamfold/core';
import { createPublisher } from '@streamfold/publisher';
import { coordinationKeys, listShards, shardKeys } from '@streamfold/redis';
import { test, type ExecutionContext } from '../harness/ava.ts';
import { countLost, waitUntilAllFolded } from '../harness/check-folded-once.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { createRandom } from '../harness/generate-events.ts';
import { readPublished, type PublishedEvent } from '../harness/read-published.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { checkReplicasAgree } from '../harness/replicas-agree.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { startCluster, type SlotMove, type TestCluster } from '../harness/start-cluster.ts';
import type { TestRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { signalSent } from '../publisher/signal-sent.ts';

const INSTALLATION = { prefix: 'p', shards: 6 };
const AGGREGATORS = 3;
const COORDINATORS = 30;
const SWARMS = 10;
const EVENTS_A_SECOND = 2_000;
const PUBLISH_EVERY_MS = 10;
/** Events that are confirmed before and after whatever is done to the Cluster. */
const EVENTS_AROUND = 1_000;
const HALF_MOVED_MS = 20_000;
const CLIENT_KILLS = 20;
const EVENTS_BETWEEN_KILLS = 500;
/** Those of one of the shards cannot be appended before all keys that they need have moved. */
const EVENTS_BETWEEN_KEYS = 20;
const PHASE_EVERY_MS = 200;

/** The events of shard 0, whose slot is moved. */
const { events: MOVED } = shardKeys({ ...INSTALLATION, shard: 0 });

const random = createRandom(5);

/** What is done to a Cluster under load; when it resolves, the Cluster is whole again. */
const OUTAGES: Readonly<Record<string, (cluster: TestCluster, load: Load) => Promise<void>>> = {
  'a slot that moves away and back, key by key in random order': async (cluster, load) => {
    for (let moves = 0; moves < 2; moves++) await moveInRandomOrder(await cluster.beginMove(MOVED, []), load);
  },
  'a slot that stays half moved for 20 s': async (cluster) => {
    const move = await cluster.beginMove(MOVED, []);
    const left = shuffle(await move.listLeft());
    await move.move(left.slice(0, left.length / 2));
    const endMs = performance.now() + HALF_MOVED_MS;
    await waitUntil('20 s have passed', () => performance.now() > endMs);
    await move.finish();
  },
  'a slot that moves in one step, if this server can': async (cluster) => {
    const owner = await cluster.findOwner(MOVED);
    const [info] = (await owner.redis.call('COMMAND', 'INFO', 'CLUSTER|MIGRATESLOTS')) as unknown[];
    if (info === null || info === undefined) return;
    const next = await findOther(cluster, owner);
    const [slot, id] = [await owner.redis.call('CLUSTER', 'KEYSLOT', MOVED), await readId(next)];
    await owner.redis.call('CLUSTER', 'MIGRATESLOTS', 'SLOTSRANGE', String(slot), String(slot), 'NODE', id);
    await waitUntil('the slot has moved', async () => (await findOwner(cluster)) === next);
  },
  'a replica that takes over on request': async (cluster) => takeOver(cluster, []),
  'a replica that takes over without asking': async (cluster) => takeOver(cluster, ['TAKEOVER']),
  'a primary that is killed, and returns as a replica': async (cluster) => {
    const killed = await cluster.findOwner(MOVED);
    await killed.kill('SIGKILL');
    await waitUntil('its replica has taken over', async () => {
      const owner = await findOwner(cluster);
      return owner !== undefined && owner !== killed;
    });
    await killed.restart();
    await waitUntilWhole(cluster);
  },
  'a primary and its replica that are both dead, and come back': async (cluster) => {
    const primary = await cluster.findOwner(MOVED);
    const replica = await findReplica(cluster, primary);
    await Promise.all([replica.kill('SIGKILL'), primary.kill('SIGKILL')]);
    await Promise.all([replica.restart(), primary.restart()]);
    await waitUntilWhole(cluster);
  },
  'a node that is added and given a shard, and one that is removed': async (cluster, load) => {
    const added = await cluster.addNode();
    await moveInRandomOrder(await cluster.beginMove(MOVED, [], added), load);
    await moveInRandomOrder(await cluster.beginMove(MOVED, [], await findOther(cluster, added)), load);
    await cluster.removeNode(added);
    await waitUntilWhole(cluster);
  },
  'connections that are killed again and again': async (cluster, load) => {
    for (let kills = 0; kills < CLIENT_KILLS; kills++) {
      for (const { redis } of await listPrimaries(cluster))
        await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await load.publish(EVENTS_BETWEEN_KILLS);
    }
  },
  'functions and scripts that are flushed': async (cluster) => {
    for (const { redis } of await listPrimaries(cluster)) {
      await redis.call('FUNCTION', 'FLUSH');
      await redis.call('SCRIPT', 'FLUSH');
    }
  },
};

test('Cluster: whatever happens to its nodes, slots, connections and functions, every event is folded once and no life ends', async (t) => {
  t.timeout(1_500_000);
  const cluster = await startCluster({ replicas: 3, appendonly: true });
  t.teardown(cluster.stop);
  const where = { redisUrl: cluster.url, ...INSTALLATION };
  await ensureLibrary(cluster.redis);
  const aggregators = await Promise.all(
    Array.from({ length: AGGREGATORS }, () => startAggregator({ ...where, claimIdleMs: 2_000 })),
  );
  t.teardown(() => Promise.all(aggregators.map((aggregator) => aggregator.stop())));
  const swarm = await startCoordinators(t, cluster);
  const load = startLoad(t, cluster);
  const check = (name: string): Promise<void> =>
    checkAll(t, { cluster, aggregators, swarm, load, after: name });

  for (const [name, doIt] of Object.entries(OUTAGES)) {
    const startMs = performance.now();
    await load.confirm(EVENTS_AROUND);
    await doIt(cluster, load);
    await load.confirm(EVENTS_AROUND);
    await swarm.changeAll();
    await check(name);
    t.log(`${name}: ${Math.round((performance.now() - startMs) / 1_000)} s, checks included`);
  }
  t.log(`${load.confirmed.size} events confirmed; ${swarm.changes()} changes of phases`);
});

interface Everything {
  readonly cluster: TestCluster;
  readonly aggregators: readonly TestAggregator[];
  readonly swarm: Swarm;
  readonly load: Load;
  /** What was done before. */
  readonly after: string;
}

/** Pauses the load, and compares everything that is derived from the events with the events in the streams. */
async function checkAll(
  t: ExecutionContext,
  { cluster, aggregators, swarm, load, after }: Everything,
): Promise<void> {
  await Promise.all([load.pause(), swarm.pause()]);
  const installation = { redis: cluster.redis, redisUrl: cluster.url, ...INSTALLATION };
  await waitUntilAllFolded(installation);
  t.is(await countLost(installation), 0, after);
  const events: PublishedEvent[] = [];
  for (const { prefix, shard } of listShards(INSTALLATION))
    events.push(...(await readPublished(cluster.redis, { prefix, shard })));

  const numbers = events.flatMap(({ type, signal_id: id }) => (type === 'signal.sent' ? [Number(id)] : []));
  const present = new Set(numbers);
  t.is(present.size, numbers.length, `${after}: no event is there twice`);
  t.deepEqual(
    [...load.confirmed].filter((number) => !present.has(number)).slice(0, 5),
    [],
    `${after}: every confirmed event is there`,
  );
  const expected = foldReference(events.map((fields) => ({ fields })));
  for (const { url } of aggregators)
    t.deepEqual(compareSamples(withoutAges(await scrape(url)), expected).slice(0, 5), [], `${after}: ${url}`);
  await checkReplicasAgree(t, installation, aggregators.map(({ url }) => url)); // prettier-ignore
  const args = [
    '--redis',
    cluster.url,
    '--prefix',
    INSTALLATION.prefix,
    '--shards',
    String(INSTALLATION.shards),
  ];
  const { code, stderr, stdout } = await runStreamfold(['verify', ...args]);
  t.is(code, 0, `${after}: ${stderr} ${stdout}`);
  await swarm.check(events, after);
  load.resume();
  swarm.resume();
}

interface Swarm {
  /** Resolves when every coordinator has changed its phase once more. */
  changeAll(): Promise<void>;
  changes(): number;
  pause(): Promise<void>;
  resume(): void;
  /** Compares what Redis holds of each coordinator with its events. */
  check(events: readonly PublishedEvent[], after: string): Promise<void>;
}

/** Coordinators of several swarms, on all shards, that beat and change their phases. */
async function startCoordinators(t: ExecutionContext, cluster: TestCluster): Promise<Swarm> {
  const coordinators = await Promise.all(
    Array.from({ length: COORDINATORS }, (_, number) =>
      joinSwarm({
        redisUrl: cluster.url,
        ...INSTALLATION,
        swarmId: `swarm-${number % SWARMS}`,
        coordinatorId: `c${number}`,
        staleAfterMs: 60_000,
        deadAfterMs: 120_000,
      }),
    ),
  );
  t.teardown(() => coordinators.forEach((each) => each.disconnect()));
  for (const each of coordinators) each.startHeartbeat({ intervalMs: 1_000 });
  let count = 0;
  /** By coordinator: calls that did not fail. A call that failed may have been done. */
  const done = new Map<Coordinator, number>();
  const change = async (each: Coordinator): Promise<void> => {
    await each.changePhase(`phase-${count++}`).then(
      () => done.set(each, (done.get(each) ?? 0) + 1),
      (error: unknown) => {
        if ((error as Error).message.startsWith('ended')) t.fail(`${each.coordinatorId}: ${String(error)}`);
      },
    );
  };
  let running: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const resume = (): void => {
    let changing = false;
    timer = setInterval(() => {
      if (changing) return; // the calls of the last time are under way
      changing = true;
      running = Promise.all(coordinators.map(change)).finally(() => (changing = false));
    }, PHASE_EVERY_MS);
  };
  t.teardown(() => clearInterval(timer));
  resume();
  return {
    async changeAll() {
      const before = new Map(done);
      await waitUntil('every coordinator changes its phase', () =>
        coordinators.every((each) => (done.get(each) ?? 0) > (before.get(each) ?? 0)),
      );
    },
    changes: () => [...done.values()].reduce((sum, each) => sum + each, 0),
    async pause() {
      clearInterval(timer);
      await running;
    },
    resume,
    async check(events, after) {
      for (const { swarmId, coordinatorId, life } of coordinators) {
        const own = events.filter(
          ({ swarm_id: swarm, coordinator_id: id }) => swarm === swarmId && id === coordinatorId,
        );
        const what = `${after}: ${swarmId} ${coordinatorId}`;
        const times = (type: string): number => own.filter((event) => event['type'] === type).length;
        t.is(times('coordinator.started'), 1, `${what} has one life`);
        t.is(times('heartbeat.stale') + times('timeout'), 0, `${what} lives, and is not reported`);
        const shard = swarmShard(swarmId, INSTALLATION.shards);
        const keys = coordinationKeys({ ...INSTALLATION, shard });
        const held = await cluster.redis.hgetall(keys.coordinator(swarmId, coordinatorId));
        const latest = own.findLast(({ type }) => type === 'coordinator.phase_changed');
        t.like(held, { life, state: 'beating', phase: String(latest?.['phase']) }, what);
      }
    },
  };
}

interface Load {
  /** Numbers of the events that a replica has. */
  readonly confirmed: ReadonlySet<number>;
  /** Resolves when so many more events are given to the publisher. */
  publish(count: number): Promise<void>;
  /** Resolves when so many more events are confirmed. */
  confirm(count: number): Promise<void>;
  /** Resolves when nothing is under way. */
  pause(): Promise<void>;
  resume(): void;
}

/** A publisher of numbered events on all shards, at a steady rate. */
function startLoad(t: ExecutionContext, cluster: TestCluster): Load {
  const publisher = createPublisher({
    redisUrl: cluster.url,
    ...INSTALLATION,
    durability: { replicas: 1, timeoutMs: 600_000 },
    observer: {},
  });
  t.teardown(() => publisher.close({ deadlineMs: 0 }));
  const confirmed = new Set<number>();
  let sent = 0;
  const underWay = new Set<Promise<unknown>>();
  const failed: unknown[] = [];
  const publish = (): void => {
    const numbers = Array.from({ length: (EVENTS_A_SECOND * PUBLISH_EVERY_MS) / 1_000 }, () => sent++);
    const events = numbers.map((number) => signalSent(number, { swarm_id: `swarm-${number % SWARMS}` }));
    const appended = publisher.append(events, { timeoutMs: 600_000 }).then(() => {
      for (const number of numbers) confirmed.add(number);
    });
    const settled: Promise<unknown> = appended
      .catch((error: unknown) => failed.push(error))
      .then(() => underWay.delete(settled));
    underWay.add(settled);
  };
  let timer: NodeJS.Timeout | undefined;
  const resume = (): void => {
    timer = setInterval(publish, PUBLISH_EVERY_MS);
  };
  t.teardown(() => clearInterval(timer));
  resume();
  return {
    confirmed,
    async publish(count) {
      const enough = sent + count;
      await waitUntil(`${count} more events are published`, () => sent >= enough);
    },
    async confirm(count) {
      const enough = confirmed.size + count;
      await waitUntil(`${count} more events are confirmed`, () => confirmed.size >= enough, 60_000);
    },
    async pause() {
      clearInterval(timer);
      await Promise.all(underWay);
      t.deepEqual(failed, [], 'every event is appended and confirmed');
    },
    resume,
  };
}

async function moveInRandomOrder(move: SlotMove, load: Load): Promise<void> {
  for (const key of shuffle(await move.listLeft())) {
    await move.move([key]);
    await load.publish(EVENTS_BETWEEN_KEYS);
  }
  await move.finish();
}

function shuffle<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: random() }))
    .toSorted((left, right) => left.order - right.order)
    .map(({ item }) => item);
}

/** CLUSTER FAILOVER at the replica of the node that owns the slot. */
async function takeOver(cluster: TestCluster, how: readonly string[]): Promise<void> {
  const owner = await cluster.findOwner(MOVED);
  const replica = await findReplica(cluster, owner);
  await replica.redis.call('CLUSTER', 'FAILOVER', ...how);
  await waitUntil('it has taken over', async () => (await findOwner(cluster)) === replica);
  await waitUntilWhole(cluster);
}

/** The owner, if there is one right now. */
async function findOwner(cluster: TestCluster): Promise<TestRedis | undefined> {
  return cluster.findOwner(MOVED).catch(() => undefined);
}

async function readId({ redis }: TestRedis): Promise<string> {
  return String(await redis.call('CLUSTER', 'MYID'));
}

async function listPrimaries({ nodes, replicas }: TestCluster): Promise<TestRedis[]> {
  const roles = await Promise.all(
    [...nodes, ...replicas].map(async (node) => ({ node, info: await node.redis.info('replication') })),
  );
  return roles.filter(({ info }) => info.includes('role:master')).map(({ node }) => node);
}

/** Another primary of the first three. */
async function findOther(cluster: TestCluster, node: TestRedis): Promise<TestRedis> {
  const other = (await listPrimaries(cluster)).find((each) => each !== node);
  if (other === undefined) throw new Error('expected another primary');
  return other;
}

async function findReplica({ nodes, replicas }: TestCluster, primary: TestRedis): Promise<TestRedis> {
  for (const node of [...nodes, ...replicas]) {
    const info = await node.redis.info('replication');
    if (info.includes('role:slave') && info.includes(`master_port:${primary.port}\r`)) return node;
  }
  throw new Error('expected a replica');
}

/** Every node is up, every primary has its replica, and all nodes agree that the Cluster serves. */
async function waitUntilWhole(cluster: TestCluster): Promise<void> {
  const all = [...cluster.nodes, ...cluster.replicas];
  await waitUntil('the Cluster is whole', async () => {
    if (all.some(({ redis }) => redis.status !== 'ready')) return false;
    const states = await Promise.all(all.map(({ redis }) => redis.call('CLUSTER', 'INFO')));
    if (!states.every((state) => String(state).includes('cluster_state:ok'))) return false;
    const infos = await Promise.all(all.map(({ redis }) => redis.info('replication')));
    const primaries = infos.filter((info) => info.includes('role:master'));
    return (
      primaries.length === cluster.nodes.length &&
      primaries.every((info) => info.includes('state=online')) &&
      infos.every((info) => info.includes('role:master') || info.includes('master_link_status:up'))
    );
  });
}
