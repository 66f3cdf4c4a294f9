export type { EventInput } from '@streamfold/core';
export type { Durability } from './durability.ts';
export { InvalidEventError } from './invalid-event-error.ts';
export type { PublisherStats } from './ledger.ts';
export type { DropReason, PublisherObserver, RetryReason } from './observer.ts';
export type { PublisherOptions } from './options.ts';
export { PublishError, type PublishFailure } from './publish-error.ts';
export {
  createPublisher,
  type AppendOptions,
  type Closed,
  type CloseOptions,
  type Publisher,
} from './publisher.ts';
export type { PublishOutcome } from './publish-event.ts';
export type { Appended } from './receipt.ts';
