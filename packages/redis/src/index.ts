export { ConfigurationError } from './configuration-error.ts';
export {
  connectRedis,
  isReady,
  redactUrl,
  whenReady,
  type ConnectOptions,
  type RedisConnection,
} from './connect.ts';
export {
  DEFAULT_PREFIX,
  generationKeys,
  generationsKey,
  shardCountKey,
  shardKeys,
  type GenerationKeys,
  type ShardKeys,
} from './keys.ts';
export { replyField } from './reply-field.ts';
export { loadScript, STREAM_LUA, type Script } from './script.ts';
export { readServerTimeMs } from './server-time.ts';
export { agreeOnShardCount, checkShardCount } from './shard-count.ts';
