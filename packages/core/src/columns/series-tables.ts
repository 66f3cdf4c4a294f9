import { KeyTable } from '../bytes/key-table.ts';

/** The keys of all series of a shard, by metric, and those of its coordinators. All batches of a process share them. */
export class SeriesTables {
  /** In the order of the metrics that events are folded into. */
  readonly series: readonly KeyTable[];
  readonly coordinators = new KeyTable();

  constructor(metrics: number) {
    this.series = Array.from({ length: metrics }, () => new KeyTable());
  }

  /** True if one of them has taken so much memory that the next batches should begin with new tables. */
  get areLarge(): boolean {
    return this.coordinators.isLarge || this.series.some((table) => table.isLarge);
  }
}
