import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { STREAM_LUA, type RedisConnection } from '@streamfold/redis';

/**
 * The functions of the library, one file each in `lua/`. Other languages call them by these names with the prefix
 * `streamfold_2_` and `_` for `-`. The number is that of the interface: another one can be loaded beside it during a rolling
 * upgrade.
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

/**
 * Callers of interface 2 declare all keys of a call. Those of interface 1 declared only the stream of events, and its functions
 * named the other keys by themselves. Both work on the same state.
 */
export const INTERFACE = 2;
export const EARLIER_INTERFACE = 1;

/**
 * The edition of the Lua; raise it with every change (checked with test/coordination/library-editions.json). Programs of
 * several editions may run during a rolling upgrade: all of them call the one with the highest build.
 */
const BUILD = 2;

const BUILD_FUNCTION = `streamfold_${INTERFACE}_build`;

/** The code that the functions share; each file uses those before it. */
const SHARED = [
  STREAM_LUA,
  ...['declared-keys', 'prelude', 'step', 'signals', 'inboxes', 'set-aside', 'waits'].map(locateLua),
];

const SOURCES = [...SHARED, ...FUNCTION_NAMES.map(locateLua)]
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');
const DIGEST = createHash('sha256').update(SOURCES).digest('hex').slice(0, 12);

/** The library in the form for FUNCTION LOAD. */
export const LIBRARY = assembleLibrary();

function assembleLibrary(): string {
  const registrations = FUNCTION_NAMES.map(
    (name) =>
      `redis.register_function('${registeredName(name)}', with_declared_keys(${name.replaceAll('-', '_')}))`,
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

/** The name of a function in Redis. */
export function registeredName(name: FunctionName, ofInterface = INTERFACE): string {
  return `streamfold_${ofInterface}_${name.replaceAll('-', '_')}`;
}

/**
 * FCALL streamfold_2_build 0, FUNCTION LOAD [REPLACE] library
 *
 * Makes sure that this edition of the functions is loaded, or a later one: it replaces an earlier one, or another one of
 * the same build. A user who may not load functions works with the loaded ones. Functions are persisted and replicated with
 * the data; in a Redis Cluster each primary has its own.
 */
export async function ensureLibrary(redis: RedisConnection): Promise<void> {
  try {
    await updateLibrary(redis);
  } catch (error) {
    if (!isNotPermitted(error)) throw error;
  }
}

/** Does the same, or fails with NOPERM if the user may not. */
export async function updateLibrary(redis: RedisConnection): Promise<void> {
  const nodes = 'nodes' in redis ? redis.nodes('master') : [redis];
  await Promise.all(nodes.map(updateLibraryOfNode));
}

type RedisNode = Pick<RedisConnection, 'call'>;

/**
 * If a thousand coordinators start at once, all find it missing: compiling takes Redis a few ms, the reply that it is
 * already loaded a few us. So a library is replaced only after its build was read.
 */
async function updateLibraryOfNode(node: RedisNode): Promise<void> {
  const found = await readBuild(node);
  if (found === undefined && (await loadWhereMissing(node))) return;
  const loaded = found ?? (await readBuild(node));
  if (loaded === undefined || isOutdated(loaded)) await node.call('FUNCTION', 'LOAD', 'REPLACE', LIBRARY);
}

/** The library of a node, compared with this one. */
export type LibraryEdition = 'missing' | 'outdated' | 'current';

/** FCALL streamfold_2_build 0: whether a node has this edition of the functions, or a later one. */
export async function readLibraryEdition(node: RedisNode): Promise<LibraryEdition> {
  const loaded = await readBuild(node);
  if (loaded === undefined) return 'missing';
  return isOutdated(loaded) ? 'outdated' : 'current';
}

/** `<build> <digest>`; undefined if there is no library, or one that does not report it. */
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

/** False if there is one by now. */
async function loadWhereMissing(node: RedisNode): Promise<boolean> {
  try {
    await node.call('FUNCTION', 'LOAD', LIBRARY);
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.includes('already exists')) return false;
    throw error;
  }
}

export function isFunctionMissing(error: unknown): boolean {
  return error instanceof Error && error.message.includes('Function not found');
}

export function isNotPermitted(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOPERM');
}
