import { KeyParts } from './bytes/key-parts.ts';
import { NO_KEY, type Key, type KeyTable } from './bytes/key-table.ts';
import type { ReceiveBuffer } from './bytes/receive-buffer.ts';
import type { CounterMetric, HistogramMetric } from './catalogue.ts';
import type { BatchColumns } from './columns/batch-columns.ts';
import type { LifeChange } from './columns/life-columns.ts';
import type { LifecycleEvent } from './coordinator-registers.ts';
import type { Event } from './event/event-types.ts';
import { scaleOf } from './fold.ts';

/** Folds events that were decoded into columns: the same as `createFold` does to a delta. */
export class DecodedEventFold {
  private readonly source: ReceiveBuffer;
  private readonly parts: KeyParts;
  /** By event type, the places of its metrics among those of a batch. */
  private readonly metricsOf = new Map<string, number[]>();

  constructor(metrics: readonly (CounterMetric | HistogramMetric)[], source: ReceiveBuffer) {
    this.source = source;
    this.parts = new KeyParts(source);
    for (const [at, { event }] of metrics.entries())
      this.metricsOf.set(event, [...(this.metricsOf.get(event) ?? []), at]);
  }

  /** Folds an event of the entry that `batch` has begun last; `index` is its place in it. */
  fold(event: Event, index: number, batch: BatchColumns): void {
    const { source } = this;
    batch.events++;
    for (const at of this.metricsOf.get(event.type) ?? []) {
      const folded = batch.metrics[at];
      if (folded === undefined) continue;
      const { metric, columns } = folded;
      const value = metric.value === undefined ? 1 : fieldOf(event, metric.value);
      if (typeof value !== 'number') continue;
      source.clearScratch();
      const labels = metric.labels.map((label) => String(fieldOf(event, label) ?? ''));
      columns.add(
        this.keyOf(columns.table, labels),
        value * (metric.type === 'histogram' ? scaleOf(metric) : 1),
      );
    }
    if (!('coordinator_id' in event)) return;
    source.clearScratch();
    const key = this.keyOf(batch.life.table, [event.swarm_id, event.coordinator_id]);
    batch.life.change(key, this.describeChange(event), batch.ordinalOf(index));
  }

  private keyOf(table: KeyTable, labels: readonly string[]): Key {
    const { parts, source } = this;
    parts.clear();
    for (const label of labels) {
      const start = source.writeScratch(label);
      parts.add(start, label.length, source.hash(start, label.length));
    }
    parts.finish();
    const key = table.find(parts);
    return key === NO_KEY ? table.insert(parts) : key;
  }

  private describeChange(event: LifecycleEvent): LifeChange {
    const { source } = this;
    const phase = 'phase' in event ? (event.phase ?? '') : '';
    const wait = 'wait_id' in event ? (event.wait_id ?? '') : '';
    const phaseStart = source.writeScratch(phase);
    const waitStart = source.writeScratch(wait);
    return {
      type: event.type,
      phaseStart,
      phaseLength: phase.length,
      waitStart,
      waitLength: wait.length,
      waitHash: source.hash(waitStart, wait.length),
      isHeartbeat: event.type === 'timeout' && event.timeout_type === 'heartbeat',
    };
  }
}

/** A field by its name in the catalogue, which was checked against the event's schema; it may be optional. */
function fieldOf(event: Event, name: string): string | number | undefined {
  return (event as unknown as Readonly<Record<string, string | number | undefined>>)[name];
}
