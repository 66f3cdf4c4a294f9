import type { StoredEntries } from '@streamfold/archive';
import {
  BytesFold,
  describeColumns,
  emptyDelta,
  mergeDelta,
  type Catalogue,
  type DecodeContext,
  type Delta,
  type EntryId,
} from '@streamfold/core';
import { PageFold } from '../fold/fold-page.ts';
import { HASH_SEED } from '../state/hash-seed.ts';

/** The columns are merged into the state after this number of entries: rarely, as each time costs all series that they touch. */
const SETTLE_ENTRIES = 200_000;

/** Folds a log page by page into a state, without the deltas or the state of others. Pages must come in the order of the log. */
export class LogFold {
  private readonly state = emptyDelta();
  private readonly fold: BytesFold;
  private readonly pages: PageFold;

  constructor({ catalogue, context }: { catalogue: Catalogue; context: DecodeContext }) {
    this.fold = new BytesFold({ catalogue, context, seed: HASH_SEED, onDeadLetter: () => undefined });
    this.pages = new PageFold(this.fold);
  }

  /** Entries folded so far. */
  get entries(): number {
    return this.state.totals.entries + this.fold.batch.entries;
  }

  /** Folds a page without the entries of `leftOut`. */
  take(page: StoredEntries, leftOut: ReadonlySet<EntryId>): void {
    const { pages } = this;
    for (pages.open(page); pages.hasNext;) {
      if (leftOut.size > 0 && leftOut.has(pages.nextId)) pages.skipNext();
      else pages.foldNext();
    }
    if (this.fold.batch.entries >= SETTLE_ENTRIES) this.settle();
  }

  /** What all pages came to. */
  finish(): Delta {
    this.settle();
    return this.state;
  }

  private settle(): void {
    mergeDelta(this.state, describeColumns(this.fold.batch));
    this.fold.startAnew();
  }
}
