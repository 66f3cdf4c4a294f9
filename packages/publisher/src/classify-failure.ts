import type { RetryReason } from './observer.ts';

/** What Redis says when it cannot do something now, and will be able to without anybody's help to the publisher. */
const UNAVAILABLE =
  /^(?:LOADING|READONLY|OOM|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|NOREPLICAS|MISCONF|UNBLOCKED|MOVED|ASK|NOSCRIPT|NOQUORUM)\b/;

/** An error that Redis replied: what was asked for was not done. All others leave its fate open. */
function isReply(error: Error): boolean {
  return error.name === 'ReplyError';
}

/** Why an attempt failed. */
export function classifyFailure(error: Error): Exclude<RetryReason, 'late'> {
  if (!isReply(error)) return 'no_reply';
  return UNAVAILABLE.test(error.message) || /\b(?:OOM|READONLY) /.test(error.message)
    ? 'unavailable'
    : 'refused';
}
