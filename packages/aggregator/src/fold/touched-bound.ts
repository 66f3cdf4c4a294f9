import type { BatchColumns } from '@streamfold/core';

/**
 * Finds out whether a batch has reached the most series and coordinators of a commit. They are counted only when that is
 * possible: an event touches at most one series of each metric and one coordinator, so most entries need no count.
 */
export class TouchedBound {
  private readonly most: number;
  /** Events of the batch with which the bound may be reached. */
  private nextCount = 0;

  constructor(most: number) {
    this.most = most;
  }

  /** To be called when another batch begins. */
  startAnew(): void {
    this.nextCount = 0;
  }

  isReached(batch: BatchColumns): boolean {
    if (batch.events < this.nextCount) return false;
    const left = this.most - batch.countTouched();
    this.nextCount = batch.events + Math.ceil(left / (batch.metrics.length + 1));
    return left <= 0;
  }
}
