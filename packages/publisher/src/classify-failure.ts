import { ConnectionError, isReplyError, isTransientReply } from '@streamfold/redis';
import type { RetryReason } from './observer.ts';

/** Why an attempt failed. Only after `no_reply` may the batch have been appended. */
export function classifyFailure(error: Error): Exclude<RetryReason, 'late'> {
  if (isTransientReply(error)) return 'unavailable';
  if (isReplyError(error)) return 'refused';
  return error instanceof ConnectionError && error.reason === 'not_connected' ? 'unavailable' : 'no_reply';
}
