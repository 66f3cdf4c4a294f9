import { EVENTS_PER_ENTRY, type BatchColumns } from './batch-columns.ts';
import { PHASE_SET, STALE_SET, STAMP_STRIDE, STAMPED_REGISTERS } from './life-columns.ts';
import { emptyWaitName, NO_WAIT } from './wait-columns.ts';

/**
 * Adds the coordinators of batches to one batch of the same tables, and keeps the later value of each register: the same as
 * `mergeRegisters`. Only the IDs of entries that set a register are copied.
 */
export class LifeJoin {
  private readonly into: BatchColumns;
  private from: BatchColumns;
  /** The entry of `from` that was copied last. */
  private copiedEntry = NO_ENTRY;
  private readonly waitName = emptyWaitName();

  constructor(into: BatchColumns) {
    this.into = into;
    this.from = into;
  }

  join(from: BatchColumns): void {
    this.from = from;
    this.copiedEntry = NO_ENTRY;
    for (let at = 0; at < from.life.count; at++) {
      const place = this.into.life.placeOf(from.life.keyAt(at));
      this.joinRegisters(place, at);
      this.joinWaits(place, at);
    }
  }

  private joinRegisters(place: number, at: number): void {
    const { life } = this.into;
    const { life: added } = this.from;
    for (let register = 0; register < STAMPED_REGISTERS.length; register++) {
      const ordinal = added.stampAt(at, register);
      const cell = place * STAMP_STRIDE + register;
      if (!this.isLater(ordinal, life.stamps[cell] ?? 0)) continue;
      life.stamps[cell] = this.copyStamp(ordinal);
      if (register === STALE_SET) life.stale[place] = added.stale[at] ?? 0;
      if (register !== PHASE_SET) continue;
      const length = added.phaseLengths[at] ?? 0;
      life.phaseStarts[place] = life.phases.copy(added.phases.bytes, added.phaseStarts[at] ?? 0, length);
      life.phaseLengths[place] = length;
    }
  }

  private joinWaits(place: number, at: number): void {
    const { waitName } = this;
    const { life } = this.into;
    const { waits: added, firstWaits } = this.from.life;
    const { opened, closed } = added;
    for (let wait = firstWaits[at] ?? NO_WAIT; wait !== NO_WAIT; wait = added.next[wait] ?? NO_WAIT) {
      waitName.coordinator = place;
      waitName.bytes = added.ids.bytes;
      waitName.start = added.starts[wait] ?? 0;
      waitName.length = added.lengths[wait] ?? 0;
      waitName.hash = added.hashes[wait] ?? 0;
      const to = life.touchWait(waitName);
      const { waits } = life;
      waits.opened[to] = this.later(opened[wait] ?? 0, waits.opened[to] ?? 0);
      waits.closed[to] = this.later(closed[wait] ?? 0, waits.closed[to] ?? 0);
    }
  }

  private later(ordinal: number, present: number): number {
    return this.isLater(ordinal, present) ? this.copyStamp(ordinal) : present;
  }

  /** True if an event of `from` is later than the present one of `into`; 0: no event. */
  private isLater(ordinal: number, present: number): boolean {
    return ordinal !== 0 && (present === 0 || this.from.compareStamp(ordinal, this.into, present) > 0);
  }

  /** The ordinal in `into` of an event of `from`. Its entry is copied, unless it was the last one copied. */
  private copyStamp(ordinal: number): number {
    const { into, from } = this;
    const event = ordinal - 1;
    const entry = Math.floor(event / EVENTS_PER_ENTRY);
    if (entry !== this.copiedEntry) into.openEntry(from.ids.bytes, from.idStart(entry), from.idLength(entry));
    this.copiedEntry = entry;
    return into.ordinalOf(event % EVENTS_PER_ENTRY);
  }
}

const NO_ENTRY = -1;
