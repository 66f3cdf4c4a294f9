import { ByteWriter } from '../bytes/byte-writer.ts';
import { BINARY_FORM, HAS_CLOSED, HAS_OPENED, IS_STALE } from '../binary-delta.ts';
import { EVENTS_PER_ENTRY, type BatchColumns } from './batch-columns.ts';
import { PHASE_SET, STALE_SET, STAMPED_REGISTERS } from './life-columns.ts';
import type { SeriesColumns } from './series-columns.ts';
import { NO_WAIT } from './wait-columns.ts';

/**
 * Writes what a batch adds as bytes (`binary-delta.ts` says how they are laid out): keys are copied from the tables, and
 * nothing is made of them.
 */
export class ColumnsEncoder {
  private readonly writer = new ByteWriter();

  encode(batch: BatchColumns): Uint8Array {
    const { writer } = this;
    writer.clear();
    writer.number(BINARY_FORM);
    writer.number(batch.entries - batch.lostEntries);
    writer.number(batch.events);
    writer.number(batch.lostEntries);
    writer.number(batch.deadLetters.size);
    for (const [reason, count] of batch.deadLetters) {
      writer.text(reason);
      writer.number(count);
    }
    const touched = batch.metrics.filter(({ columns }) => columns.count > 0);
    writer.number(touched.length);
    for (const { metric, columns } of touched) {
      writer.text(metric.name);
      writer.number(columns.width);
      writer.number(columns.count);
      if (columns.width === 0) this.writeCounters(columns);
      else this.writeHistograms(columns);
    }
    writer.number(batch.life.count);
    for (let at = 0; at < batch.life.count; at++) this.writeLife(batch, at);
    return writer.take();
  }

  private writeCounters({ table, keys, low, count }: SeriesColumns): void {
    const { writer } = this;
    for (let at = 0; at < count; at++) {
      const key = keys[at] ?? 0;
      writer.copy(table.bytes, table.startOf(key), table.lengthOf(key));
      writer.number(low[at] ?? 0);
    }
  }

  private writeHistograms({ table, keys, low, carries, buckets, count, width }: SeriesColumns): void {
    const { writer } = this;
    for (let at = 0; at < count; at++) {
      const key = keys[at] ?? 0;
      writer.copy(table.bytes, table.startOf(key), table.lengthOf(key));
      writer.number(low[at] ?? 0);
      writer.number(carries[at] ?? 0);
      const first = at * width;
      let used = 0;
      for (let bucket = 0; bucket < width; bucket++) if (buckets[first + bucket] !== 0) used++;
      writer.number(used);
      for (let bucket = 0; bucket < width; bucket++) {
        const observations = buckets[first + bucket] ?? 0;
        if (observations === 0) continue;
        writer.number(bucket);
        writer.number(observations);
      }
    }
  }

  private writeLife(batch: BatchColumns, at: number): void {
    const { writer } = this;
    const { life } = batch;
    const key = life.keyAt(at);
    writer.copy(life.table.bytes, life.table.startOf(key), life.table.lengthOf(key));
    let flags = life.stampAt(at, STALE_SET) !== 0 && life.stale[at] === 1 ? IS_STALE : 0;
    for (let register = 0; register < STAMPED_REGISTERS.length; register++)
      if (life.stampAt(at, register) !== 0) flags |= 1 << register;
    writer.number(flags);
    for (let register = 0; register < STAMPED_REGISTERS.length; register++)
      this.writeStamp(batch, life.stampAt(at, register));
    if (life.stampAt(at, PHASE_SET) !== 0)
      writer.copy(life.phases.bytes, life.phaseStarts[at] ?? 0, life.phaseLengths[at] ?? 0);
    this.writeWaits(batch, at);
  }

  private writeWaits(batch: BatchColumns, at: number): void {
    const { writer } = this;
    const { waits, firstWaits } = batch.life;
    const first = firstWaits[at] ?? NO_WAIT;
    let count = 0;
    for (let wait = first; wait !== NO_WAIT; wait = waits.next[wait] ?? NO_WAIT) count++;
    writer.number(count);
    for (let wait = first; wait !== NO_WAIT; wait = waits.next[wait] ?? NO_WAIT) {
      const opened = waits.opened[wait] ?? 0;
      const closed = waits.closed[wait] ?? 0;
      writer.copy(waits.ids.bytes, waits.starts[wait] ?? 0, waits.lengths[wait] ?? 0);
      writer.number((opened === 0 ? 0 : HAS_OPENED) | (closed === 0 ? 0 : HAS_CLOSED));
      this.writeStamp(batch, opened);
      this.writeStamp(batch, closed);
    }
  }

  /** The ID of an entry and the index of the event in it; nothing for no stamp. */
  private writeStamp(batch: BatchColumns, ordinal: number): void {
    if (ordinal === 0) return;
    const { writer } = this;
    const event = ordinal - 1;
    const entry = Math.floor(event / EVENTS_PER_ENTRY);
    writer.copy(batch.ids.bytes, batch.idStart(entry), batch.idLength(entry));
    writer.number(event % EVENTS_PER_ENTRY);
  }
}
