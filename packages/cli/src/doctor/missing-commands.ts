import {
  askAll,
  listShards,
  loadScript,
  type Installation,
  type RedisConnection,
  type Shard,
} from '@streamfold/redis';
import { nameUser } from './acl/acl-rules.ts';
import { DUTIES, type Duty, type DutyName } from './acl/duties.ts';
import { nameKeys, type KeyKind } from './acl/key-kinds.ts';
import { ROLES, type Role } from './acl/roles.ts';

const script = loadScript(new URL('../../lua/check-permissions.lua', import.meta.url));

/** The commands that cannot be run, in words: `XADD on streamfold:{0}:events`. */
export interface Missing {
  /** This user may not run them. */
  readonly refused: readonly string[];
  /** The server does not know them. */
  readonly unknown: readonly string[];
}

/** `not permitted: …; unknown to this server: …`; empty if nothing is missing. */
export function describeMissing({ refused, unknown }: Missing): string {
  return [
    ...(refused.length > 0 ? [`not permitted: ${refused.join(', ')}`] : []),
    ...(unknown.length > 0 ? [`unknown to this server: ${unknown.join(', ')}`] : []),
  ].join('; ');
}

/** The role of the user that the connection logs in as, by its name. */
export function roleOf(redis: RedisConnection, prefix: string): Role | undefined {
  const { username } = 'nodes' in redis ? (redis.options.redisOptions ?? {}) : redis.options;
  return (Object.keys(ROLES) as Role[]).find((role) => username === nameUser(role, prefix));
}

/**
 * The commands of duties that cannot be run on some shard. None of them is run.
 *
 * @throws if this user may not run scripts.
 */
export async function findMissing(
  redis: RedisConnection,
  installation: Installation,
  duties: readonly DutyName[],
): Promise<Missing> {
  const refused = new Set<string>();
  const unknown = new Set<string>();
  await askAll(listShards(installation), async (shard) => {
    const needs = duties.flatMap((duty) => listNeeds(DUTIES[duty], shard));
    const { events } = nameKeys(shard, SAMPLE_ID);
    const commands = needs.map(({ command }) => command);
    const places = (await script.run(redis, [events], commands)) as number[];
    for (const place of places)
      (place > 0 ? refused : unknown).add(needs[Math.abs(place) - 1]?.inWords ?? '');
  });
  return { refused: [...refused], unknown: [...unknown] };
}

/** Whether the server knows a command: it may be too old, or another product. */
export async function isKnown(
  redis: RedisConnection,
  installation: Installation,
  command: string,
): Promise<boolean> {
  const { events } = nameKeys({ prefix: installation.prefix, shard: 0 }, SAMPLE_ID);
  const [place = 0] = (await script.run(redis, [events], [command])) as number[];
  return place >= 0;
}

const SAMPLE_ID = 'id';

interface Need {
  /** A command that could be run. */
  readonly command: string;
  /** `XADD on streamfold:{0}:events`. */
  readonly inWords: string;
}

/** These run only to connect: their failure has been reported, or does no harm. */
const OF_CONNECTING = /^(?:client|cluster|readonly|asking|select)\b/;

function listNeeds({ commands, keys }: Duty, shard: Shard): Need[] {
  const named = nameKeys(shard, SAMPLE_ID);
  const withoutKeys = commands
    .split(' ')
    .filter((name) => name !== '' && !OF_CONNECTING.test(name))
    .map((name) => ({ command: complete(name, named.events), inWords: inWords(name, named.events) }));
  const withKeys = (Object.entries(keys) as [KeyKind, string][]).flatMap(([kind, names]) =>
    names.split(' ').map((name) => ({
      command: complete(name, named[kind]),
      inWords: `${spell(name)} on ${named[kind]}`,
    })),
  );
  return [...withoutKeys, ...withKeys];
}

/** The arguments of commands that have others than one key: Redis 8 checks their number. */
// prettier-ignore
const ARGUMENTS: Readonly<Record<string, string>> = {
  info: '', time: '', ping: '', multi: '', exec: '',
  wait: '0 1', 'function|load': 'library',
  eval: 'script 1 KEY', evalsha: 'sha1 1 KEY', fcall: 'streamfold_2_beat 1 KEY',
  set: 'KEY value', pexpire: 'KEY 1',
  hget: 'KEY field', hmget: 'KEY field', hdel: 'KEY field', hexists: 'KEY field',
  hset: 'KEY field value', hsetnx: 'KEY field value', hincrby: 'KEY field 1',
  sadd: 'KEY member', srem: 'KEY member',
  zadd: 'KEY 1 member', zrem: 'KEY member', zmscore: 'KEY member', zrange: 'KEY 0 1', zrangebyscore: 'KEY 0 1',
  xadd: 'KEY * field value', xack: 'KEY group 1-1', xdel: 'KEY 1-1', xtrim: 'KEY MINID 1-1', xsetid: 'KEY 1-1',
  xrange: 'KEY - +', xrevrange: 'KEY + -', xread: 'STREAMS KEY $', xpending: 'KEY group',
  xreadgroup: 'GROUP group consumer STREAMS KEY >',
  xautoclaim: 'KEY group consumer 1 0-0', xclaim: 'KEY group consumer 1 1-1',
  'xgroup|create': 'KEY group 0', 'xgroup|destroy': 'KEY group', 'xgroup|delconsumer': 'KEY group consumer',
  'xinfo|consumers': 'KEY group',
};

function complete(name: string, key: string): string {
  const args = ARGUMENTS[name] ?? 'KEY';
  return `${spell(name)} ${args.replace('KEY', key)}`;
}

/** Of the commands that name no key themselves, only calls have one. */
function inWords(name: string, key: string): string {
  return (ARGUMENTS[name] ?? '').includes('KEY') ? `${spell(name)} on ${key}` : spell(name);
}

function spell(name: string): string {
  return name.toUpperCase().replace('|', ' ');
}
