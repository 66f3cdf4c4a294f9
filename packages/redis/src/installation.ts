/** Everything under one prefix in one Redis. */
export interface Installation {
  readonly prefix: string;
  /** The number of its shards. */
  readonly shards: number;
}

/** One shard of an installation. */
export interface Shard {
  readonly prefix: string;
  /** Its number, from 0. */
  readonly shard: number;
}

/** All shards of an installation, in the order of their numbers. */
export function listShards({ prefix, shards }: Installation): Shard[] {
  return Array.from({ length: shards }, (_, shard) => ({ prefix, shard }));
}
