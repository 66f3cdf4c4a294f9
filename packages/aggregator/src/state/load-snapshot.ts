import { decodeDelta, emptyDelta, mergeDelta, type Delta } from '@streamfold/core';
import { toError, type GenerationKeys, type RedisConnection } from '@streamfold/redis';
import { createBirths, type Births } from './births.ts';
import { LOG_START, type RecordName } from './read-deltas.ts';
import { readSnapshotPointer, type StoredSnapshot } from './read-snapshot-pointer.ts';
import { UnreadableSnapshotError } from './unreadable-snapshot-error.ts';

/** The state at a record of the delta log. */
export interface Snapshot {
  /** Where its parts are; `undefined` if it is the empty state at the start of the log. */
  readonly key: string | undefined;
  readonly at: RecordName;
  readonly state: Delta;
  /** The births of the series that were young at that record. */
  readonly births: Births;
  /** Characters of all its parts. */
  readonly bytes: number;
}

/**
 * HGETALL snapshot, then HGET parts n, for each part
 *
 * The states from which a view can start, best first: the current snapshot, the previous one, and the empty state at the
 * start of the log. Reading the log from it shows whether the log continues from it.
 *
 * @param onUnreadable called with each snapshot that has to be skipped, and why.
 */
export async function* readSnapshots(
  redis: RedisConnection,
  keys: GenerationKeys,
  onUnreadable: (error: UnreadableSnapshotError) => void,
): AsyncGenerator<Snapshot> {
  for (const stored of await readStored(redis, keys, onUnreadable)) {
    const snapshot = await skipUnreadable(() => readSnapshot(redis, stored), onUnreadable);
    if (snapshot !== undefined) yield snapshot;
  }
  yield { key: undefined, at: LOG_START, state: emptyDelta(), births: createBirths(), bytes: 0 };
}

async function readStored(
  redis: RedisConnection,
  keys: GenerationKeys,
  onUnreadable: (error: UnreadableSnapshotError) => void,
): Promise<StoredSnapshot[]> {
  const pointer = await skipUnreadable(() => readSnapshotPointer(redis, keys), onUnreadable);
  if (pointer === undefined) return [];
  return pointer.previous === undefined ? [pointer.current] : [pointer.current, pointer.previous];
}

async function skipUnreadable<T>(
  read: () => Promise<T>,
  onUnreadable: (error: UnreadableSnapshotError) => void,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof UnreadableSnapshotError)) throw error;
    onUnreadable(error);
    return undefined;
  }
}

async function readSnapshot(redis: RedisConnection, stored: StoredSnapshot): Promise<Snapshot> {
  const { key, parts, births: birthParts, bytes, at } = stored;
  const births = createBirths();
  for (let part = 0; part < (birthParts ?? Infinity); part++) {
    const text = await redis.hget(key, birthsField(part));
    // The pointer of an earlier version does not say how many there are.
    if (text === null && birthParts === undefined) break;
    decodePart(key, { field: birthsField(part), text, decode: (whole) => births.decode(whole) });
  }
  const state = emptyDelta();
  for (let part = 0; part < parts; part++) {
    const text = await redis.hget(key, String(part));
    decodePart(key, { field: String(part), text, decode: (whole) => mergeDelta(state, decodeDelta(whole)) });
  }
  return { key, at, state, births, bytes };
}

function decodePart(
  key: string,
  { field, text, decode }: { field: string; text: string | null; decode: (text: string) => void },
): void {
  if (text === null) {
    const what = `snapshot ${key}: expected part ${field}; it is missing`;
    throw new UnreadableSnapshotError(what, { key, reason: 'missing' });
  }
  try {
    decode(text);
  } catch (cause) {
    const why = toError(cause).message;
    throw new UnreadableSnapshotError(`snapshot ${key}, part ${field}: ${why}`, {
      key,
      reason: 'malformed',
      cause,
    });
  }
}

/** Name of the field that holds part `part` of the births. */
export function birthsField(part: number): string {
  return `births:${part}`;
}
