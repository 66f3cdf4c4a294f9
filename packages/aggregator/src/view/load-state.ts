import type { GenerationKeys, RedisConnection } from '@streamfold/redis';
import type { ViewLoadCause } from '../run/fact.ts';
import { readSnapshots, type Snapshot } from '../state/load-snapshot.ts';
import { readSnapshotKeys } from '../state/read-snapshot-pointer.ts';
import { UnreadableSnapshotError, UnreadableStateError } from '../state/unreadable-snapshot-error.ts';

/** The callbacks of a view while its state is loaded. */
export interface StateLoader {
  /** Shows the state of a snapshot, and follows the log from there. False if the log does not continue from it. */
  start(snapshot: Snapshot, cause: ViewLoadCause): Promise<boolean>;
  /** A snapshot cannot be used. */
  skip(error: UnreadableSnapshotError): void;
}

/** The log can be trimmed past a snapshot while it is being loaded, but not this many times in a row. */
const LOAD_TRIES = 3;

/**
 * Starts from the newest snapshot from which the log continues, or from the start of the log.
 *
 * @throws {UnreadableStateError} if no start leads to the end of the log.
 */
export async function loadState(
  { redis, keys }: { redis: RedisConnection; keys: GenerationKeys },
  loader: StateLoader,
  cause: ViewLoadCause,
): Promise<void> {
  for (let tries = 0; tries < LOAD_TRIES; tries++) {
    const outcome = await tryToLoad({ redis, keys }, loader, tries === 0 ? cause : 'log_discontinued');
    if (outcome === 'loaded') return;
    if (outcome === 'unreadable') break;
  }
  throw new UnreadableStateError(
    `delta log ${keys.deltas}: expected a snapshot from which it continues, or its beginning; there is neither: run streamfold rebuild --force`,
  );
}

/** `overtaken` if a new snapshot was published meanwhile, and the log trimmed. */
async function tryToLoad(
  { redis, keys }: { redis: RedisConnection; keys: GenerationKeys },
  { start, skip }: StateLoader,
  cause: ViewLoadCause,
): Promise<'loaded' | 'overtaken' | 'unreadable'> {
  const named = await readSnapshotKeys(redis, keys);
  for await (const snapshot of readSnapshots(redis, keys, skip)) {
    if (await start(snapshot, cause)) return 'loaded';
    if ((await readSnapshotKeys(redis, keys)).current !== named.current) return 'overtaken';
    if (snapshot.key === undefined) continue;
    const { key, at } = snapshot;
    const what = `snapshot ${key}: expected delta log ${keys.deltas} to continue from ${at.position}; it does not`;
    skip(new UnreadableSnapshotError(what, { key, reason: 'discontinued' }));
  }
  return 'unreadable';
}
