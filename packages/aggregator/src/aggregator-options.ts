import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_DEFINITIONS, type Definitions } from '@streamfold/core';
import {
  checkPrefix,
  ConfigurationError,
  DEFAULT_PREFIX,
  readRedisUrl,
  type RedisUrlOption,
} from '@streamfold/redis';
import type { ConsumerSettings } from './fold/run-consumers.ts';
import type { Observe } from './run/fact.ts';
import type { Archiving } from './upkeep/keep-archive.ts';
import { DEAD_LETTERS_MOST } from './upkeep/keep-shard.ts';

const ROLES = ['all', 'fold', 'serve'] as const;

/** All settings of an aggregator. */
export interface AggregatorSettings extends Omit<ConsumerSettings, 'mode'> {
  readonly host: string;
  /** The port of the HTTP endpoints; 0: a free one. */
  readonly port: number;
  readonly role: (typeof ROLES)[number];
  /** The definitions of the first generation; each later one has its own, until a rebuild. */
  readonly definitions: Definitions;
  /** How long no coordinator, wait or ACK is overdue after an outage of the monitors or of Redis, ms. */
  readonly monitorGraceMs: number;
  /** How long the keys of a coordinator are kept after its last life, ms. */
  readonly endedForMs: number;
  /** How long a generation is kept after another one has become live, ms. */
  readonly generationGraceMs: number;
  /** Time after which a consumer that was not seen, and has nothing pending, is removed from the group. */
  readonly goneIdleMs?: number;
  /** Dead letters kept on a shard; beyond it, the oldest are removed. */
  readonly deadLettersMost: number;
  /** Folds and serves the generation in the registry, even if the shards hold the state of another one, or none. */
  readonly acceptLostState: boolean;
  /** Archives and trims; by default it does neither. */
  readonly archiving?: Archiving | undefined;
  /** Shown by the health and the metrics of the process. */
  readonly version: string;
  /** Called once the HTTP endpoints can be reached. */
  readonly onListening: (url: string) => void;
  readonly createId: () => string;
}

/** Settings of an aggregator: only `redisUrl` is required. The others have the defaults of `streamfold serve`. */
export type AggregatorOptions = RedisUrlOption & {
  readonly [Name in keyof Omit<AggregatorSettings, 'redisUrl'>]?: AggregatorSettings[Name] | undefined;
};

/** The default of every setting except `redisUrl`. Functions return values that must differ between aggregators. */
const DEFAULTS = {
  prefix: DEFAULT_PREFIX,
  shards: 1,
  host: '127.0.0.1',
  port: 3_000,
  role: 'all',
  claimIdleMs: 30_000,
  batchEntries: 3_000,
  definitions: DEFAULT_DEFINITIONS,
  monitorGraceMs: 15_000,
  endedForMs: 24 * 3_600_000,
  generationGraceMs: 300_000,
  deadLettersMost: DEAD_LETTERS_MOST,
  acceptLostState: false,
  onListening: () => undefined,
  createId: randomUUID,
  now: () => performance.now(),
  async pause(ms, stop) {
    await sleep(ms, undefined, { signal: stop }).catch(() => undefined); // stopped: the pause is over
  },
} as const satisfies Partial<AggregatorSettings>;

/**
 * The settings, with defaults for those that are missing or `undefined`.
 *
 * @throws {ConfigurationError} if the URL of Redis is missing or malformed, or another option is out of bounds. Of a port that is
 *   no number Node would make a pipe; with a number of shards that is none there would be no shards.
 */
export function completeOptions(options: AggregatorOptions): AggregatorSettings {
  const redisUrl = readRedisUrl(options);
  checkNumbers(options, BOUNDS);
  checkNumbers(options.archiving ?? {}, ARCHIVING_BOUNDS, 'archiving.');
  checkWords(options);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const { createId = DEFAULTS.createId } = options;
  const named = {
    consumer: nameConsumer(createId),
    version: readVersion(),
    observe: warnOfFirstFailure('aggregator'),
  };
  return { ...DEFAULTS, ...named, ...given, redisUrl };
}

/** The bounds of the numbers. `streamfold serve` has narrower ones, for production. */
const BOUNDS = {
  port: [0, 65_535],
  shards: [1, 1_024],
  claimIdleMs: [0, Number.MAX_SAFE_INTEGER],
  batchEntries: [1, Number.MAX_SAFE_INTEGER],
  deadLettersMost: [0, Number.MAX_SAFE_INTEGER],
  monitorGraceMs: [0, Number.MAX_SAFE_INTEGER],
  generationGraceMs: [0, Number.MAX_SAFE_INTEGER],
  endedForMs: [0, Number.MAX_SAFE_INTEGER],
  goneIdleMs: [0, Number.MAX_SAFE_INTEGER],
  replyTimeoutMs: [1, Number.MAX_SAFE_INTEGER],
} as const satisfies { readonly [Name in keyof AggregatorSettings]?: readonly [least: number, most: number] };

type Bounds = Readonly<Record<string, readonly [least: number, most: number]>>;

const ARCHIVING_BOUNDS = {
  everyMs: [1, Number.MAX_SAFE_INTEGER],
  settleMs: [0, Number.MAX_SAFE_INTEGER],
  retentionMs: [0, Number.MAX_SAFE_INTEGER],
} as const satisfies { readonly [Name in keyof Archiving]?: readonly [least: number, most: number] };

function checkNumbers(options: object, bounds: Bounds, within = ''): void {
  for (const [option, [least, most]] of Object.entries(bounds)) {
    const value: unknown = Reflect.get(options, option);
    if (value === undefined) continue;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) continue;
    const expected = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    const got = typeof value === 'number' ? String(value) : JSON.stringify(value);
    throw new ConfigurationError(`expected a whole number ${expected}; got ${got}`, {
      options: [`${within}${option}`],
    });
  }
}

function checkWords({ prefix = DEFAULT_PREFIX, role = 'all' }: AggregatorOptions): void {
  checkPrefix(prefix);
  if (!ROLES.includes(role)) {
    throw new ConfigurationError(`expected one of ${ROLES.join(', ')}; got ${JSON.stringify(role)}`, {
      options: ['role'],
    });
  }
}

/** A consumer name that no other process has: host, process ID and a random part. */
export function nameConsumer(createId: () => string): string {
  return `${hostname()}-${process.pid}-${createId().slice(0, 8)}`;
}

/** The version of this package. */
function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/**
 * The observer of a program without one. It emits one process warning, when the connection fails for the first time:
 * otherwise a wrong address would show only in the health.
 */
export function warnOfFirstFailure(who: string): Observe {
  let hasWarned = false;
  return (fact) => {
    if (fact.type !== 'connection_failed' || hasWarned) return;
    hasWarned = true;
    process.emitWarning(
      `${fact.error.message}. The ${who} keeps trying. This is said once: pass an observer to hear of every failure`,
      { type: 'StreamfoldAggregatorWarning' },
    );
  };
}
