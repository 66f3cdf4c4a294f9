import { decodeDelta, emptyDelta, mergeDelta, type Delta } from '@streamfold/core';
import type { GenerationKeys, RedisConnection } from '@streamfold/redis';
import { createBirths, type Births } from './births.ts';
import { LOG_START, type Position } from './read-deltas.ts';

/** The state at a position of the delta log. */
export interface Snapshot {
  readonly position: Position;
  readonly state: Delta;
  /** Of the series that were young there. */
  readonly births: Births;
  /** Characters of all its parts. */
  readonly bytes: number;
}

/** What the pointer to the current snapshot says. */
export interface SnapshotPointer {
  readonly position: Position;
  readonly key: string;
  readonly parts: number;
  readonly bytes: number;
}

/** HMGET snapshot position key parts bytes; `undefined` where there is no snapshot yet. */
export async function readSnapshotPointer(
  redis: RedisConnection,
  { snapshot }: GenerationKeys,
): Promise<SnapshotPointer | undefined> {
  const [position, key, parts, bytes] = await redis.hmget(snapshot, 'position', 'key', 'parts', 'bytes');
  if (typeof position !== 'string' || typeof key !== 'string') return undefined;
  return { position, key, parts: Number(parts), bytes: Number(bytes) };
}

/**
 * HGET parts births:n, then HGET parts n, for each part
 *
 * The current snapshot, or the empty state at the start of the log where there is none. Where a newer one replaces it
 * and its parts expire while they are read, the newer one is read.
 */
export async function loadSnapshot(redis: RedisConnection, keys: GenerationKeys): Promise<Snapshot> {
  for (;;) {
    const pointer = await readSnapshotPointer(redis, keys);
    if (pointer === undefined) {
      return { position: LOG_START, state: emptyDelta(), births: createBirths(), bytes: 0 };
    }
    const births = await readBirths(redis, pointer); // first: where they have expired, so have the parts
    const state = await readParts(redis, pointer);
    if (state !== undefined) return { position: pointer.position, state, births, bytes: pointer.bytes };
    const current = await readSnapshotPointer(redis, keys);
    if (current?.position === pointer.position) {
      throw new Error(`snapshot ${pointer.key}: expected ${pointer.parts} parts, some are missing`);
    }
  }
}

async function readParts(
  redis: RedisConnection,
  { key, parts }: SnapshotPointer,
): Promise<Delta | undefined> {
  const state = emptyDelta();
  for (let part = 0; part < parts; part++) {
    const text = await redis.hget(key, String(part));
    if (text === null) return undefined;
    mergeDelta(state, decodeDelta(text));
  }
  return state;
}

/** Name of the field that holds part `part` of the births; the first that is not there ends them. */
export function birthsField(part: number): string {
  return `births:${part}`;
}

async function readBirths(redis: RedisConnection, { key }: SnapshotPointer): Promise<Births> {
  const births = createBirths();
  for (let part = 0; ; part++) {
    const text = await redis.hget(key, birthsField(part));
    if (text === null) return births;
    births.decode(text);
  }
}
