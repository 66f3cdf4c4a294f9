import {
  coordinationKeys,
  generationKeys,
  generationsKey,
  shardCountKey,
  shardKeys,
  type CoordinationKeys,
  type GenerationKeys,
  type Shard,
  type ShardKeys,
} from '@streamfold/redis';

/** Every kind of key. */
export type KeyKind =
  | 'shards'
  | 'generations'
  | keyof ShardKeys
  | Exclude<keyof CoordinationKeys, 'named'>
  | Exclude<keyof GenerationKeys, 'group'>;

type KeysByKind = Readonly<Record<KeyKind, string>>;

/** One key of each kind on a shard; `id` stands for every id in it. */
export function nameKeys(shard: Shard, id: string): KeysByKind {
  const ofShard = shardKeys(shard);
  const ofCoordination = coordinationKeys(shard);
  const { group: _, ...ofGeneration } = generationKeys(shard, id);
  const { named: __, ...named } = ofCoordination;
  return {
    shards: shardCountKey(shard.prefix),
    generations: generationsKey(shard.prefix),
    ...ofShard,
    publisher: ofShard.publisher(id),
    retried: ofShard.retried(id, id),
    ...named,
    coordinator: named.coordinator(id, id),
    inbox: named.inbox(id, id),
    settled: named.settled(id, id),
    bell: named.bell(id, id),
    waits: named.waits(id, id),
    work: named.work(id, id),
    wait: named.wait(id, id),
    signal: named.signal(id, id, id),
    acks: named.acks(id, id, id),
    ...ofGeneration,
    snapshotParts: ofGeneration.snapshotParts(id),
  };
}

/** The pattern of each kind of key, as the ACL of Redis has it: for all shards of the prefix. */
export function keyPatterns(prefix: string): KeysByKind {
  const keys = nameKeys({ prefix: escapePattern(prefix), shard: 0 }, '*');
  const patterns = Object.entries(keys).map(([kind, key]) => [kind, key.replace('{0}', '{*}')]);
  return Object.fromEntries(patterns) as KeysByKind; // the same kinds
}

/** The pattern that matches just this text. */
export function escapePattern(text: string): string {
  return text.replace(/[\\*?[\]]/g, String.raw`\$&`);
}
