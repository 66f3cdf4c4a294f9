import { encodeDeltaInParts, pruneTombstones, type Delta } from '@streamfold/core';
import {
  loadScript,
  runTransaction,
  STREAM_LUA,
  type GenerationKeys,
  type RedisConnection,
} from '@streamfold/redis';
import type { Births } from './births.ts';
import { birthsField } from './load-snapshot.ts';
import type { RecordName } from './read-deltas.ts';
import { readSnapshotKeys, readWellFormedPointer } from './read-snapshot-pointer.ts';
import { trimDeltas } from './trim-deltas.ts';

const script = loadScript(new URL('../../lua/publish-snapshot.lua', import.meta.url), STREAM_LUA);

/** Series and coordinators, or births, in one part: about 200 kB, so no step of writing or reading is long. */
const PART_ITEMS = 2_000;
/** Parts of a snapshot without a pointer (its writer died) expire after this time. */
const UNPUBLISHED_TTL_MS = 600_000;
/** Parts of a replaced snapshot stay this long for current readers. */
const REPLACED_TTL_MS = 60_000;
/** One aggregator writes at a time; only a courtesy, two at once do no harm. */
const WRITER_TTL_MS = 30_000;

/** The content of a snapshot. */
export interface CapturedState {
  readonly state: Delta;
  readonly births: Births;
  readonly at: RecordName;
  /** When that record was appended, ms of Redis's clock. */
  readonly atMs: number;
}

/**
 * `superseded`: another one was published meanwhile. `discontinued`: the delta log no longer holds the record at which it was
 * taken, or parts are gone; Redis went back to an older state.
 */
type PublishOutcome = 'published' | 'superseded' | 'discontinued';

export type SnapshotOutcome =
  | {
      readonly outcome: PublishOutcome;
      readonly at: RecordName;
      readonly bytes: number;
    }
  | { readonly outcome: 'busy' };

export interface SnapshotWriting {
  /** Must be unique. */
  readonly id: string;
  /**
   * Called once, when it is this aggregator's turn; its result is encoded before the next await. `undefined`: the state has
   * been replaced meanwhile.
   */
  readonly capture: () => CapturedState | undefined;
  /** Keys of snapshots that cannot be used, as this aggregator has found. */
  readonly unreadable: ReadonlySet<string>;
}

/**
 * Writes the state at a record of the delta log as the current snapshot, in bounded steps, and trims the log up to the
 * previous snapshot, which stays as a fallback.
 *
 * Crash-safe at every step: until the pointer has moved nothing has changed for others, and parts without a pointer expire.
 */
export async function writeSnapshot(
  redis: RedisConnection,
  keys: GenerationKeys,
  { id, capture, unreadable }: SnapshotWriting,
): Promise<SnapshotOutcome> {
  const writer = await redis.set(keys.snapshotWriter, id, 'PX', WRITER_TTL_MS, 'NX');
  if (writer === null) return { outcome: 'busy' };
  const captured = capture();
  if (captured === undefined) {
    await redis.del(keys.snapshotWriter);
    return { outcome: 'busy' };
  }
  const { state, births, at, atMs } = captured;
  pruneTombstones(state);
  const parts = [...encodeDeltaInParts(state, PART_ITEMS)];
  const birthParts = [...births.encodeInParts(atMs, PART_ITEMS)];
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const outcome = await publish(redis, keys, { parts, birthParts, bytes, at, id, unreadable });
  if (outcome === 'published') while ((await trimDeltas(redis, keys)) > 0);
  await redis.del(keys.snapshotWriter);
  return { outcome, at, bytes };
}

interface EncodedSnapshot {
  readonly id: string;
  readonly at: RecordName;
  readonly parts: readonly string[];
  readonly birthParts: readonly string[];
  readonly bytes: number;
  readonly unreadable: ReadonlySet<string>;
}

async function publish(
  redis: RedisConnection,
  keys: GenerationKeys,
  { parts, birthParts, bytes, at, id, unreadable }: EncodedSnapshot,
): Promise<PublishOutcome> {
  const { current, previous } = await readSnapshotKeys(redis, keys);
  const pointer = await readWellFormedPointer(redis, keys); // after the keys, which the script compares
  const isReadable = (name: string | undefined): boolean =>
    pointer !== undefined && name !== undefined && !unreadable.has(name);
  if (isReadable(current) && pointer?.current.at.position === at.position) return 'superseded';
  const key = keys.snapshotParts(id);
  await writeParts(redis, key, { parts, birthParts });
  // A foreign key may be in another hash slot.
  const declare = (name: string | undefined): string =>
    name?.startsWith(keys.snapshotParts('')) === true ? name : key;
  const reply = await script.run(
    redis,
    [keys.snapshot, keys.deltas, keys.head, key, declare(current), declare(previous)],
    [
      at.position,
      at.nonce ?? '',
      parts.length,
      birthParts.length,
      bytes,
      current ?? '',
      isReadable(current) ? 1 : 0,
      isReadable(previous) ? 1 : 0,
      REPLACED_TTL_MS,
    ],
  );
  if (reply === 'published') return 'published';
  await redis.unlink(key);
  return reply === 'discontinued' ? 'discontinued' : 'superseded';
}

async function writeParts(
  redis: RedisConnection,
  key: string,
  { parts, birthParts }: Pick<EncodedSnapshot, 'parts' | 'birthParts'>,
): Promise<void> {
  for (const [part, text] of parts.entries()) {
    if (part > 0) await redis.hset(key, String(part), text);
    else await runTransaction(redis.multi().hset(key, '0', text).pexpire(key, UNPUBLISHED_TTL_MS));
  }
  for (const [part, text] of birthParts.entries()) await redis.hset(key, birthsField(part), text);
}
