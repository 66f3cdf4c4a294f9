import type { Event } from './event/event-types.ts';
import { isAfter, laterStamp, NO_STAMP, stampMs, type Stamp } from './entry-id.ts';

/**
 * The facts about one coordinator, as registers: each holds the stamp of the latest event that set it. Merging keeps the
 * later one, so the result is the same as if all events had been folded one by one in the order of their entries.
 *
 * The states that they represent (`readCoordinator`):
 *
 * ```
 *            first event, or coordinator.started
 *   absent ────────────────────────────────────▶ alive: phase · stale? · open waits
 *      ▲                                           │  ▲ │ coordinator.started: a new life,
 *      └───────────────────────────────────────────┘  └─┘ nothing of the old one is left
 *            coordinator.stopped, or timeout of type heartbeat
 * ```
 */
export interface CoordinatorRegisters {
  /** Latest event that shows it alive. */
  seen: Stamp;
  /** Latest event that ended a life. */
  ended: Stamp;
  /** Latest `coordinator.started`. */
  started: Stamp;
  phaseSet: Stamp;
  phase: string;
  staleSet: Stamp;
  stale: boolean;
  /** Latest `wait.finished` without `wait_id`. */
  allWaitsClosed: Stamp;
  /** By `wait_id`. */
  readonly waits: Map<string, WaitRegisters>;
}

/** Latest start and latest finish of one wait. */
interface WaitRegisters {
  opened: Stamp;
  closed: Stamp;
}

/** Status of a coordinator that is alive: the first of these that applies. */
export const COORDINATOR_STATUSES = ['stale', 'blocked', 'active'] as const;

/** A coordinator that is alive, as its registers describe it. */
export interface Coordinator {
  readonly phase: string;
  readonly status: (typeof COORDINATOR_STATUSES)[number];
  readonly openWaits: number;
  /** When the oldest open wait was started, ms of Redis's clock; `undefined` if none is open. */
  readonly oldestWaitMs: number | undefined;
}

/** The phase of a coordinator that has not given one. */
const UNKNOWN_PHASE = 'unknown';

/** Registers that no event has set. */
export function emptyRegisters(): CoordinatorRegisters {
  return {
    seen: NO_STAMP,
    ended: NO_STAMP,
    started: NO_STAMP,
    phaseSet: NO_STAMP,
    phase: UNKNOWN_PHASE,
    staleSet: NO_STAMP,
    stale: false,
    allWaitsClosed: NO_STAMP,
    waits: new Map(),
  };
}

/** Event types that name a coordinator whose life they begin, continue or end. */
export type LifecycleEvent = Extract<Event, { coordinator_id: string }>;

/** Sets the registers that `event` sets. Events must arrive in the order of their stamps. */
export function foldLifecycle(registers: CoordinatorRegisters, event: LifecycleEvent, stamp: Stamp): void {
  switch (event.type) {
    case 'coordinator.stopped':
      registers.ended = stamp;
      return;
    case 'timeout':
      if (event.timeout_type === 'heartbeat') registers.ended = stamp;
      else registers.seen = stamp;
      return;
    case 'coordinator.started':
      registers.started = stamp;
      setPhase(registers, event.phase, stamp);
      break;
    case 'coordinator.phase_changed':
      setPhase(registers, event.phase, stamp);
      break;
    case 'wait.started':
      if (event.phase !== undefined) setPhase(registers, event.phase, stamp);
      waitOf(registers, event.wait_id).opened = stamp;
      break;
    case 'wait.finished':
      if (event.wait_id === undefined) registers.allWaitsClosed = stamp;
      else waitOf(registers, event.wait_id).closed = stamp;
      break;
    case 'heartbeat.stale':
      setStale(registers, true, stamp);
      break;
    case 'heartbeat.recovered':
      setStale(registers, false, stamp);
      break;
  }
  registers.seen = stamp;
}

