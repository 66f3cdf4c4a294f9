export {
  CATALOGUE,
  type Catalogue,
  type CounterMetric,
  type GaugeMetric,
  type HistogramMetric,
  type Metric,
} from './catalogue.ts';
export {
  createCoordinatorGauges,
  type CoordinatorGauges,
  type CoordinatorProjection,
} from './coordinator-gauges.ts';
export {
  pruneRegisters,
  readCoordinator,
  type Coordinator,
  type CoordinatorRegisters,
} from './coordinator-registers.ts';
export {
  createDefinitions,
  DEFAULT_DEFINITIONS,
  type CreatedDefinitions,
  type Definitions,
  type StreamfoldConfiguration,
} from './definitions/create-definitions.ts';
export { describeConfigurationFile } from './definitions/configuration-schema.ts';
export {
  encodeCatalogue,
  encodeMeaning,
  readCatalogue,
  type DeltaForm,
  type StoredCatalogue,
} from './definitions/stored-catalogue.ts';
export { describeDepartures } from './definitions/describe-departures.ts';
export { parseJson } from './parse-json.ts';
export { decodeDelta, encodeDelta, encodeDeltaInParts } from './delta-codec.ts';
export {
  countSeries,
  emptyDelta,
  mergeDelta,
  pruneTombstones,
  type Delta,
  type FoldTotals,
  type SeriesBorn,
  type SeriesKey,
  type SeriesValue,
} from './delta.ts';
export {
  compareStamps,
  isAfter,
  LAST_ID,
  lastIdAt,
  previousId,
  stampMs,
  type EntryId,
  type Stamp,
} from './entry-id.ts';
export {
  CONTENT_TYPES,
  createSeriesRenderer,
  EXPOSITION_ENDS,
  renderHead,
  type ExpositionFormat,
} from './exposition.ts';
export { createBinaryDeltaDecoder, isBinaryDelta, type BinaryDeltaDecoder } from './binary-delta.ts';
export { ColumnsEncoder } from './columns/encode-columns.ts';
export type { BatchColumns } from './columns/batch-columns.ts';
export { ColumnPool } from './columns/column-pool.ts';
export { BytesFold, type BytesFoldOptions } from './fold-bytes.ts';
export type { ReceiveBuffer } from './bytes/receive-buffer.ts';
export { describeColumns } from './columns/describe-columns.ts';
export { NO_MATCH } from './layout/matched-values.ts';
export { createBinaryDeltaMerger, type BinaryDeltaMerger } from './merge-binary-delta.ts';
export { OwnBatches } from './own-batches.ts';
export { createEntryFold, type FoldEntry } from './fold-entry.ts';
export { createFold, type FoldEvent } from './fold.ts';
export {
  HEALTH_REASON_NAMES,
  HEALTH_REASONS,
  worstStatus,
  type HealthReason,
  type HealthStatus,
} from './health-reasons.ts';
export { histogramCount, mergeHistogram, type Histogram, type Micros } from './histogram.ts';
export { createSeriesWriter, type WriteSeries } from './series-writer.ts';
export { TextBytes } from './text-bytes.ts';
export { describeState } from './describe-state.ts';
export {
  DEAD_LETTER_REASONS,
  decodeEntry,
  type DeadLetter,
  type DeadLetterReason,
  type DecodeContext,
  type EntrySink,
} from './decode-entry.ts';
export { encodeEvent, toFlatFields, type EncodedEvent, type InvalidEvent } from './encode-event.ts';
export { createEventWriter, type EventWriter } from './write/event-writer.ts';
export type { Place } from './write/fixed-text.ts';
export { NOT_PLAIN } from './write/value-writer.ts';
export { EVENT_TYPES, findEventType, type Event, type EventInput } from './event/event-types.ts';
export { knownLabelValues } from './known-label-values.ts';
export { crc16, swarmShard } from './swarm-shard.ts';
export { noUpcasters, type Upcaster, type Upcasters, type WireFields } from './upcast.ts';
