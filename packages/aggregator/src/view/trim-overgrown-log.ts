import { readWellFormedPointer } from '../state/read-snapshot-pointer.ts';
import { createShardView, type ShardViewOptions } from './shard-view.ts';
import { SNAPSHOT_RECORDS, sizeUntilDue } from './snapshot-schedule.ts';

/** A log this many times longer than the one at which a serving aggregator writes a snapshot is trimmed by nobody else. */
const OVERGROWN = 2;

export interface TrimOvergrownOptions extends Omit<ShardViewOptions, 'listener' | 'snapshotRecords'> {
  /** Number of records of the delta log that is too many, however small they are. */
  readonly overgrownRecords?: number;
}

/**
 * Writes a snapshot and trims the delta log up to it if no serving aggregator does, because all only fold. Loads the
 * state for that, and releases it afterwards. Two constant reads if there is nothing to do. Returns true if it has
 * written one.
 */
export async function trimOvergrownLog(options: TrimOvergrownOptions): Promise<boolean> {
  if (!(await isOvergrown(options))) return false;
  const listener = { changed: () => undefined, replaced: () => undefined };
  const view = createShardView({ ...options, listener, snapshotRecords: 1 });
  await view.refresh();
  await view.writeSnapshotWhenDue();
  return true;
}

/** XLEN deltas, HGETALL snapshot, HGET head appended_bytes */
async function isOvergrown({
  redis,
  generation: { keys },
  overgrownRecords = OVERGROWN * SNAPSHOT_RECORDS,
}: TrimOvergrownOptions): Promise<boolean> {
  if ((await redis.xlen(keys.deltas)) >= overgrownRecords) return true;
  const pointer = await readWellFormedPointer(redis, keys);
  const appended = Number((await redis.hget(keys.head, 'appended_bytes')) ?? 0);
  const grown = appended - (pointer?.appendedBytes ?? 0);
  return grown >= OVERGROWN * sizeUntilDue(pointer?.current.bytes ?? 0);
}
