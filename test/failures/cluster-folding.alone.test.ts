import { createPublisher } from '@streamfold/publisher';
import { shardKeys } from '@streamfold/redis';
import { test, type ExecutionContext } from '../harness/ava.ts';
import { readLog } from '@streamfold/archive';
import { checkFoldedOnce, readPairs, waitUntilAllFolded } from '../harness/check-folded-once.ts';
import { openTestArchive } from '../harness/open-test-archive.ts';
import { createLoad, type Load } from '../harness/publish-load.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { scrape } from '../harness/scrape.ts';
import { startCluster, type SlotMove, type TestCluster } from '../harness/start-cluster.ts';
import type { TestRedis } from '../harness/start-redis.ts';
import { waitForGeneration } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const cluster = await startCluster();
test.after.always(() => cluster.stop());

let prefixes = 0;
function nextPrefix(): string {
  return `cf${++prefixes}`;
}

/** The names of the connections of aggregators at a node, without those of a moment that ask for the slots. */
async function listConnections({ redis }: TestRedis): Promise<string[]> {
  const names = [...String(await redis.client('LIST')).matchAll(/ name=(\S*)/g)].map(([, name = '']) => name);
  return names.filter((name) => /^streamfold-(?:fold|read|control|monitor|view|archive|log)/.test(name));
}

/** Events published through `given`, and an aggregator that folds them. */
async function startFolding(
  t: ExecutionContext,
  given: TestCluster,
  shards: number,
): Promise<{
  readonly prefix: string;
  readonly load: Load;
  readonly aggregator: TestAggregator;
  check(): Promise<void>;
}> {
  const prefix = nextPrefix();
  const where = { redisUrl: given.url, prefix, shards };
  const aggregator = await startAggregator(where);
  t.teardown(() => aggregator.stop());
  const publisher = createPublisher({ ...where, maxBatchEvents: 20, observer: {} });
  t.teardown(() => publisher.close());
  const load = createLoad({ publisher, url: given.url, prefix, shards, seed: 7 });
  await waitForGeneration(given.redis, prefix);
  return {
    prefix,
    load,
    aggregator,
    async check() {
      await load.finish();
      await checkFoldedOnce(t, { ...where, redis: given.redis, load, urls: [aggregator.url] });
    },
  };
}

const SHARDS = 64;
/** Of fold, control, monitor, view and archive. */
const CLIENTS = 5;

test.serial(
  'an aggregator of 64 shards takes one socket for each shard, and five for each node; each shard is read at the node that owns its slot',
  async (t) => {
    const archive = await openTestArchive();
    t.teardown(() => archive.remove());
    const prefix = nextPrefix();
    const aggregator = await startAggregator({
      redisUrl: cluster.url,
      prefix,
      shards: SHARDS,
      archiving: { archive, everyMs: 60_000, settleMs: 60_000, retentionMs: undefined },
    });
    t.teardown(() => aggregator.stop());
    const owners = await findOwners(prefix);
    await waitUntil('every shard is read at its owner', async () => {
      const lists = await Promise.all(cluster.nodes.map(listConnections));
      return owners.every((owner, shard) => lists[owner]?.includes(`streamfold-read-${shard}`));
    });
    const names = (await Promise.all(cluster.nodes.map(listConnections))).flat();
    const reads = names.filter((name) => name.startsWith('streamfold-read-'));
    t.is(reads.length, SHARDS);
    t.true(names.length <= SHARDS + CLIENTS * cluster.nodes.length, `${names.length} sockets`);
  },
);

/** Of each shard the node, by its place, that owns its slot. */
async function findOwners(prefix: string): Promise<number[]> {
  const slots = await Promise.all(
    Array.from({ length: SHARDS }, async (_, shard) =>
      Number(await cluster.nodes[0]?.redis.call('CLUSTER', 'KEYSLOT', shardKeys({ prefix, shard }).events)),
    ),
  );
  const ranges = (await cluster.nodes[0]?.redis.call('CLUSTER', 'SLOTS')) as [
    number,
    number,
    [string, number],
  ][];
  return slots.map((slot) => {
    const port = ranges.find(([first, last]) => first <= slot && slot <= last)?.[2][1];
    return cluster.nodes.findIndex((node) => node.port === port);
  });
}

test.serial(
  'while the slot of a shard moves from node to node, key by key, each event is folded once',
  async (t) => {
    const { prefix, load, aggregator, check } = await startFolding(t, cluster, 2);
    const { events } = shardKeys({ prefix, shard: 0 });
    await load.publish(200);
    for (const order of ['stream first', 'stream last', 'stream first'] as const) {
      const move = await cluster.beginMove(events, []);
      const others = (await move.listLeft()).filter((key) => key !== events);
      for (const key of order === 'stream first' ? [events, ...others] : [...others, events]) {
        await move.move([key]);
        await load.publish(50);
      }
      await move.finish();
      await load.publish(100);
      await waitUntil('it reads at the new owner', async () =>
        (await listConnections(move.to)).includes('streamfold-read-0'),
      );
    }
    await check();
    t.false(aggregator.facts.some(({ type }) => type === 'entries_lost'));
  },
);

