// The single steps of an aggregator on Redis, for the tests of this repository, which run them in orders that no aggregator
// uses, and the parts with their own invariants. Not part of the interface of this package: it may change with any version.
export { createBatchSize, type BatchSize } from './fold/batch-size.ts';
export { completeOptions } from './aggregator-options.ts';
export { describeDelivered } from './fold/delivered-entry.ts';
export { createEntriesFold, type EntriesFold } from './fold/fold-entries.ts';
export { boundCommit } from './fold/run-consumers.ts';
export { createBirths, YOUNG_SECONDS } from './state/births.ts';
export { claimEntries } from './state/claim-entries.ts';
export { commitBatch, type FoldedBatch } from './state/commit-batch.ts';
export { countTrimmed } from './state/count-trimmed.ts';
export { createGroup } from './state/create-group.ts';
export { removeConsumer, removeGoneConsumers } from './state/remove-consumers.ts';
export { beginRebuild } from './replay/begin-rebuild.ts';
export { handOver } from './state/hand-over-dead-letters.ts';
export { followStream, switchGeneration } from './state/switch-generation.ts';
export { keepGenerations } from './upkeep/keep-generations.ts';
export { createSeriesBound } from './view/series-bound.ts';
export { createSortedPages } from './view/sorted-pages.ts';
