import {
  checkPrefix,
  ConfigurationError,
  DEFAULT_PREFIX,
  readRedisUrl,
  type RedisUrlOption,
} from '@streamfold/redis';
import { CoordinationError } from './coordination-error.ts';
import { createKeyRing, type KeyRing, type SignatureFault } from './key-ring.ts';
import type { RejectionDetail } from './judge-signal.ts';

/** Called with facts on which a coordinator need not act. */
export interface CoordinationObserver {
  /** A signal or an ACK was refused because of its signature; an event reports it, too. */
  rejected?(fact: {
    part: 'signal' | 'ack';
    signalId: string;
    from: string;
    reason: SignatureFault;
    /** More about a signature that is bad here even though it was made with a known key. */
    detail?: RejectionDetail;
  }): void;
  /** Redis cannot be reached; the connection is retried. */
  disconnected?(fact: { error: Error }): void;
  /** This life has ended without having been stopped here: it was declared dead, or another process joined with its id. */
  ended?(): void;
}

export type CoordinatorOptions = RedisUrlOption & {
  /** The prefix of all keys. Default `streamfold`. */
  readonly prefix?: string;
  /** Number of shards, 1 to 1,024; the same for all programs. Default 1. */
  readonly shards?: number;
  readonly swarmId: string;
  /** Unique in the swarm; the same again after a restart. */
  readonly coordinatorId: string;
  /** Default `unknown`. */
  readonly phase?: string;
  /** The coordinator is stale after this time without a heartbeat, ms; 0: no heartbeat is expected. Default 30,000. */
  readonly staleAfterMs?: number;
  /** It is declared dead after this time without a heartbeat, ms; more than `staleAfterMs`. Default four times as long. */
  readonly deadAfterMs?: number;
  /** Keys that sign and check signals and ACKs; the first one signs. Default none. */
  readonly keys?: readonly { readonly id: string; readonly secret: string }[];
  /** Refuse unsigned signals and ACKs. Default false. */
  readonly requireSignatures?: boolean;
  /** Accept signatures of the version before nonces, and sign in its way too. Default true. */
  readonly acceptEarlierSignatures?: boolean;
  /** How long a call keeps trying while Redis cannot be reached, ms. Default 30,000. */
  readonly callTimeoutMs?: number;
  /**
   * When aborted, it ends all calls in progress, and later ones, with its reason, and closes all connections, as
   * `disconnect` does: Redis may have done the calls, and the life continues there until it is overdue.
   */
  readonly signal?: AbortSignal;
  readonly observer?: CoordinationObserver;
};

/** Options, checked and complete. */
export type CoordinatorSettings = Required<
  Omit<CoordinatorOptions, keyof RedisUrlOption | 'keys' | 'requireSignatures' | 'acceptEarlierSignatures'>
> & {
  readonly redisUrl: string;
  readonly keyRing: KeyRing;
};

const DEFAULT_STALE_AFTER_MS = 30_000;
const DEAD_AFTER_STALE = 4;
const DEFAULT_CALL_TIMEOUT_MS = 30_000;
const DAY_MS = 86_400_000;

/** @throws {ConfigurationError} one line that says what was expected and what arrived. */
export function checkOptions(options: CoordinatorOptions): CoordinatorSettings {
  const redisUrl = readRedisUrl(options);
  const {
    staleAfterMs = DEFAULT_STALE_AFTER_MS,
    keys = [],
    requireSignatures = false,
    acceptEarlierSignatures = true,
  } = options;
  const deadAfterMs = options.deadAfterMs ?? staleAfterMs * DEAD_AFTER_STALE;
  checkNumber('staleAfterMs', staleAfterMs, { least: 0, most: DAY_MS });
  if (staleAfterMs > 0) {
    checkNumber('deadAfterMs', deadAfterMs, { least: staleAfterMs + 1, most: 10 * DAY_MS });
  }
  return Object.freeze({
    redisUrl,
    prefix: checkPrefix(options.prefix ?? DEFAULT_PREFIX),
    shards: checkNumber('shards', options.shards ?? 1, { least: 1, most: 1_024 }),
    swarmId: checkId('swarmId', options.swarmId),
    coordinatorId: checkId('coordinatorId', options.coordinatorId),
    phase: options.phase === undefined ? '' : checkId('phase', options.phase, 64),
    staleAfterMs,
    deadAfterMs,
    keyRing: createKeyRing({ keys, requireSignatures, acceptEarlierSignatures }),
    callTimeoutMs: checkNumber('callTimeoutMs', options.callTimeoutMs ?? DEFAULT_CALL_TIMEOUT_MS, {
      least: 100,
      most: DAY_MS,
    }),
    signal: options.signal ?? new AbortController().signal,
    observer: options.observer ?? {},
  });
}

/** @throws {ConfigurationError} if it is not an id. */
export function checkId(name: string, value: string, most = 128): string {
  if (typeof value === 'string' && value.length <= most && /^[A-Za-z0-9_\-.:/@]+$/.test(value)) return value;
  throw new ConfigurationError(
    `${name}: expected 1 to ${most} characters of A-Z a-z 0-9 _ - . : / @; got ${JSON.stringify(value)}`,
  );
}

/**
 * Half of a surrogate pair has no bytes in UTF-8: it would be signed as one text and delivered as another.
 *
 * @throws {CoordinationError} `invalid` if it is not a text within the limit of bytes, or holds half of a surrogate pair.
 */
export function checkText(name: string, value: string, bytesMost: number): string {
  if (typeof value !== 'string') {
    throw new CoordinationError('invalid', `${name}: expected a text; got ${typeof value}`);
  }
  const at = value.search(/\p{Surrogate}/u);
  if (at !== -1) {
    throw new CoordinationError(
      'invalid',
      `${name}: expected text that is well-formed; got half of a surrogate pair at ${at}: do not cut inside a character`,
    );
  }
  const bytes = Buffer.byteLength(value);
  if (bytes > bytesMost) {
    throw new CoordinationError('invalid', `${name}: expected at most ${bytesMost} bytes; got ${bytes}`);
  }
  return value;
}

/** @throws {ConfigurationError} if it is not a whole number within the bounds. */
export function checkNumber(
  name: string,
  value: number,
  { least, most }: { least: number; most: number },
): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new ConfigurationError(
    `${name}: expected a whole number from ${least} to ${most}; got ${String(value)}`,
  );
}