test.serial(
  'while a slot is moving and the stream has moved already, entries are read at the other node, without asking in a loop',
  async (t) => {
    const prefix = nextPrefix();
    const aggregator = await startAggregator({ redisUrl: cluster.url, prefix });
    t.teardown(() => aggregator.stop());
    const { shardKeys: of, keys } = await waitForGeneration(cluster.redis, prefix);
    await appendSent(of.events, 1);
    await waitUntilAllFolded({ redis: cluster.redis, prefix });
    const move = await cluster.beginMove(of.events, [of.events]);
    await move.from.redis.config('RESETSTAT');
    const startedMs = performance.now();
    await waitUntil('the first node redirects some reads', async () => (await countAsk(move.from)) >= 20);
    const redirected = await countAsk(move.from);
    const elapsedMs = performance.now() - startedMs;
    t.true(redirected < 100 + elapsedMs / 10, `${redirected} commands were redirected in ${elapsedMs} ms`);
    const readDelivered = async (): Promise<string> => {
      void move.to.redis.call('ASKING'); // for the next command of this connection
      const groups = (await move.to.redis.xinfo('GROUPS', of.events)) as unknown[][];
      return String(readPairs(groups.find((each) => each.includes(keys.group))).get('last-delivered-id'));
    };
    const before = await readDelivered();
    await appendSent(of.events, 50);
    await waitUntil('entries are read at the other node', async () => (await readDelivered()) !== before);
    await move.finish();
    await waitUntilAllFolded({ redis: cluster.redis, prefix });
    t.is((await scrape(aggregator.url)).get('signals_sent_total{swarm_id="s",signal_type="plan"}'), '51');
  },
);

/** The node, by its place, at which a log is being read. */
async function findReader(): Promise<number> {
  const lists = await Promise.all(cluster.nodes.map(listConnections));
  return lists.findIndex((names) => names.includes('streamfold-log'));
}

/** How far the history of a node goes. */
async function readOffset({ redis }: TestRedis, role: 'master' | 'slave'): Promise<string | undefined> {
  return new RegExp(`${role}_repl_offset:(\\d+)`).exec(await redis.info('replication'))?.[1];
}

/** Events that any client may append while a slot is moving: of one key. Returns the ID of the last one. */
async function appendSent(events: string, count: number): Promise<string> {
  // prettier-ignore
  const fields = ['type', 'signal.sent', 'swarm_id', 's', 'sender_id', 'a', 'receiver_id', 'b', 'signal_type', 'plan'];
  let lastId = '';
  for (let at = 0; at < count; at++) lastId = (await cluster.redis.xadd(events, '*', ...fields)) ?? '';
  return lastId;
}

/** Commands that a node has redirected to the one to which a key has moved. */
async function countAsk({ redis }: TestRedis): Promise<number> {
  return Number(/errorstat_ASK:count=(\d+)/.exec(await redis.info('errorstats'))?.[1] ?? 0);
}

test.serial(
  'if all connections to a Cluster are killed again and again, each event is folded once',
  async (t) => {
    const { load, check } = await startFolding(t, cluster, 3);
    for (let round = 0; round < 8; round++) {
      await load.publish(150);
      for (const { redis } of cluster.nodes)
        await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    }
    await check();
  },
);

test.serial(
  'a log is replayed at the node that owns its slot, also after the slot has moved meanwhile',
  async (t) => {
    const prefix = nextPrefix();
    const { events } = shardKeys({ prefix, shard: 0 });
    await appendSent(events, 3_000);
    const ids = new Set<string>();
    let moved: SlotMove | undefined;
    for await (const { entries } of readLog(cluster.redis, { prefix, shard: 0, archive: undefined })) {
      for (const { id } of entries) ids.add(id);
      if (moved !== undefined) continue;
      const before = await findReader();
      moved = await cluster.beginMove(events, []);
      t.is(cluster.nodes[before]?.port, moved.from.port);
      await moved.finish();
    }
    t.is(ids.size, 3_000);
  },
);

test.serial(
  'if a node is killed and its replica takes over, the shards are read there, and each event is folded once',
  async (t) => {
    const failing = await startCluster({ replicas: 1 });
    t.teardown(() => failing.stop());
    const { prefix, load, check } = await startFolding(t, failing, 6);
    await load.publish(300);
    await load.finish();
    await waitUntilAllFolded({ redis: failing.redis, prefix, shards: 6 });
    const [killed] = failing.nodes;
    const [replica] = failing.replicas;
    if (killed === undefined || replica === undefined) throw new Error('expected a node with a replica');
    const moved = (await listConnections(killed)).filter((name) => name.startsWith('streamfold-read-'));
    t.true(moved.length > 0, 'it owns slots of some shards');
    await waitUntil(
      'the replica has everything',
      async () => (await readOffset(killed, 'master')) === (await readOffset(replica, 'slave')),
    );
    await killed.kill('SIGKILL');
    await load.publish(300);
    await waitUntil('its shards are read at the replica', async () => {
      const names = await listConnections(replica);
      return moved.every((name) => names.includes(name));
    });
    await load.publish(100);
    await check();
  },
);