export function setPhase(registers: CoordinatorRegisters, phase: string, stamp: Stamp): void {
  registers.phase = phase;
  registers.phaseSet = stamp;
}

export function setStale(registers: CoordinatorRegisters, stale: boolean, stamp: Stamp): void {
  registers.stale = stale;
  registers.staleSet = stamp;
}

/** The registers of a wait; new ones if there are none. */
export function waitOf(registers: CoordinatorRegisters, waitId: string): WaitRegisters {
  let wait = registers.waits.get(waitId);
  if (wait === undefined) {
    wait = { opened: NO_STAMP, closed: NO_STAMP };
    registers.waits.set(waitId, wait);
  }
  return wait;
}

/** Keeps the later value of each register; changes `into`. */
export function mergeRegisters(into: CoordinatorRegisters, from: CoordinatorRegisters): void {
  into.seen = laterStamp(into.seen, from.seen);
  into.ended = laterStamp(into.ended, from.ended);
  into.started = laterStamp(into.started, from.started);
  into.allWaitsClosed = laterStamp(into.allWaitsClosed, from.allWaitsClosed);
  if (isAfter(from.phaseSet, into.phaseSet)) setPhase(into, from.phase, from.phaseSet);
  if (isAfter(from.staleSet, into.staleSet)) setStale(into, from.stale, from.staleSet);
  for (const [waitId, wait] of from.waits) {
    const present = waitOf(into, waitId);
    present.opened = laterStamp(present.opened, wait.opened);
    present.closed = laterStamp(present.closed, wait.closed);
  }
}

/** A copy of the registers. */
export function copyRegisters(registers: CoordinatorRegisters): CoordinatorRegisters {
  const waits = new Map<string, WaitRegisters>();
  for (const [waitId, wait] of registers.waits) waits.set(waitId, { ...wait });
  return { ...registers, waits };
}

/** The coordinator that the registers describe, or `undefined` if it is not alive. Costs one pass over its waits. */
export function readCoordinator(registers: CoordinatorRegisters): Coordinator | undefined {
  if (!isAfter(registers.seen, registers.ended)) return undefined;
  const born = laterStamp(registers.ended, registers.started);
  const closedBefore = laterStamp(born, registers.allWaitsClosed);
  let openWaits = 0;
  let oldest: Stamp = NO_STAMP;
  for (const wait of registers.waits.values()) {
    if (!isOpen(wait, closedBefore)) continue;
    openWaits++;
    if (oldest === NO_STAMP || isAfter(oldest, wait.opened)) oldest = wait.opened;
  }
  const stale = registers.stale && isAfter(registers.staleSet, born);
  return {
    phase: isAfter(born, registers.phaseSet) ? UNKNOWN_PHASE : registers.phase,
    status: stale ? 'stale' : openWaits > 0 ? 'blocked' : 'active',
    openWaits,
    oldestWaitMs: oldest === NO_STAMP ? undefined : stampMs(oldest),
  };
}

function isOpen(wait: WaitRegisters, closedBefore: Stamp): boolean {
  return isAfter(wait.opened, wait.closed) && isAfter(wait.opened, closedBefore);
}

/**
 * Drops closed waits and, if the coordinator has ended, all its registers, provided that no event up to `watermark` can
 * still arrive: an end is a tombstone that must outlive the events before it.
 */
export function pruneRegisters(
  registers: CoordinatorRegisters,
  watermark: Stamp,
): 'something_left' | 'nothing_left' {
  if (!isAfter(registers.seen, registers.ended)) {
    return isAfter(registers.ended, watermark) ? 'something_left' : 'nothing_left';
  }
  const closedBefore = laterStamp(laterStamp(registers.ended, registers.started), registers.allWaitsClosed);
  for (const [waitId, wait] of registers.waits) {
    if (isOpen(wait, closedBefore)) continue;
    if (!isAfter(wait.opened, watermark) && !isAfter(wait.closed, watermark)) registers.waits.delete(waitId);
  }
  return 'something_left';
}
