export { archiveShard, type ArchiveOptions } from './archive-shard.ts';
export {
  ARCHIVE_STOP_REASONS,
  readArchiveStop,
  type ArchiveStop,
  type ArchiveStopReason,
} from './archive-stop.ts';
export type { ArchiveStore } from './archive-store.ts';
export type { SegmentBounds } from './build-segment.ts';
export { findClosedEnd } from './closed-end.ts';
export { decideArchive, type ArchiveDecision } from './decide-archive.ts';
export { decodeLine, type LogEntry } from './entry-line.ts';
export { LogError, type LogErrorReason } from './log-error.ts';
export { isWhole, measureLog, type LogExtent } from './measure-log.ts';
export { openArchive, type Archive } from './open-archive.ts';
export { readArchived, type Archived } from './read-archived.ts';
export {
  readArchive,
  readLog,
  readStoredLog,
  type Log,
  type LogOrigin,
  type LogPage,
  type LogRange,
  type StoredPage,
} from './read-log.ts';
export { checkSegment, readSegment } from './read-segment.ts';
export { listSegments, readSegments } from './read-segments.ts';
export { recordArchived } from './record-archived.ts';
export { restoreShard, type RestoreOptions, type RestoreProgress } from './restore-shard.ts';
export type { S3Options } from './s3-store.ts';
export { dataName, manifestName, type Segment } from './segment.ts';
export type { StoredEntries } from './stored-entries.ts';
export { StoreError } from './store-error.ts';
export { trimStream, type TrimOptions } from './trim-stream.ts';
