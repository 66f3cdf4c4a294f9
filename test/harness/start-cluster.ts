import { findFreePort } from '@streamfold/private-servers';
import { connectRedis, type RedisConnection } from '@streamfold/redis';
import { startRedis, type TestRedis } from './start-redis.ts';
import { waitUntil } from './wait-until.ts';

/** A private Redis Cluster of three primaries. */
export interface TestCluster {
  /** `redis-cluster://…`, with all nodes. */
  readonly url: string;
  readonly nodes: readonly TestRedis[];
  /** A connection to all of them. */
  readonly redis: RedisConnection;
  /** Begins to move the slot of `key` to another node, and moves these keys of it. Returns the two nodes. */
  beginMove(key: string, moved: readonly string[]): Promise<SlotMove>;
  stop(): Promise<void>;
}

/** A slot between two nodes, each of which has some of its keys. */
export interface SlotMove {
  readonly from: TestRedis;
  readonly to: TestRedis;
  /** Moves all other keys, and ends the move on all nodes. */
  finish(): Promise<void>;
}

const PRIMARIES = 3;
const SLOTS = 16_384;
const MIGRATE_TIMEOUT_MS = 5_000;
const KEYS_MOST = 10_000;

/** Starts the nodes, gives each a third of the slots, and resolves when all of them serve. */
export async function startCluster(): Promise<TestCluster> {
  const nodes = await Promise.all(Array.from({ length: PRIMARIES }, startNode));
  const redis = connectRedis(`redis-cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`, {
    name: 'streamfold-test',
    commandTimeoutMs: 30_000,
  });
  const stop = async (): Promise<void> => {
    redis.disconnect();
    await Promise.all(nodes.map(async (node) => node.stop()));
  };
  const owners = new Map<number, number>(); // of the slots that were moved, the node by its place
  try {
    await joinNodes(nodes);
    await redis.connect();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `redis-cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    nodes,
    redis,
    beginMove: (key, moved) => beginMove(nodes, { key, moved }, owners),
    stop,
  };
}

/** The bus of a node listens on a free port of its own: 10,000 above the other one may be no port, or taken. */
async function startNode(): Promise<TestRedis> {
  const busPort = String(await findFreePort());
  return startRedis({
    extraArgs: ['--cluster-enabled', 'yes', '--cluster-port', busPort, '--cluster-node-timeout', '5000'],
  });
}

async function joinNodes(nodes: readonly TestRedis[]): Promise<void> {
  const [first] = nodes;
  if (first === undefined) return;
  const share = Math.ceil(SLOTS / nodes.length);
  for (const [at, { redis }] of nodes.entries()) {
    const last = Math.min((at + 1) * share, SLOTS) - 1;
    await redis.call('CLUSTER', 'ADDSLOTSRANGE', at * share, last);
    await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', at + 1);
  }
  const [, busPort = ''] = (await first.redis.call('CONFIG', 'GET', 'cluster-port')) as string[];
  for (const { redis } of nodes.slice(1))
    await redis.call('CLUSTER', 'MEET', '127.0.0.1', first.port, busPort);
  await waitUntil('all nodes know each other and serve', async () => {
    const states = await Promise.all(nodes.map(async ({ redis }) => redis.call('CLUSTER', 'INFO')));
    const known = `cluster_known_nodes:${nodes.length}\r`;
    return states.every(
      (state) => String(state).includes('cluster_state:ok') && String(state).includes(known),
    );
  });
}

async function beginMove(
  nodes: readonly TestRedis[],
  { key, moved }: { readonly key: string; readonly moved: readonly string[] },
  owners: Map<number, number>,
): Promise<SlotMove> {
  const slot = Number(await nodes[0]?.redis.call('CLUSTER', 'KEYSLOT', key));
  const owner = owners.get(slot) ?? Math.floor(slot / Math.ceil(SLOTS / nodes.length));
  const next = (owner + 1) % nodes.length;
  const [from, to] = [nodes[owner], nodes[next]];
  if (from === undefined || to === undefined) throw new Error(`expected a node with slot ${slot}`);
  const [fromId, toId] = await Promise.all([from, to].map(({ redis }) => redis.call('CLUSTER', 'MYID')));
  await to.redis.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(fromId));
  await from.redis.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(toId));
  const migrate = async (keys: readonly string[]): Promise<void> => {
    if (keys.length === 0) return;
    const place = ['127.0.0.1', to.port, '', 0, MIGRATE_TIMEOUT_MS];
    await from.redis.call('MIGRATE', ...place, 'KEYS', ...keys);
  };
  await migrate(moved);
  return {
    from,
    to,
    async finish() {
      await migrate((await from.redis.call('CLUSTER', 'GETKEYSINSLOT', slot, KEYS_MOST)) as string[]);
      const others = nodes.filter((node) => node !== from && node !== to);
      for (const { redis } of [to, from, ...others]) {
        await redis.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(toId));
      }
      owners.set(slot, next);
    },
  };
}
