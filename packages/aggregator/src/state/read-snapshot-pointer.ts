import type { GenerationKeys, RedisConnection } from '@streamfold/redis';
import type { RecordName } from './read-deltas.ts';
import { UnreadableSnapshotError } from './unreadable-snapshot-error.ts';

/** The pointer's entry for one snapshot. */
export interface StoredSnapshot {
  /** The record of the delta log at which it was taken. */
  readonly at: RecordName;
  readonly key: string;
  readonly parts: number;
  /** Parts that hold births; `undefined` if an earlier version has written it. */
  readonly births: number | undefined;
  /** Characters of all its parts. */
  readonly bytes: number;
}

/** The content of the pointer. */
export interface SnapshotPointer {
  readonly current: StoredSnapshot;
  /** The previous one, as a fallback. */
  readonly previous: StoredSnapshot | undefined;
  /** Bytes that had ever been appended to the delta log when the current one was published. */
  readonly appendedBytes: number;
}

/** The form of a field of the pointer, and its description. */
const FORMS = {
  position: [/^\d{1,20}-\d{1,20}$/, 'the ID of a record'],
  key: [/./, 'the key of a snapshot of this generation'],
  parts: [/^[1-9]\d{0,14}$/, 'a whole number above 0'],
  count: [/^\d{1,15}$/, 'a whole number'],
  nonce: [/^/, 'a nonce'],
} as const satisfies Record<string, readonly [RegExp, string]>;

/**
 * HGETALL snapshot
 *
 * `undefined` if there is no snapshot yet.
 *
 * @throws {UnreadableSnapshotError} if the pointer is malformed.
 */
export async function readSnapshotPointer(
  redis: RedisConnection,
  { snapshot: pointerKey, snapshotParts }: GenerationKeys,
): Promise<SnapshotPointer | undefined> {
  const fields = await redis.hgetall(pointerKey);
  if (Object.keys(fields).length === 0) return undefined;
  const expectField = (name: string, form: keyof typeof FORMS): string => {
    const value = fields[name];
    const [pattern, inWords] = FORMS[form];
    const isOurs = form !== 'key' || value?.startsWith(snapshotParts('')) === true;
    if (value !== undefined && pattern.test(value) && isOurs) return value;
    const what = `snapshot pointer ${pointerKey}: expected ${name} to be ${inWords}; got ${JSON.stringify(value)}`;
    throw new UnreadableSnapshotError(what, { key: pointerKey, reason: 'malformed' });
  };
  const describe = (before: '' | 'previous_', hasDetails: boolean): StoredSnapshot => ({
    at: {
      position: expectField(`${before}position`, 'position'),
      nonce: hasDetails ? expectField(`${before}nonce`, 'nonce') : undefined,
    },
    key: expectField(`${before}key`, 'key'),
    parts: Number(expectField(`${before}parts`, 'parts')),
    births: hasDetails ? Number(expectField(`${before}births`, 'count')) : undefined,
    bytes: Number(expectField(`${before}bytes`, 'count')),
  });
  // An earlier version that moves the pointer leaves the other fields behind, which belong to the key that `details_of` names.
  const hasDetails = fields['details_of'] === fields['key'];
  const current = describe('', hasDetails);
  if (!hasDetails) return { current, previous: undefined, appendedBytes: 0 };
  const appendedBytes = Number(expectField('appended_bytes', 'count'));
  if (fields['previous_key'] === undefined) return { current, previous: undefined, appendedBytes };
  // An earlier version may have written that one.
  return { current, previous: describe('previous_', fields['previous_nonce'] !== undefined), appendedBytes };
}

/**
 * HMGET snapshot key previous_key
 *
 * The keys that the pointer names, however malformed it is otherwise.
 */
export async function readSnapshotKeys(
  redis: RedisConnection,
  { snapshot }: GenerationKeys,
): Promise<{ readonly current: string | undefined; readonly previous: string | undefined }> {
  const [current, previous] = await redis.hmget(snapshot, 'key', 'previous_key');
  return { current: current ?? undefined, previous: previous ?? undefined };
}

/** HGETALL snapshot; `undefined` also if the pointer is malformed. */
export async function readWellFormedPointer(
  redis: RedisConnection,
  keys: GenerationKeys,
): Promise<SnapshotPointer | undefined> {
  try {
    return await readSnapshotPointer(redis, keys);
  } catch (error) {
    if (error instanceof UnreadableSnapshotError) return undefined;
    throw error;
  }
}
