import { isAfter } from '@streamfold/core';
import type { GenerationKeys, RedisConnection } from '@streamfold/redis';
import type { Snapshot } from '../state/load-snapshot.ts';
import { LOG_START, type DeltaRecord, type Position } from '../state/read-deltas.ts';
import { readWellFormedPointer } from '../state/read-snapshot-pointer.ts';
import { writeSnapshot, type CapturedState, type SnapshotOutcome } from '../state/write-snapshot.ts';

/** A snapshot is due when the log since the last one is this many times as large … */
const SNAPSHOT_GROWTH = 4;
/** … and at least this large (characters), or has this many records: a starting aggregator has to read it. */
const SNAPSHOT_LEAST_SIZE = 16 * 1024 * 1024;
export const SNAPSHOT_RECORDS = 5_000;

/** Decides when a view writes a snapshot. */
export interface SnapshotSchedule {
  /** The view starts from this one. */
  loaded(snapshot: Snapshot): void;
  /** The view has merged this record. */
  merged(record: DeltaRecord): void;
  /** The view has found that a snapshot, or the pointer, cannot be used. */
  unreadable(key: string): void;
  /** Writes a snapshot if one is due. `undefined` if none was, or another aggregator is writing one. */
  writeWhenDue(
    createId: () => string,
    capture: () => CapturedState | undefined,
  ): Promise<Exclude<SnapshotOutcome, { outcome: 'busy' }> | undefined>;
}

/** The length of the log, in characters, after which a snapshot is due that replaces one of `bytes`. */
export function sizeUntilDue(bytes: number): number {
  return Math.max(SNAPSHOT_LEAST_SIZE, SNAPSHOT_GROWTH * bytes);
}

export function createSnapshotSchedule(
  redis: RedisConnection,
  keys: GenerationKeys,
  { snapshotRecords = SNAPSHOT_RECORDS }: { readonly snapshotRecords?: number },
): SnapshotSchedule {
  /** The newest known snapshot. */
  let newest: { readonly position: Position; readonly bytes: number } = { ...LOG_START, bytes: 0 };
  let size = 0;
  let records = 0;
  /** Unusable snapshots, until a usable one is published. */
  const broken = new Set<string>();

  const restart = (position: Position, bytes: number): void => {
    newest = { position, bytes };
    size = 0;
    records = 0;
  };

  const hasGrown = (): boolean => size >= sizeUntilDue(newest.bytes) || records >= snapshotRecords;

  return {
    loaded: ({ at, bytes }) => restart(at.position, bytes),
    merged(record) {
      size += record.size;
      records++;
    },
    unreadable(key) {
      broken.add(key);
    },
    async writeWhenDue(createId, capture) {
      if (broken.size === 0 && !hasGrown()) return undefined;
      const current = (await readWellFormedPointer(redis, keys))?.current;
      if (current !== undefined && !broken.has(current.key)) {
        broken.clear(); // another aggregator has replaced it
        if (isAfter(current.at.position, newest.position)) {
          restart(current.at.position, current.bytes);
          return undefined;
        }
        if (!hasGrown()) return undefined;
      }
      const written = await writeSnapshot(redis, keys, {
        id: createId(),
        capture() {
          const captured = capture();
          if (captured !== undefined) restart(captured.at.position, newest.bytes); // more records are merged while it is written
          return captured;
        },
        unreadable: broken,
      });
      if (written.outcome === 'busy') return undefined;
      newest = { position: written.at.position, bytes: written.bytes };
      if (written.outcome === 'published') broken.clear();
      return written;
    },
  };
}
