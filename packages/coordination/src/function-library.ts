import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { STREAM_LUA, type RedisConnection } from '@streamfold/redis';

/**
 * The functions of the library, one file each in `lua/`. The names that other languages call them by are these with
 * `streamfold_1_` before them and `_` for `-`; the number is that of the interface, and another one can be loaded beside
 * it while programs are being replaced.
 */
const FUNCTION_NAMES = [
  'start-coordinator',
  'beat',
  'change-phase',
  'stop-coordinator',
  'send-signal',
  'acknowledge-signal',
  'settle-signal',
  'list-settled',
  'read-near-bound',
  'read-acks',
  'reject-ack',
  'start-wait',
  'finish-wait',
  'step-monitor',
  'open-work',
  'finish-work',
  'list-work',
  'take-over',
  'clean-up',
] as const;

export type FunctionName = (typeof FUNCTION_NAMES)[number];

const INTERFACE = 1;

/**
 * Which edition of the Lua this is; to be raised with every change of it (test/coordination/library-editions.json holds
 * it to that). Programs of several editions may be running while they are replaced: the one of the highest build is the
 * one that all of them call.
 */
const BUILD = 11;

const BUILD_FUNCTION = `streamfold_${INTERFACE}_build`;

/** What the functions share, each file using those before it. */
const SHARED = [
  STREAM_LUA,
  ...['prelude', 'step', 'signals', 'inboxes', 'set-aside', 'waits'].map(locateLua),
];

const SOURCES = [...SHARED, ...FUNCTION_NAMES.map(locateLua)]
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');
const DIGEST = createHash('sha256').update(SOURCES).digest('hex').slice(0, 12);

/** The library as FUNCTION LOAD takes it. */
export const LIBRARY = assembleLibrary();

function assembleLibrary(): string {
  const registrations = FUNCTION_NAMES.map(
    (name) => `redis.register_function('${registeredName(name)}', ${name.replaceAll('-', '_')})`,
  );
  return [
    `#!lua name=streamfold_coordination_${INTERFACE}`,
    SOURCES,
    ...registrations,
    `redis.register_function{function_name='${BUILD_FUNCTION}', flags={'no-writes'},`,
    `  callback=function() return '${BUILD} ${DIGEST}' end}`,
    '',
  ].join('\n');
}

function locateLua(name: string): URL {
  return new URL(`../lua/${name}.lua`, import.meta.url);
}

function registeredName(name: FunctionName): string {
  return `streamfold_${INTERFACE}_${name.replaceAll('-', '_')}`;
}

/**
 * FCALL streamfold_1_build 0, FUNCTION LOAD [REPLACE] library
 *
 * Sees to it that this edition of the functions is there, or a later one: it is loaded where there is none, an earlier
 * one, or another one of the same build. A user that may not load is left with what is there. Functions are persisted and
 * replicated with the data; in a Redis Cluster each primary has its own.
 */
export async function ensureLibrary(redis: RedisConnection): Promise<void> {
  try {
    await updateLibrary(redis);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOPERM')) throw error;
  }
}

async function updateLibrary(redis: RedisConnection): Promise<void> {
  const nodes = 'nodes' in redis ? redis.nodes('master') : [redis];
  await Promise.all(nodes.map(updateLibraryOfNode));
}

type RedisNode = Pick<RedisConnection, 'call'>;

/**
 * A thousand coordinators that start at once all find it missing: compiling takes Redis some ms, being told that it is
 * there by now takes some us. So nothing is replaced that was not asked for its build.
 */
async function updateLibraryOfNode(node: RedisNode): Promise<void> {
  const found = await readBuild(node);
  if (found === undefined && (await loadWhereMissing(node))) return;
  const loaded = found ?? (await readBuild(node));
  if (loaded === undefined || isOutdated(loaded)) await node.call('FUNCTION', 'LOAD', 'REPLACE', LIBRARY);
}

/** `<build> <digest>`; undefined where there is no library, or one that does not tell. */
async function readBuild(node: RedisNode): Promise<string | undefined> {
  try {
    return String(await node.call('FCALL', BUILD_FUNCTION, 0));
  } catch (error) {
    if (isFunctionMissing(error)) return undefined;
    throw error;
  }
}

function isOutdated(loaded: string): boolean {
  const [build, digest] = loaded.split(' ');
  return Number(build) < BUILD || (Number(build) === BUILD && digest !== DIGEST);
}

/** False where there is one by now. */
async function loadWhereMissing(node: RedisNode): Promise<boolean> {
  try {
    await node.call('FUNCTION', 'LOAD', LIBRARY);
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.includes('already exists')) return false;
    throw error;
  }
}

function isFunctionMissing(error: unknown): boolean {
  return error instanceof Error && error.message.includes('Function not found');
}

/**
 * FCALL streamfold_1_<name> 1 events arg …
 *
 * Calls a function, and loads the library where Redis does not have it: at first use, or after a FLUSHALL.
 *
 * @throws what Redis replies: `STREAMFOLD …` says what was expected and what came. After an error of the connection
 *   nobody knows whether it was done.
 */
export async function callFunction(
  redis: RedisConnection,
  name: FunctionName,
  [events, ...args]: readonly [events: string, ...args: (string | number)[]],
): Promise<unknown> {
  for (let loads = 0; ; loads++) {
    try {
      return await redis.fcall(registeredName(name), 1, events, ...args);
    } catch (error) {
      if (!isFunctionMissing(error) || loads === 2) throw error;
      await updateLibrary(redis);
    }
  }
}
