import type { ReceiveBuffer } from '../bytes/receive-buffer.ts';
import type { Catalogue } from '../catalogue.ts';
import { BatchColumns, foldedMetrics } from './batch-columns.ts';
import { SeriesTables } from './series-tables.ts';

/**
 * The columns of the batches of one shard and generation, for all readers of a process: each series is learned once, and
 * columns that are given back serve the next batch. Columns that are never given back are left to the garbage collector.
 */
export class ColumnPool {
  private readonly catalogue: Catalogue;
  private readonly free: BatchColumns[] = [];
  private tables: SeriesTables;

  constructor(catalogue: Catalogue) {
    this.catalogue = catalogue;
    this.tables = this.createTables();
  }

  /** Columns without content, for a batch whose events are read from `source`. */
  take(source: ReceiveBuffer): BatchColumns {
    // Batches that are not given back yet keep the tables that they began with.
    if (this.tables.areLarge) this.tables = this.createTables();
    const columns = this.free.pop() ?? new BatchColumns(this.catalogue);
    columns.begin(this.tables, source);
    return columns;
  }

  /** Must be called only once for what was taken, after its last use. */
  giveBack(columns: BatchColumns): void {
    if (this.free.length < MOST_FREE) this.free.push(columns);
  }

  private createTables(): SeriesTables {
    return new SeriesTables(foldedMetrics(this.catalogue).length);
  }
}

/** Two readers have at most two batches each under way; a few more wait for the view. */
const MOST_FREE = 8;
