export { backfill, type BackfillOptions, type BackfillProgress } from './backfill/backfill.ts';
export { runAggregator, type AggregatorOptions } from './aggregator.ts';
export { describeProcessMetrics, type ProcessMetricDescription } from './describe-process-metrics.ts';
export type { Fact, Observe } from './fact.ts';
export { readRegistry, type RegisteredGeneration, type Registry } from './generation/read-registry.ts';
export { findGeneration, openGeneration, type Generation } from './generation.ts';
export type { Archiving } from './keep-archive.ts';
export type { Lag } from './measure-lag.ts';
export { readStatus, type GenerationStatus, type ShardStatus } from './read-status.ts';
export type { ConsumerInfo } from './remove-consumers.ts';
export type { Difference } from './verify/compare-states.ts';
export { verifyShard, type Verification, type VerifyOptions } from './verify/verify-shard.ts';
export {
  dropDeadLetter,
  readDeadLetters,
  type DeadLetterFilter,
  type StoredDeadLetter,
} from './dead-letters/read-dead-letters.ts';
export { retryDeadLetter, type RetryOutcome } from './dead-letters/retry-dead-letter.ts';
export { measureLag } from './measure-lag.ts';
export { cancelRebuild } from './rebuild/cancel-rebuild.ts';
export { openLogBeyondRedis, type LogBeyondRedis } from './rebuild/log-beyond-redis.ts';
export {
  rebuild,
  type RebuildOptions,
  type RebuildOutcome,
  type RebuildProgress,
} from './rebuild/rebuild.ts';
export { createShardView, type ShardView } from './view/shard-view.ts';
export { createEntriesParser, type EntriesParser, type ParseOutcome } from './read/entries-parser.ts';
export { createReplyTap, type ReplyTap } from './read/reply-tap.ts';
