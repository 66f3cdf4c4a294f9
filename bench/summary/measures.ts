/** A number of the summary. Both bounds missing: it is measured without a requirement. */
export interface Measure {
  readonly what: string;
  readonly unit: string;
  readonly least?: number;
  readonly most?: number;
}

/** Every row of the summary, in its order. A bench records its numbers under these names. */
export const MEASURES = {
  flatRate: { what: 'draining flat entries, 1,500 series', unit: '× N', least: 3 },
  batchRate: { what: 'draining 50 events an entry', unit: '× N flat', least: 12 },
  manySeriesRate: { what: 'draining flat entries, 100,000 series', unit: '× N', least: 4 },
  nodeCpuGrowth: { what: 'Node CPU per event, 100,000 to 1,500 series', unit: '×', most: 1.15 },
  redisCpu: { what: 'Redis CPU per flat entry', unit: '× N', most: 0.9 },
  commitP99Ms: { what: 'a commit occupies Redis, p99 of the worst workload', unit: 'ms', most: 3 },
  serveToFold: { what: 'Node CPU per event, serving and folding to folding only', unit: '×', most: 1.1 },
  replayStream: { what: 'replay from the stream with folding, to live folding', unit: '×', least: 2 },
  replayArchive: { what: 'replay from an archive with folding, to live folding', unit: '×', least: 2 },
  rebuildLagP99Ms: { what: 'live lag during a rebuild, p99', unit: 'ms', most: 100 },
  scrapeChanged: { what: 'scrape, 100,000 series, 1 % changed', unit: '× prom-client', most: 0.05 },
  tenScrapesMemory: { what: 'memory of ten scrapes at once, to one', unit: '×', most: 1.5 },
  publishMeanMicros: { what: "`publish()` on the caller's path, mean", unit: 'µs', most: 1 },
  histogramMemory: { what: 'memory with 100,000 histograms, after a scrape', unit: 'MiB', most: 350 },
  clusterNodeCpu: {
    what: 'Node CPU per event, a Cluster to one Redis, worst of 1, 6 and 64 shards',
    unit: '×',
    most: 1.05,
  },
  clusterSockets: { what: 'sockets of an aggregator of 64 shards, 3 primaries', unit: '', most: 79 },
  twoAggregators: { what: 'two aggregators on one shard, to one', unit: '×' },
  idleCpu: { what: 'an idle aggregator', unit: '% of a core' },
  readyMs: { what: 'start to ready, 100,000 series', unit: 'ms' },
  deltaLogMemory: { what: 'Redis memory of the delta log per million events', unit: 'MiB' },
} as const satisfies Record<string, Measure>;

/** What other measures are computed from. */
type Base = 'liveEventsPerSecond';

export type MeasureName = keyof typeof MEASURES | Base;
