import {
  askAll,
  listShards,
  loadScript,
  toError,
  type Installation,
  type RedisConnection,
  type Shard,
} from '@streamfold/redis';
import { nameUser } from './acl/acl-rules.ts';
import { DUTIES, type Duty, type DutyName } from './acl/duties.ts';
import { nameKeys, type KeyKind } from './acl/key-kinds.ts';
import { ROLES, type Role } from './acl/roles.ts';
import { judge, type Finding } from './finding.ts';

const script = loadScript(new URL('../../lua/check-permissions.lua', import.meta.url));

/** They need functions; counting works without them. */
const WITH_FUNCTIONS: ReadonlySet<DutyName> = new Set(['coordinate', 'monitor', 'cleanUp']);

/**
 * Checks that this user may run the commands of the programs on every kind of key: those of its role if it is one of the users
 * that `doctor --acl` prints, otherwise all. Missing permissions of coordination alone are only a warning.
 */
export async function inspectPermissions(
  redis: RedisConnection,
  installation: Installation,
): Promise<readonly Finding[]> {
  const { prefix } = installation;
  const { ok, fail } = judge('permissions');
  const role = roleOf(redis, prefix);
  const duties = role === undefined ? (Object.keys(DUTIES) as DutyName[]) : ROLES[role];
  try {
    const counting = duties.filter((duty) => !WITH_FUNCTIONS.has(duty));
    const refused = await findRefused(redis, installation, counting);
    const whose = role === undefined ? 'all required commands' : `all commands that ${role}s need`;
    const finding =
      refused === ''
        ? ok(`${whose} are permitted on keys ${prefix}:*`)
        : fail(`not permitted: ${refused}; streamfold doctor --acl prints the permissions of each role`);
    const coordinating = duties.filter((duty) => WITH_FUNCTIONS.has(duty));
    if (coordinating.length === 0) return [finding];
    return [finding, judgeCoordination(await findRefused(redis, installation, coordinating), role)];
  } catch (error) {
    const why = toError(error).message;
    const text = `expected EVALSHA and EVAL on keys ${prefix}:* to be permitted; got ${why}`;
    return [fail(text)];
  }
}

/** Counting works without coordination, but a coordinator does not. */
function judgeCoordination(refused: string, role: Role | undefined): Finding {
  const { ok, warn, fail } = judge('coordination');
  if (refused === '') {
    return ok(
      role === 'coordinator' ? 'the functions may be called' : 'the functions may be loaded and called',
    );
  }
  if (role === 'coordinator') return fail(`not permitted: ${refused}`);
  return warn(`not permitted: ${refused}; coordinators and monitors need it, counting does not`);
}

/** The role of the user that the connection logs in as, by its name. */
function roleOf(redis: RedisConnection, prefix: string): Role | undefined {
  const { username } = 'nodes' in redis ? (redis.options.redisOptions ?? {}) : redis.options;
  return (Object.keys(ROLES) as Role[]).find((role) => username === nameUser(role, prefix));
}

/** The commands of duties that are not permitted on some shard, in words; empty if all are. */
async function findRefused(
  redis: RedisConnection,
  installation: Installation,
  duties: readonly DutyName[],
): Promise<string> {
  const refused = await askAll(listShards(installation), async (shard) => {
    const needs = duties.flatMap((duty) => listNeeds(DUTIES[duty], shard));
    const keys = nameKeys(shard, SAMPLE_ID);
    const reply = (await script.run(
      redis,
      [keys.events],
      needs.map(({ command }) => command),
    )) as number[];
    return reply.map((at) => needs[at - 1]?.inWords ?? '');
  });
  return [...new Set(refused.flat())].join(', ');
}

const SAMPLE_ID = 'id';

interface Need {
  /** A command, with the arguments that Redis needs to find its keys. */
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

/** Redis finds the keys of these commands by their other arguments. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  eval: 'script 1 KEY',
  evalsha: 'sha1 1 KEY',
  fcall: 'streamfold_2_beat 1 KEY',
  xread: 'STREAMS KEY $',
  xreadgroup: 'GROUP group consumer STREAMS KEY >',
  'function|load': 'library',
};
const WITHOUT_KEY = new Set(['info', 'time', 'ping', 'multi', 'exec', 'wait']);

function complete(name: string, key: string): string {
  const args = ARGUMENTS[name] ?? (WITHOUT_KEY.has(name) ? '' : 'KEY');
  return `${spell(name)} ${args.replace('KEY', key)}`;
}

/** Of the commands that name no key themselves, only calls have one. */
function inWords(name: string, key: string): string {
  return (ARGUMENTS[name] ?? '').includes('KEY') ? `${spell(name)} on ${key}` : spell(name);
}

function spell(name: string): string {
  return name.toUpperCase().replace('|', ' ');
}
