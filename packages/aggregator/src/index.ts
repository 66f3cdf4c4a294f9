export { runAggregator, type AggregatorOptions } from './aggregator.ts';
export type { Fact, Observe } from './fact.ts';
export { findGeneration, openGeneration, type Generation } from './generation.ts';
export type { Lag } from './measure-lag.ts';
export { readStatus, type GenerationStatus, type ShardStatus } from './read-status.ts';
export type { ConsumerInfo } from './remove-consumers.ts';
export { verifyShard, type Difference, type Verification } from './verify/verify-shard.ts';
