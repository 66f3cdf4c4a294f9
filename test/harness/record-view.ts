import type { ShardView } from '@streamfold/aggregator';
import { createBirths, createMergedState, type ViewListener } from '@streamfold/aggregator/round-trips';
import { emptyDelta, type Catalogue, type Delta } from '@streamfold/core';

/** The view of a shard whose delta log is a list: for the exposition of states that no events lead to. */
export interface RecordView {
  readonly view: ShardView;
  /** Appends a record at a time of the shard's clock; the next refresh merges it. */
  append(delta: Delta, atMs: number): void;
}

export function createRecordView(
  { catalogue, limit }: { readonly catalogue: Catalogue; readonly limit: number },
  listener: ViewListener,
): RecordView {
  const merged = createMergedState(
    {
      key: undefined,
      at: { position: '0-0', nonce: '' },
      state: emptyDelta(),
      births: createBirths(),
      bytes: 0,
    },
    { catalogue, limit, listener },
  );
  const log: { readonly delta: Delta; readonly atMs: number }[] = [];
  let at = 0;
  let serverTimeMs = 0;
  const view: ShardView = {
    refresh() {
      for (; at < log.length; at++) {
        const { delta = emptyDelta(), atMs = 0 } = log[at] ?? {};
        const name = { position: `${at + 1}-0`, nonce: '' };
        const previous = { position: `${at}-0`, nonce: '' };
        merged.merge({
          name,
          previous,
          watermark: '',
          atMs,
          bornMs: atMs,
          size: 0,
          binary: undefined,
          columns: undefined,
          delta: () => delta,
        });
        serverTimeMs = atMs;
      }
      merged.forgetOld(serverTimeMs);
      return Promise.resolve();
    },
    mergeOwn: (record) => merged.merge(record),
    settle: () => void merged.read(),
    writeSnapshotWhenDue: () => Promise.resolve(),
    shard: 0,
    loaded: true,
    position: '0-0',
    get state() {
      return merged.read().delta;
    },
    get bound() {
      return merged.read().bound;
    },
    get births() {
      return merged.read().births;
    },
    get gauges() {
      return merged.read().gauges;
    },
    get serverTimeMs() {
      return serverTimeMs;
    },
  };
  return {
    view,
    append: (delta, atMs) => void log.push({ delta, atMs }),
  };
}
