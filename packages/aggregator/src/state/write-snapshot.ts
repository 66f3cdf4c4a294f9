import { compareStamps, encodeDeltaInParts, pruneTombstones, stampMs, type Delta } from '@streamfold/core';
import { loadScript, type GenerationKeys, type RedisConnection } from '@streamfold/redis';
import type { Births } from './births.ts';
import { birthsField, readSnapshotPointer, type SnapshotPointer } from './load-snapshot.ts';
import type { Position } from './read-deltas.ts';

const script = loadScript(new URL('../../lua/publish-snapshot.lua', import.meta.url));

/** Series and coordinators, or births, in one part: some 200 kB, so no step of writing or reading is long. */
const PART_ITEMS = 2_000;
/** Parts of a snapshot that nobody points to (its writer died) vanish after this time. */
const UNPUBLISHED_TTL_MS = 600_000;
/** Parts of a replaced snapshot stay for those who are reading them. */
const REPLACED_TTL_MS = 60_000;
/** One aggregator writes at a time; only a courtesy, two at once do no harm. */
const WRITER_TTL_MS = 30_000;
/** Records trimmed from the delta log by one command. */
const TRIM_RECORDS = 100;

/** What becomes a snapshot. */
interface CapturedState {
  readonly state: Delta;
  readonly births: Births;
  readonly position: Position;
}

export type SnapshotOutcome =
  | { readonly outcome: 'published' | 'superseded'; readonly position: Position; readonly bytes: number }
  | { readonly outcome: 'busy' };

/**
 * Writes the state at `position` of the delta log as the current snapshot, in bounded steps, and trims the log behind
 * the snapshot before it: whoever was reading that one can still go on from there. `id` must be unique.
 *
 * Crash-safe at every step: until the pointer has moved nothing has changed for others, and parts without a pointer
 * expire. `capture` is called once, when it is this aggregator's turn; what it gives is encoded before the next wait. It
 * may give nothing: the state is another one by then.
 */
export async function writeSnapshot(
  redis: RedisConnection,
  keys: GenerationKeys,
  { id, capture }: { id: string; capture: () => CapturedState | undefined },
): Promise<SnapshotOutcome> {
  const writer = await redis.set(keys.snapshotWriter, id, 'PX', WRITER_TTL_MS, 'NX');
  if (writer === null) return { outcome: 'busy' };
  const captured = capture();
  if (captured === undefined) {
    await redis.del(keys.snapshotWriter);
    return { outcome: 'busy' };
  }
  const { state, births, position } = captured;
  pruneTombstones(state);
  const parts = [...encodeDeltaInParts(state, PART_ITEMS)];
  const birthParts = [...births.encodeInParts(stampMs(position), PART_ITEMS)];
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const current = await readSnapshotPointer(redis, keys);
  const outcome = await publishParts(redis, keys, { parts, birthParts, bytes, position, id, current });
  if (outcome === 'published' && current !== undefined) await trimLog(redis, keys, current.position);
  await redis.del(keys.snapshotWriter);
  return { outcome, position, bytes };
}

async function publishParts(
  redis: RedisConnection,
  keys: GenerationKeys,
  snapshot: {
    parts: readonly string[];
    birthParts: readonly string[];
    bytes: number;
    position: Position;
    id: string;
    current: SnapshotPointer | undefined;
  },
): Promise<'published' | 'superseded'> {
  const { parts, birthParts, bytes, position, id, current } = snapshot;
  if (current !== undefined && compareStamps(current.position, position) >= 0) return 'superseded';
  const key = keys.snapshotParts(id);
  for (const [part, text] of parts.entries()) {
    if (part > 0) await redis.hset(key, String(part), text);
    else await redis.multi().hset(key, '0', text).pexpire(key, UNPUBLISHED_TTL_MS).exec();
  }
  for (const [part, text] of birthParts.entries()) await redis.hset(key, birthsField(part), text);
  const reply = await script.run(
    redis,
    [keys.snapshot, key, current?.key ?? key, keys.head],
    [position, parts.length, bytes, current?.position ?? '', REPLACED_TTL_MS],
  );
  if (reply === 'published') return 'published';
  await redis.unlink(key);
  return 'superseded';
}

/** XTRIM deltas MINID ~ position LIMIT n, until nothing is left to trim. */
async function trimLog(
  redis: RedisConnection,
  { deltas }: GenerationKeys,
  position: Position,
): Promise<void> {
  let trimmed: number;
  do trimmed = await redis.xtrim(deltas, 'MINID', '~', position, 'LIMIT', TRIM_RECORDS);
  while (trimmed > 0);
}
