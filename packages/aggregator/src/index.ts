export { backfill, type BackfillOptions, type BackfillProgress } from './replay/backfill.ts';
export { nameConsumer, type AggregatorOptions } from './aggregator-options.ts';
export { createMetricsHandler, type MetricsHandler, type MetricsHandlerOptions } from './mount-metrics.ts';
export { runAggregator } from './run-aggregator.ts';
export { describeProcessMetrics, type ProcessMetricDescription } from './http/describe-process-metrics.ts';
export type { Fact, Observe } from './run/fact.ts';
export { readRegistry, type RegisteredGeneration, type Registry } from './state/read-registry.ts';
export { findGeneration, openGeneration, type Generation } from './state/generation.ts';
export type { Archiving } from './upkeep/keep-archive.ts';
export type { Lag } from './state/measure-lag.ts';
export { readStatus, type GenerationStatus, type ShardStatus } from './state/read-status.ts';
export { describeStateLoss, readStateLoss, type StateLoss } from './state/state-loss.ts';
export type { ConsumerInfo } from './state/remove-consumers.ts';
export type { Difference } from './replay/compare-states.ts';
export {
  compareReplicas,
  type ReplicaComparison,
  type ReplicaDifference,
} from './replay/compare-replicas.ts';
export { verifyShard, type Verification, type VerifyOptions } from './replay/verify-shard.ts';
export {
  dropDeadLetter,
  readDeadLetters,
  type DeadLetterFilter,
  type StoredDeadLetter,
} from './state/read-dead-letters.ts';
export { retryDeadLetter, type RetryOutcome } from './state/retry-dead-letter.ts';
export { measureLag } from './state/measure-lag.ts';
export { cancelRebuild, type CancelOutcome } from './replay/cancel-rebuild.ts';
export { openLogBeyondRedis, type LogBeyondRedis } from './replay/log-beyond-redis.ts';
export { rebuild, type RebuildOptions, type RebuildOutcome, type RebuildProgress } from './replay/rebuild.ts';
export { trimOvergrownLog } from './view/trim-overgrown-log.ts';
export { createShardView, type ShardView } from './view/shard-view.ts';
export { createReplyTap, type ParseOutcome, type ReplyTap } from '@streamfold/redis';
export { createEntriesParser, type EntriesParser } from './fold/entries-parser.ts';
export { BusyError, createVariants, type Variants } from './view/variants.ts';
