// The single steps of an aggregator on Redis, for the tests of this repository, which run them in orders that no aggregator
// uses, and the parts with their own invariants. Not part of the interface of this package: it may change with any version.
export { createBatchSize, type BatchSize } from './fold/batch-size.ts';
export { completeOptions } from './aggregator-options.ts';
export { describeDelivered } from './fold/delivered-entry.ts';
export { createFolding, type EntriesFold } from './fold/fold-entries.ts';
export { boundCommit } from './fold/run-consumers.ts';
export { createBirths, YOUNG_SECONDS } from './state/births.ts';
export { claimEntries } from './state/claim-entries.ts';
export { commitBatch, type FoldedBatch } from './state/commit-batch.ts';
export { commitRead } from './state/commit-read.ts';
export { countTrimmed } from './state/count-trimmed.ts';
export { decodeContent } from './state/read-deltas.ts';
export { createGroup } from './state/create-group.ts';
export { removeConsumer, removeGoneConsumers } from './state/remove-consumers.ts';
export { beginRebuild } from './replay/begin-rebuild.ts';
export { handOver } from './state/hand-over-dead-letters.ts';
export { followStream, switchGeneration } from './state/switch-generation.ts';
export { keepGenerations } from './upkeep/keep-generations.ts';
export { createSeriesBound } from './view/series-bound.ts';
export { createSortedPages } from './replay/sorted-pages.ts';
export { createMergedState, type MergedState } from './view/merged-state.ts';
export { createSwarmMetrics, type SwarmMetrics } from './view/swarm-metrics.ts';
export { giveBack, lend, readText, type Exposition } from './view/exposition.ts';
export { createChangedKeys } from './view/changed-keys.ts';
export { shareText, spliceBytes } from './view/shared-bytes.ts';
export { createDeflater } from './http/deflater.ts';
export { compressExposition } from './http/compress-exposition.ts';
export type { ViewListener } from './view/shard-view.ts';
