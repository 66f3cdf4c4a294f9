import { Command, type Cluster } from 'ioredis';
import type { NatMap, RedisAddress } from './redis-address.ts';

/** The hash slot of a key in a Cluster. */
export function slotOf(key: string): number {
  return new Command('get', [key]).getSlot();
}

/**
 * Where the node listens that owns a slot, as far as the client of the Cluster knows: after a redirection it knows the new
 * owner. Undefined before it has connected.
 */
export function findOwner(cluster: Cluster, slot: number, natMap?: NatMap): RedisAddress | undefined {
  const name = cluster.slots[slot]?.[0];
  if (name === undefined) return undefined;
  const known = cluster.nodes().find(({ options: { host, port } }) => `${host}:${port}` === name);
  if (known !== undefined) return { host: known.options.host ?? '', port: known.options.port ?? 0 };
  const colon = name.lastIndexOf(':'); // an IPv6 address stands there without brackets
  // After a redirection, the client notes the owner by the address that was announced.
  return natMap?.get(name) ?? { host: name.slice(0, colon), port: Number(name.slice(colon + 1)) };
}
