import type { KeyKind } from './key-kinds.ts';

/** What a user must be able to do: the commands that a program sends itself or in its scripts and functions, and no others. */
export interface Duty {
  /** Commands that name no key, or call scripts and functions; `<command>` or `<command>|<subcommand>`, separated by spaces. */
  readonly commands: string;
  /** The commands on each kind of key. */
  readonly keys: Readonly<Partial<Record<KeyKind, string>>>;
}

/**
 * Every duty of a user, written once: `doctor --acl` prints them, `doctor` checks them, and a test compares them with the
 * commands that Redis was sent.
 */
export const DUTIES = {
  /** Sent by the client itself: `select` for a URL with a database, `cluster`, `readonly` and `asking` for a Cluster. */
  connect: {
    commands: 'info select client|setname cluster|slots cluster|info readonly asking time',
    keys: { shards: 'set' },
  },
  /** `waitaof`, which waits for the disk, is unknown to Redis 7.0, and so it is not printed. */
  publish: {
    commands: 'evalsha eval wait',
    keys: {
      events: 'xadd',
      publisher: 'get getex set',
      publishedIds: 'zmscore zadd zrem zrangebyscore',
    },
  },
  coordinate: {
    commands: 'fcall',
    keys: {
      events: 'xadd exists xinfo|stream',
      heartbeats: 'zadd zcard zrange zrem',
      deadlines: 'zadd zcard zrem',
      ended: 'zadd zcard zrem',
      lives: 'get',
      nearBound: 'zadd zcard',
      setAside: 'hlen hset',
      coordinator: 'hget hgetall hlen hmget hset',
      inbox:
        'memory|usage pexpire pttl unlink xack xadd xdel xgroup|create xgroup|destroy xinfo|groups xinfo|stream xlen xrange xreadgroup',
      settled: 'pexpire zadd zcard zrange zrangebyscore zrem',
      bell: 'xadd xread xrevrange',
      signal: 'hget hgetall hlen hmget hset pexpire pttl',
      acks: 'hdel hget hgetall hlen hset pexpire',
      wait: 'exists hget hgetall hset pexpire',
      waits: 'sadd scard srandmember srem',
      work: 'hdel hexists hget hgetall hlen hrandfield hset hsetnx',
    },
  },
  /** Finds coordinators, waits and ACKs that are overdue, and inboxes that are nearly full. */
  monitor: {
    commands: 'fcall function|load',
    keys: {
      events: 'xadd exists xinfo|stream',
      heartbeats: 'zadd zcard zrange zrangebyscore zrem',
      deadlines: 'zadd zcard zrange zrangebyscore zrem',
      ended: 'zadd zcard',
      nearBound: 'zcard zrange zrem',
      monitor: 'hgetall hmget hset',
      setAside: 'hlen hset',
      coordinator: 'hget hgetall hmget hset',
      inbox: 'memory|usage pexpire xgroup|destroy xinfo|groups xlen',
      bell: 'xadd',
      signal: 'hget hgetall hlen hmget hset pexpire pttl',
      acks: 'hgetall pexpire',
      wait: 'hget hgetall hlen hset pexpire',
      waits: 'scard srandmember srem',
    },
  },
  /** Removes coordinators that ended long ago. */
  cleanUp: {
    commands: 'fcall function|load',
    keys: {
      events: 'xadd exists xinfo|stream',
      ended: 'zcard zrange zrangebyscore zrem',
      lives: 'get set',
      coordinator: 'hgetall unlink',
      inbox: 'unlink xlen',
      settled: 'unlink',
      bell: 'unlink',
      waits: 'unlink',
      work: 'hlen',
    },
  },
  /** Opens a generation, and folds entries into it. */
  fold: {
    commands: 'evalsha eval ping',
    keys: {
      generations: 'hdel hget hgetall hset',
      events:
        'exists xack xautoclaim xclaim xgroup|create xgroup|delconsumer xinfo|consumers xinfo|groups xinfo|stream xpending xrange xreadgroup xsetid',
      dead: 'exists xadd xinfo|stream xlen',
      marks: 'hdel hget hgetall hmget hset',
      deltas: 'xadd xlen xrange',
      head: 'exists hdel hget hincrby hmget hset',
      snapshot: 'hgetall',
      snapshotParts: 'hget',
    },
  },
  /** Keeps the state small: snapshots, and the bound of dead letters. */
  maintain: {
    commands: 'evalsha eval multi exec',
    keys: {
      dead: 'xtrim',
      stateLoss: 'hset pexpire',
      deltas: 'exists xrange xtrim',
      head: 'exists hget hmget',
      snapshot: 'exists hdel hgetall hmget hset',
      snapshotParts: 'hget hlen hset persist pexpire unlink',
      snapshotWriter: 'del set',
    },
  },
  /** Removes a generation that was replaced, or whose rebuild was canceled. */
  drop: {
    commands: 'evalsha eval',
    keys: {
      generations: 'hdel hget hset',
      events: 'exists xgroup|destroy',
      marks: 'hdel hgetall hset',
      deltas: 'unlink',
      head: 'del',
      snapshot: 'hmget unlink',
      snapshotParts: 'unlink',
      snapshotWriter: 'unlink',
    },
  },
  archive: {
    commands: 'evalsha eval',
    keys: {
      events: 'exists xinfo|groups xinfo|stream xpending xrange xtrim',
      archived: 'hdel hgetall hget hmget hset',
      ages: 'del zadd zrangebyscore zrem',
    },
  },
  /** Archives when a shard is due. */
  schedule: {
    commands: '',
    keys: { archiver: 'del get set' },
  },
  /** The commands of the command line, in addition to the duties above. */
  operate: {
    commands: 'evalsha eval multi exec cluster|keyslot cluster|nodes',
    keys: {
      shards: 'get',
      events: 'xadd xlen xsetid xgroup|create xgroup|destroy',
      dead: 'xdel xrange xrevrange xlen',
      retried: 'get set',
      stateLoss: 'hmget',
    },
  },
} as const satisfies Record<string, Duty>;

export type DutyName = keyof typeof DUTIES;
