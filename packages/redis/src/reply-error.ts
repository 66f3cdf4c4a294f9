/**
 * Codes of replies that say "not now": Redis did not do it, and will be able to without a change by the caller. The list
 * is the only one; publishers, coordinators and aggregators all use it.
 *
 * @see https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec for `ASK`, `MOVED` and `TRYAGAIN`
 */
const TRANSIENT_CODES = [
  'ASK',
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'MOVED',
  'NOQUORUM',
  'NOREPLICAS',
  'NOSCRIPT',
  'OOM',
  'READONLY',
  'TRYAGAIN',
  'UNBLOCKED',
] as const;

type TransientCode = (typeof TRANSIENT_CODES)[number];

/** Codes that say "not here": this server will not do it, but the address may lead to another one by now. */
const MISDIRECTED_CODES = ['MASTERDOWN', 'READONLY', 'UNBLOCKED'] as const satisfies readonly TransientCode[];

/** Codes that say "there": `MOVED`, the slot has another owner; `ASK`, it is moving, and this key has moved already. */
const REDIRECTION_CODES = ['ASK', 'MOVED'] as const satisfies readonly TransientCode[];

/** The same without their own code: from a script in a Cluster, and from a server that is full of clients. */
const TRANSIENT_TEXT = /attempted to access a non local key|max number of clients reached/i;

/** Redis 7.0 wraps some failures of a script's calls in a text of its own. */
const TRANSIENT_WITHIN_TEXT = /[\s-](?:OOM|READONLY) /;

/** How Redis says that the user lacks a permission; for a command in a script, as Redis 7.0 says it, and as newer ones and Valkey do. */
const NO_PERMISSION_TEXT = /NOPERM|The user executing the script can't (?:run|access)|ACL failure in script/;

/** True if Redis replied with an error: it did not do what it was asked for. Any other error leaves that open. */
export function isReplyError(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

/** The code that an error reply begins with; empty for any other error. */
export function replyCode(error: unknown): string {
  return /^[A-Z]+(?= |$)/.exec(replyText(error))?.[0] ?? '';
}

function replyText(error: unknown): string {
  return error instanceof Error && error.name === 'ReplyError' ? error.message : '';
}

/** True if Redis replied that it cannot do it now, and trying again later can help. */
export function isTransientReply(error: unknown): boolean {
  const code = replyCode(error);
  const text = replyText(error);
  return (
    includes(TRANSIENT_CODES, code) ||
    TRANSIENT_TEXT.test(text) ||
    (code === 'ERR' && TRANSIENT_WITHIN_TEXT.test(text))
  );
}

/** True if Redis replied that this server is not the one to ask: a new connection may lead to the right one. */
export function isMisdirectedReply(error: unknown): boolean {
  const code = replyCode(error);
  return includes(MISDIRECTED_CODES, code) || (code === 'ERR' && /[\s-]READONLY /.test(replyText(error)));
}

/** True if a node of a Cluster replied that another one has the key: the command was not done. */
export function isRedirection(error: unknown): boolean {
  return includes(REDIRECTION_CODES, replyCode(error));
}

/** True if a text says, in words of Redis, that the user may not run a command or use a key. */
export function saysNoPermission(text: string): boolean {
  return NO_PERMISSION_TEXT.test(text);
}

/** True if the consumer group, or its stream, does not exist. */
export function isNoGroup(error: unknown): boolean {
  return error instanceof Error && error.message.includes('NOGROUP');
}

function includes(codes: readonly string[], code: string): boolean {
  return codes.includes(code);
}
