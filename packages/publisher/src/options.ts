import {
  checkObject,
  checkPrefix,
  ConfigurationError,
  DEFAULT_PREFIX,
  readRedisUrl,
  type RedisUrlOption,
} from '@streamfold/redis';
import type { Durability, DurabilitySettings } from './durability.ts';
import type { PublisherObserver } from './observer.ts';
import { warnOfFirstFailure } from './warn-of-first-failure.ts';

/** The options of a publisher. docs/publishing.md explains each, with the reason for its default and bounds. */
export type PublisherOptions = RedisUrlOption & {
  /** The prefix of all keys. Default `streamfold`. */
  readonly prefix?: string;
  /** Number of shards, 1 to 1,024; the same for all programs. Default 1. */
  readonly shards?: number;
  /** Events in one entry, 1 to 1,000. Default 1,000; 1 appends each event as its own entry. */
  readonly maxBatchEvents?: number;
  /** How long an event may wait for others to share an entry with, 0 to 10,000 ms. Default 10. */
  readonly maxDelayMs?: number;
  /** Events that may wait in memory, 1 to 10,000,000. Default 100,000. */
  readonly maxBufferedEvents?: number;
  /** Bytes of JSON that may wait in memory, 65,536 to 2^32. Default 64 Mi. */
  readonly maxBufferedBytes?: number;
  /** How long Redis remembers published ids, 10,000 ms to 7 days. Default 10 minutes. */
  readonly idempotencyWindowMs?: number;
  /** How long to wait for the reply to a batch, 100 to 60,000 ms, at most a third of the window. Default 3,000. */
  readonly replyTimeoutMs?: number;
  /** When an event counts as published. Default: once the primary has it in memory. */
  readonly durability?: Durability;
  /** Called with what happens. Without an observer, the first failure of the connection is a process warning. */
  readonly observer?: PublisherObserver;
  /** Monotonic clock, ms. Default `performance.now`. */
  readonly now?: () => number;
};

/** Options, checked and complete. */
export type PublisherSettings = Required<
  Omit<PublisherOptions, keyof RedisUrlOption | 'observer' | 'now' | 'durability'>
> & {
  readonly redisUrl: string;
  readonly durability: DurabilitySettings;
  readonly observer: PublisherObserver;
  readonly now: () => number;
};

interface Range {
  readonly byDefault: number;
  readonly least: number;
  readonly most: number;
}

/** Largest entry and number of events in it that the contract allows. */
const ENTRY_EVENTS = 1_000;
export const ENTRY_BYTES = 1024 * 1024;

const RANGES = {
  shards: { byDefault: 1, least: 1, most: 1_024 },
  maxBatchEvents: { byDefault: ENTRY_EVENTS, least: 1, most: ENTRY_EVENTS },
  maxDelayMs: { byDefault: 10, least: 0, most: 10_000 },
  maxBufferedEvents: { byDefault: 100_000, least: 1, most: 10_000_000 },
  maxBufferedBytes: { byDefault: 64 * 1024 * 1024, least: 64 * 1024, most: 2 ** 32 },
  idempotencyWindowMs: { byDefault: 600_000, least: 10_000, most: 7 * 86_400_000 },
  replyTimeoutMs: { byDefault: 3_000, least: 100, most: 60_000 },
} as const satisfies Record<string, Range>;

/** @throws {ConfigurationError} one line that says what was expected and what arrived. */
export function checkOptions(options: PublisherOptions): PublisherSettings {
  const redisUrl = readRedisUrl(options);
  const read = (name: keyof typeof RANGES): number => checkNumber(name, options[name], RANGES[name]);
  const { prefix = DEFAULT_PREFIX } = options;
  return Object.freeze({
    redisUrl,
    prefix: checkPrefix(prefix),
    shards: read('shards'),
    maxBatchEvents: read('maxBatchEvents'),
    maxDelayMs: read('maxDelayMs'),
    maxBufferedEvents: read('maxBufferedEvents'),
    maxBufferedBytes: read('maxBufferedBytes'),
    idempotencyWindowMs: read('idempotencyWindowMs'),
    replyTimeoutMs: checkNumber('replyTimeoutMs', options.replyTimeoutMs, {
      ...RANGES.replyTimeoutMs,
      most: Math.min(RANGES.replyTimeoutMs.most, Math.floor(read('idempotencyWindowMs') / 3)),
    }),
    durability: readDurability(options.durability),
    observer: options.observer ?? warnOfFirstFailure(),
    now: options.now ?? (() => performance.now()),
  });
}

const DURABILITY_RANGES = {
  replicas: { byDefault: 0, least: 0, most: 100 },
  timeoutMs: { byDefault: 2_000, least: 10, most: 600_000 },
} as const satisfies Record<string, Range>;

function readDurability(given: Durability = {}): DurabilitySettings {
  const { replicas, timeoutMs, disk = false } = checkObject('durability', given, 'replicas') as Durability;
  if (typeof disk !== 'boolean') {
    throw new ConfigurationError(`expected true or false; got ${String(disk)}`, {
      options: ['durability.disk'],
    });
  }
  return {
    replicas: checkNumber('durability.replicas', replicas, DURABILITY_RANGES.replicas),
    disk,
    timeoutMs: checkNumber('durability.timeoutMs', timeoutMs, DURABILITY_RANGES.timeoutMs),
  };
}

/** The longest timer of Node, about 25 days; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * How long a call may wait, at most what a timer can take.
 *
 * @throws {ConfigurationError} if it is not a number of at least 0; `Infinity` is one.
 */
export function checkWait(name: string, ms: number): number {
  if (typeof ms === 'number' && ms >= 0) return Math.min(ms, LONGEST_TIMER_MS);
  throw new ConfigurationError(`expected a number of milliseconds of at least 0; got ${show(ms)}`, {
    options: [name],
  });
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function checkNumber(name: string, value: number | undefined, { byDefault, least, most }: Range): number {
  if (value === undefined) return byDefault;
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new ConfigurationError(
    `${name}: expected a whole number from ${least} to ${most}; got ${String(value)}`,
  );
}
