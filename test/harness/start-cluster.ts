import { findFreePort } from '@streamfold/private-servers';
import { connectRedis, type RedisConnection } from '@streamfold/redis';
import { startRedis, type TestRedis } from './start-redis.ts';
import { waitUntil } from './wait-until.ts';

/** A private Redis Cluster of three primaries. */
export interface TestCluster {
  /** `redis-cluster://…`, with all nodes. */
  readonly url: string;
  /** The primaries, at the beginning. */
  readonly nodes: readonly TestRedis[];
  /** Of the first primaries, one each. */
  readonly replicas: readonly TestRedis[];
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
  /** Names of its keys that have not moved yet. */
  listLeft(): Promise<string[]>;
  move(keys: readonly string[]): Promise<void>;
  /** Moves all other keys, and ends the move on all nodes. */
  finish(): Promise<void>;
}

const PRIMARIES = 3;
const SLOTS = 16_384;
const NODE_TIMEOUT_MS = 5_000;
/** A busy machine must not take a node that is only slow for one that is gone. */
const FAILOVER_TIMEOUT_MS = 2_000;
const MIGRATE_TIMEOUT_MS = 5_000;
const KEYS_MOST = 10_000;

/**
 * Starts the nodes, gives each primary a third of the slots, and resolves when all of them serve.
 *
 * @param replicas how many of the primaries have a replica. It takes over if its primary is gone.
 */
export async function startCluster({ replicas = 0 } = {}): Promise<TestCluster> {
  const timeoutMs = replicas === 0 ? NODE_TIMEOUT_MS : FAILOVER_TIMEOUT_MS;
  const all = await Promise.all(Array.from({ length: PRIMARIES + replicas }, () => startNode(timeoutMs)));
  const nodes = all.slice(0, PRIMARIES);
  const followers = all.slice(PRIMARIES);
  const redis = connectRedis(`redis-cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`, {
    name: 'streamfold-test',
    commandTimeoutMs: 30_000,
  });
  const stop = async (): Promise<void> => {
    redis.disconnect();
    await Promise.all(all.map(async (node) => node.stop()));
  };
  const owners = new Map<number, number>(); // of the slots that were moved, the node by its place
  try {
    await joinNodes(nodes, followers);
    await redis.connect();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `redis-cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    nodes,
    replicas: followers,
    redis,
    beginMove: (key, moved) => beginMove(nodes, { key, moved }, owners),
    stop,
  };
}

/** The bus of a node listens on a free port of its own: 10,000 above the other one may be no port, or taken. */
async function startNode(timeoutMs: number): Promise<TestRedis> {
  const busPort = String(await findFreePort());
  // prettier-ignore
  return startRedis({
    extraArgs: ['--cluster-enabled', 'yes', '--cluster-port', busPort, '--cluster-node-timeout', String(timeoutMs)],
  });
}

async function joinNodes(nodes: readonly TestRedis[], replicas: readonly TestRedis[]): Promise<void> {
  const [first] = nodes;
  if (first === undefined) return;
  const share = Math.ceil(SLOTS / nodes.length);
  for (const [at, { redis }] of nodes.entries()) {
    const last = Math.min((at + 1) * share, SLOTS) - 1;
    await redis.call('CLUSTER', 'ADDSLOTSRANGE', at * share, last);
    await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', at + 1);
  }
  const [, busPort = ''] = (await first.redis.call('CONFIG', 'GET', 'cluster-port')) as string[];
  const all = [...nodes, ...replicas];
  for (const { redis } of all.slice(1)) await redis.call('CLUSTER', 'MEET', '127.0.0.1', first.port, busPort);
  await waitUntil('all nodes know each other and serve', async () => {
    const states = await Promise.all(all.map(async ({ redis }) => redis.call('CLUSTER', 'INFO')));
    const known = `cluster_known_nodes:${all.length}\r`;
    return states.every(
      (state) => String(state).includes('cluster_state:ok') && String(state).includes(known),
    );
  });
  for (const [at, { redis }] of replicas.entries()) {
    await redis.call('CLUSTER', 'REPLICATE', String(await nodes[at]?.redis.call('CLUSTER', 'MYID')));
    await waitUntil('the replica follows its primary', async () =>
      (await redis.info('replication')).includes('master_link_status:up'),
    );
  }
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
  const listLeft = async (): Promise<string[]> =>
    (await from.redis.call('CLUSTER', 'GETKEYSINSLOT', slot, KEYS_MOST)) as string[];
  await migrate(moved);
  return {
    from,
    to,
    listLeft,
    move: migrate,
    async finish() {
      await migrate(await listLeft());
      const others = nodes.filter((node) => node !== from && node !== to);
      for (const { redis } of [to, from, ...others]) {
        await redis.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(toId));
      }
      owners.set(slot, next);
    },
  };
}
