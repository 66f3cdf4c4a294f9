import {
  agreeOnShardCount,
  ConfigurationError,
  connectRedis,
  isReady,
  readServerTimeMs,
  toError,
  type RedisConnection,
} from '@streamfold/redis';
import { checkDurability } from './durability.ts';
import { tell } from './observer.ts';
import type { PublisherSettings } from './options.ts';

/** The connection to Redis. It connects in the background, and reconnects forever. */
export interface Link {
  readonly redis: RedisConnection;
  /** True while Redis is reached and agrees on the number of shards. */
  readonly ready: boolean;
  /** Set permanently if the number of shards in Redis is not that of the publisher. */
  readonly misfit: ConfigurationError | undefined;
  /** The current clock of Redis, ms; never ahead of it by more than a step of that clock. */
  redisTimeMs(): number;
  /** Adopts the clock of Redis from a reply that has just arrived. */
  setRedisTimeMs(ms: number): void;
  close(): void;
}

/** Pause between two attempts to compare the number of shards over a working connection. */
const GREET_AGAIN_MS = 1_000;

/** Opens the link; `onChange` is called whenever `ready` or `misfit` changes. */
export function openLink(settings: PublisherSettings, onChange: () => void): Link {
  const { observer, now } = settings;
  const redis = connectRedis(settings.redisUrl, {
    name: 'streamfold-publisher',
    commandTimeoutMs: settings.replyTimeoutMs,
    onError: (error) => tell(() => observer.disconnected?.({ error })),
  });
  let greeted = false;
  let misfit: ConfigurationError | undefined;
  let clockOffsetMs = 0;
  let timer: NodeJS.Timeout | undefined;

  const greet = async (): Promise<void> => {
    try {
      await agreeOnShardCount(redis, settings);
      await checkDurability(redis, settings.durability);
      clockOffsetMs = (await readServerTimeMs(redis)) - now();
      greeted = isReady(redis);
      if (greeted) tell(() => observer.connected?.());
    } catch (cause) {
      const error = toError(cause);
      tell(() => observer.disconnected?.({ error }));
      if (error instanceof ConfigurationError) {
        misfit = error;
        redis.disconnect();
      } else if (isReady(redis)) {
        timer = setTimeout(() => void greet(), GREET_AGAIN_MS);
      }
    }
    onChange();
  };

  const lose = (): void => {
    clearTimeout(timer);
    greeted = false;
    onChange();
  };

  redis.on('ready', () => void greet());
  redis.on('close', lose);
  redis.on('end', lose);
  // onError reports a first connection that fails; it is retried.
  redis.connect().catch(() => undefined);

  return {
    redis,
    get ready() {
      return greeted && isReady(redis);
    },
    get misfit() {
      return misfit;
    },
    redisTimeMs: () => now() + clockOffsetMs,
    setRedisTimeMs(ms) {
      clockOffsetMs = ms - now();
    },
    close() {
      clearTimeout(timer);
      redis.disconnect();
    },
  };
}
