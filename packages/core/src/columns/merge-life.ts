import { setPhase, setStale, waitOf, type CoordinatorRegisters } from '../coordinator-registers.ts';
import { isAfter, laterStamp } from '../entry-id.ts';
import type { BatchColumns } from './batch-columns.ts';
import { PHASE_SET, STALE_SET, STAMPED_REGISTERS } from './life-columns.ts';
import { NO_WAIT } from './wait-columns.ts';

/** Keeps the later value of each register: the same as `mergeRegisters`, with the coordinator at a place of a batch. */
export function mergeLife(into: CoordinatorRegisters, batch: BatchColumns, at: number): void {
  const { life } = batch;
  for (let register = 0; register < STAMPED_REGISTERS.length; register++) {
    const ordinal = life.stampAt(at, register);
    const name = STAMPED_REGISTERS[register];
    if (ordinal === 0 || name === undefined) continue;
    const stamp = batch.stampOf(ordinal);
    if (!isAfter(stamp, into[name])) continue;
    if (register === PHASE_SET)
      setPhase(into, life.phases.text(life.phaseStarts[at] ?? 0, life.phaseLengths[at] ?? 0), stamp);
    else if (register === STALE_SET) setStale(into, life.stale[at] === 1, stamp);
    else into[name] = stamp;
  }
  const { waits } = life;
  for (let wait = life.firstWaits[at] ?? NO_WAIT; wait !== NO_WAIT; wait = waits.next[wait] ?? NO_WAIT) {
    const opened = waits.opened[wait] ?? 0;
    const closed = waits.closed[wait] ?? 0;
    const present = waitOf(into, waits.ids.text(waits.starts[wait] ?? 0, waits.lengths[wait] ?? 0));
    if (opened > 0) present.opened = laterStamp(present.opened, batch.stampOf(opened));
    if (closed > 0) present.closed = laterStamp(present.closed, batch.stampOf(closed));
  }
}
