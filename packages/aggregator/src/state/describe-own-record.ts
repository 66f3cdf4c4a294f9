import { describeColumns } from '@streamfold/core';
import type { AppendedRecord, FoldedBatch, FoldingMode } from './commit-batch.ts';
import { readBornMs, type DeltaRecord } from './read-deltas.ts';

/**
 * The record that the commit of this batch has appended, without reading it from the delta log. It may be used until the
 * batch is released.
 */
export function describeOwnRecord(
  { columns, record, firstId }: FoldedBatch,
  appended: AppendedRecord,
  mode: FoldingMode,
): DeltaRecord {
  return {
    ...appended,
    bornMs: readBornMs({ atMs: appended.atMs, mode, oldest: firstId }),
    size: record.length,
    delta: () => describeColumns(columns),
    binary: undefined,
    columns,
  };
}
