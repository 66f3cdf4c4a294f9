export { askAll } from './ask-all.ts';
export { checkPrefix } from './check-prefix.ts';
export { ConfigurationError } from './configuration-error.ts';
export { connectRedis, isReady, whenReady, type ConnectOptions, type RedisConnection } from './connect.ts';
export { CONNECTION_FAILURES, ConnectionError, type ConnectionFailure } from './connection-error.ts';
export { listShards, type Installation, type Shard } from './installation.ts';
export {
  coordinationKeys,
  DEFAULT_PREFIX,
  generationKeys,
  generationsKey,
  shardCountKey,
  shardKeys,
  shardOfEvents,
  type CoordinationKeys,
  type GenerationKeys,
  type ShardKeys,
} from './keys.ts';
export { slotOf } from './owner-address.ts';
export { connectToOwner, followOwner, isRedirected, openTwin } from './owner-connection.ts';
export { redactUrl } from './redis-url.ts';
export { checkObject, readRedisUrl, type RedisUrlOption } from './redis-url-option.ts';
export { isNoGroup, isRedirection, isReplyError, isTransientReply, saysNoPermission } from './reply-error.ts';
export { replyField } from './reply-field.ts';
export { createReplyTap, type ParseOutcome, type ReplyParser, type ReplyTap } from './reply-tap.ts';
export {
  largestShare,
  planMoves,
  readShardNodes,
  type ClusterNode,
  type NodeShards,
  type PlacedShard,
  type ShardMove,
} from './shard-placement.ts';
export { runTransaction } from './run-transaction.ts';
export { loadScript, STREAM_LUA, type Script } from './script.ts';
export { readServerTimeMs } from './server-time.ts';
export { toError } from './to-error.ts';
export { agreeOnShardCount, checkShardCount } from './shard-count.ts';
