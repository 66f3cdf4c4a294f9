import type { ArchiveStore } from './archive-store.ts';
import { ConfigurationError, toError } from '@streamfold/redis';

/** The place of an archive cannot be read or written. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  /** The store refused: nothing was changed. Otherwise that is unknown, as after a timeout. */
  readonly refused: boolean;

  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.refused = isRefusal(cause);
  }
}

/** The same store; each of its failures names the archive, the action, and the reason. */
export function nameFailures(store: ArchiveStore, url: string): ArchiveStore {
  const named =
    <Args extends unknown[], Result>(action: string, run: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      try {
        return await run(...args);
      } catch (cause) {
        if (cause instanceof ConfigurationError) throw cause;
        const reason = toError(cause).message;
        throw new StoreError(`archive ${url}: cannot ${action} ${String(args[0])}: ${reason}`, cause);
      }
    };
  return {
    prepare: named('prepare', store.prepare),
    read: named('read', store.read),
    write: named('write', store.write),
    create: named('create', store.create),
    list: named('list', store.list),
    remove: named('remove', store.remove),
    close: store.close,
  };
}

/** Errors of a file system that say that nothing was done. */
const REFUSALS: ReadonlySet<string> = new Set([
  'EACCES',
  'EDQUOT',
  'EFBIG',
  'EMLINK',
  'ENOENT',
  'ENOSPC',
  'ENOSYS',
  'ENOTDIR',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EPERM',
  'EROFS',
]);

function isRefusal(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  if ('code' in cause && typeof cause.code === 'string') return REFUSALS.has(cause.code);
  const { $metadata: metadata } = cause as { $metadata?: { httpStatusCode?: number } };
  const status = metadata?.httpStatusCode ?? 0;
  return status >= 400 && status < 500;
}
