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
  /** Begins to move the slot of `key` to `to`, by default the next primary, and moves these keys of it. Returns the two nodes. */
  beginMove(key: string, moved: readonly string[], to?: TestRedis): Promise<SlotMove>;
  /** Which node owns the slot of `key` now. */
  findOwner(key: string): Promise<TestRedis>;
  /** Starts one more primary, without slots. */
  addNode(): Promise<TestRedis>;
  /** Makes all others forget a node without slots, and ends it. */
  removeNode(node: TestRedis): Promise<void>;
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
 * @param appendonly whether a node that is killed comes back with what it had.
 */
export async function startCluster({ replicas = 0, appendonly = false } = {}): Promise<TestCluster> {
  const timeoutMs = replicas === 0 ? NODE_TIMEOUT_MS : FAILOVER_TIMEOUT_MS;
  const start = (): Promise<TestRedis> => startNode(timeoutMs, appendonly);
  const all = await Promise.all(Array.from({ length: PRIMARIES + replicas }, start));
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
    beginMove: (key, moved, to) => beginMove(all, { key, moved, to }),
    findOwner: async (key) => (await findOwner(all, key)).owner,
    async addNode() {
      const node = await start();
      all.push(node);
      await meet(all, node);
      return node;
    },
    async removeNode(node) {
      const id = String(await node.redis.call('CLUSTER', 'MYID'));
      all.splice(all.indexOf(node), 1);
      await node.stop();
      for (const { redis: other } of all) await other.call('CLUSTER', 'FORGET', id);
    },
    stop,
  };
}

/** The bus of a node listens on a free port of its own: 10,000 above the other one may be no port, or taken. */
async function startNode(timeoutMs: number, appendonly: boolean): Promise<TestRedis> {
  const busPort = String(await findFreePort());
  return startRedis({
    appendonly,
    // prettier-ignore
    extraArgs: [
      '--cluster-enabled', 'yes', '--cluster-port', busPort, '--cluster-node-timeout', String(timeoutMs),
      // A node that loses its last slot stays a primary.
      '--repl-diskless-sync-delay', '0', '--cluster-allow-replica-migration', 'no',
    ],
  });
}

async function joinNodes(nodes: readonly TestRedis[], replicas: readonly TestRedis[]): Promise<void> {
  const share = Math.ceil(SLOTS / nodes.length);
  for (const [at, { redis }] of nodes.entries()) {
    const last = Math.min((at + 1) * share, SLOTS) - 1;
    await redis.call('CLUSTER', 'ADDSLOTSRANGE', at * share, last);
    await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', at + 1);
  }
  await meet([...nodes, ...replicas]);
  for (const [at, { redis }] of replicas.entries()) {
    await redis.call('CLUSTER', 'REPLICATE', String(await nodes[at]?.redis.call('CLUSTER', 'MYID')));
    await waitUntil('the replica follows its primary', async () =>
      (await redis.info('replication')).includes('master_link_status:up'),
    );
  }
}

/** Makes all nodes know each other, or `joining` only, and resolves when all serve. */
async function meet(all: readonly TestRedis[], joining?: TestRedis): Promise<void> {
  const [first] = all;
  if (first === undefined) return;
  const [, busPort = ''] = (await first.redis.call('CONFIG', 'GET', 'cluster-port')) as string[];
  for (const { redis } of joining === undefined ? all.slice(1) : [joining])
    await redis.call('CLUSTER', 'MEET', '127.0.0.1', first.port, busPort);
  await waitUntil('all nodes know each other and serve', async () => {
    const states = await Promise.all(all.map(async ({ redis }) => redis.call('CLUSTER', 'INFO')));
    const known = `cluster_known_nodes:${all.length}\r`;
    return states.every(
      (state) => String(state).includes('cluster_state:ok') && String(state).includes(known),
    );
  });
}

/** A node as CLUSTER NODES lists it. */
interface ListedNode {
  readonly id: string;
  readonly port: number;
  readonly isPrimary: boolean;
  readonly slots: readonly string[];
}

async function listNodes({ redis }: TestRedis): Promise<ListedNode[]> {
  const lines = String(await redis.call('CLUSTER', 'NODES'))
    .trim()
    .split('\n');
  return lines.map((line) => {
    const [id = '', address = '', flags = '', , , , , , ...slots] = line.split(' ');
    const port = Number(/:(\d+)@/.exec(address)?.[1]);
    return { id, port, isPrimary: flags.includes('master'), slots };
  });
}

/** Who owns the slot of `key`: as the node says that owns it. */
async function findOwner(
  all: readonly TestRedis[],
  key: string,
): Promise<{ readonly slot: number; readonly owner: TestRedis; readonly primaries: readonly TestRedis[] }> {
  let slot = 0;
  const primaries: TestRedis[] = [];
  const owners: TestRedis[] = [];
  for (const node of all) {
    if (node.redis.status !== 'ready') continue; // it is down
    const listed = await listNodes(node);
    slot = Number(await node.redis.call('CLUSTER', 'KEYSLOT', key));
    const own = listed.find(({ port }) => port === node.port);
    if (own?.isPrimary !== true) continue;
    primaries.push(node);
    if (own.slots.some((range) => includesSlot(range, slot))) owners.push(node);
  }
  const [owner] = owners;
  if (owner === undefined) throw new Error(`expected a node with slot ${slot}`);
  return { slot, owner, primaries };
}

/** @param range `first-last`, `slot`, or `[slot->-id]` of one that is moving. */
function includesSlot(range: string, slot: number): boolean {
  const [first, last = first] = range.split('-').map(Number);
  return first !== undefined && last !== undefined && slot >= first && slot <= last;
}

async function beginMove(
  all: readonly TestRedis[],
  { key, moved, to: wanted }: { key: string; moved: readonly string[]; to: TestRedis | undefined },
): Promise<SlotMove> {
  const { slot, owner: from, primaries } = await findOwner(all, key);
  const to = wanted ?? primaries[(primaries.indexOf(from) + 1) % primaries.length];
  if (to === undefined) throw new Error(`expected another node than that of slot ${slot}`);
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
      const others = primaries.filter((node) => node !== from && node !== to);
      for (const { redis } of [to, from, ...others]) {
        await redis.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(toId));
      }
    },
  };
}
