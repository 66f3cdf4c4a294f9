import { setTimeout as pause } from 'node:timers/promises';
import { findFreePort, startPrivateRedis, type PrivateRedis } from '@streamfold/private-servers';
import { Redis } from 'ioredis';

/** One Redis, or the primaries of a Cluster. */
export interface Servers {
  readonly url: string;
  /** A connection to each. */
  readonly nodes: readonly Redis[];
  /** The connection to the node that holds `key`. */
  findOwner(key: string): Promise<Redis>;
  stop(): Promise<void>;
}

const SLOTS = 16_384;
const LOOK_EVERY_MS = 50;

/** One node is a Redis of its own; several are a Cluster, with an equal share of the slots each. */
export async function startServers(count: number): Promise<Servers> {
  const servers = await Promise.all(Array.from({ length: count }, () => startServer(count > 1)));
  const nodes = servers.map(({ url }) => new Redis(url));
  const share = Math.ceil(SLOTS / count);
  const [first] = servers;
  if (first === undefined) throw new RangeError(`expected at least one server; got ${count}`);
  if (count > 1) await join(servers, nodes);
  return {
    url:
      count === 1 ? first.url : `redis-cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    nodes,
    async findOwner(key) {
      const slot = count === 1 ? 0 : Number(await nodes[0]?.call('CLUSTER', 'KEYSLOT', key));
      const owner = nodes[Math.floor(slot / share)];
      if (owner === undefined) throw new Error(`expected an owner of slot ${slot}`);
      return owner;
    },
    async stop() {
      for (const node of nodes) node.disconnect();
      await Promise.all(servers.map(async (server) => server.stop()));
    },
  };

  async function join(all: readonly PrivateRedis[], connections: readonly Redis[]): Promise<void> {
    for (const [at, node] of connections.entries()) {
      const last = Math.min((at + 1) * share, SLOTS) - 1;
      await node.call('CLUSTER', 'ADDSLOTSRANGE', at * share, last);
      await node.call('CLUSTER', 'SET-CONFIG-EPOCH', at + 1);
    }
    const [met, ...others] = connections;
    const config = await met?.call('CONFIG', 'GET', 'cluster-port');
    const busPort = (config as string[])[1] ?? '';
    for (const node of others) await node.call('CLUSTER', 'MEET', '127.0.0.1', String(all[0]?.port), busPort);
    while (!(await Promise.all(connections.map(serves))).every(Boolean)) await pause(LOOK_EVERY_MS);
  }

  async function serves(node: Redis): Promise<boolean> {
    const info = String(await node.call('CLUSTER', 'INFO'));
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}\r`);
  }
}

async function startServer(isNode: boolean): Promise<PrivateRedis> {
  if (!isNode) return startPrivateRedis();
  const busPort = String(await findFreePort());
  return startPrivateRedis({ extraArgs: ['--cluster-enabled', 'yes', '--cluster-port', busPort] });
}
