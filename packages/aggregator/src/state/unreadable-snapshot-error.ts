/** Why a snapshot cannot be used: parts are missing or malformed, or the delta log does not continue from it. */
export type UnreadableSnapshotReason = 'missing' | 'malformed' | 'discontinued';

/** A snapshot, or the pointer to it, cannot be used. */
export class UnreadableSnapshotError extends Error {
  override readonly name = 'UnreadableSnapshotError';
  /** Where its parts are; the pointer itself if that is malformed. */
  readonly key: string;
  readonly reason: UnreadableSnapshotReason;

  constructor(
    message: string,
    { key, reason, cause }: { key: string; reason: UnreadableSnapshotReason; cause?: unknown },
  ) {
    super(message, { cause });
    this.key = key;
    this.reason = reason;
  }
}

/** No snapshot can be used, and the delta log does not reach back to its beginning: the state cannot be read at all. */
export class UnreadableStateError extends Error {
  override readonly name = 'UnreadableStateError';
}
