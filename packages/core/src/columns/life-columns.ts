import { NO_KEY, type Key, type KeyTable } from '../bytes/key-table.ts';
import { ReceiveBuffer } from '../bytes/receive-buffer.ts';
import type { LifecycleEvent } from '../coordinator-registers.ts';
import { ByteArena } from './byte-arena.ts';
import { grown, NO_TABLE } from './series-columns.ts';
import { emptyWaitName, NO_WAIT, WaitColumns, type WaitName } from './wait-columns.ts';

/** The registers of a coordinator that hold a stamp (see `coordinator-registers.ts`), in the order in which they are kept. */
export const STAMPED_REGISTERS = [
  'seen',
  'ended',
  'started',
  'phaseSet',
  'staleSet',
  'allWaitsClosed',
] as const;

const SEEN = 0;
const ENDED = 1;
const STARTED = 2;
export const PHASE_SET = 3;
export const STALE_SET = 4;
const ALL_WAITS_CLOSED = 5;
/** Registers of one coordinator, with two that are not used. */
export const STAMP_STRIDE = 8;

/** What an event does to the registers of its coordinator: `foldLifecycle` on bytes. Lengths of 0: it has no such field. */
export interface LifeChange {
  type: LifecycleEvent['type'];
  phaseStart: number;
  phaseLength: number;
  waitStart: number;
  waitLength: number;
  waitHash: number;
  /** Whether a timeout is that of the heartbeat. */
  isHeartbeat: boolean;
}

/** The registers that a batch sets, by coordinator, as ordinals of the events that set them; 0: not set. */
export class LifeColumns {
  /** Of the keys. Other batches use it at the same time. */
  table: KeyTable = NO_TABLE;
  /** Number of coordinators. */
  count = 0;
  keys = new Int32Array(FIRST_COORDINATORS);
  /** `STAMP_STRIDE` for each coordinator. */
  stamps = new Int32Array(FIRST_COORDINATORS * STAMP_STRIDE);
  phaseStarts = new Int32Array(FIRST_COORDINATORS);
  phaseLengths = new Int32Array(FIRST_COORDINATORS);
  stale = new Uint8Array(FIRST_COORDINATORS);
  /** The first wait of each coordinator. */
  firstWaits = new Int32Array(FIRST_COORDINATORS);
  readonly waits = new WaitColumns();
  readonly phases = new ByteArena();
  private source = NO_SOURCE;
  /** Of each key of the table, by its slot: its place here, if the key that is there is this one. */
  private places = new Int32Array(FIRST_COORDINATORS);
  private readonly waitName = emptyWaitName();

  /** Begins a batch, with the keys of `table`; the texts of changes are in `source`. */
  begin(table: KeyTable, source: ReceiveBuffer): void {
    this.table = table;
    this.source = source;
    this.count = 0;
    this.waits.clear();
    this.phases.clear();
  }

  /** Sets the registers that an event sets. Events must come in the order of the stream. */
  change(key: Key, change: LifeChange, stamp: number): void {
    const at = this.placeOf(key);
    const { stamps } = this;
    const registers = at * STAMP_STRIDE;
    switch (change.type) {
      case 'coordinator.stopped':
        stamps[registers + ENDED] = stamp;
        return;
      case 'timeout':
        stamps[registers + (change.isHeartbeat ? ENDED : SEEN)] = stamp;
        return;
      case 'coordinator.started':
        stamps[registers + STARTED] = stamp;
        this.setPhase(at, change, stamp);
        break;
      case 'coordinator.phase_changed':
        this.setPhase(at, change, stamp);
        break;
      case 'wait.started':
        if (change.phaseLength > 0) this.setPhase(at, change, stamp);
        this.waits.open(this.waitOf(at, change), stamp);
        break;
      case 'wait.finished':
        if (change.waitLength === 0) stamps[registers + ALL_WAITS_CLOSED] = stamp;
        else this.waits.close(this.waitOf(at, change), stamp);
        break;
      case 'heartbeat.stale':
        stamps[registers + STALE_SET] = stamp;
        this.stale[at] = 1;
        break;
      case 'heartbeat.recovered':
        stamps[registers + STALE_SET] = stamp;
        this.stale[at] = 0;
        break;
    }
    stamps[registers + SEEN] = stamp;
  }

  /** The place of a coordinator, which is touched by that. */
  placeOf(key: Key): number {
    const slot = this.table.slotOf(key);
    const at = this.places[slot] ?? this.count;
    return at < this.count && this.keys[at] === key ? at : this.touch(key, slot);
  }

  private touch(key: Key, slot: number): number {
    const at = this.count++;
    if (at === this.keys.length) this.grow();
    while (slot >= this.places.length) this.places = grown(this.places);
    this.places[slot] = at;
    this.keys[at] = key;
    this.stamps.fill(0, at * STAMP_STRIDE, (at + 1) * STAMP_STRIDE);
    this.stale[at] = 0;
    this.firstWaits[at] = NO_WAIT;
    return at;
  }

  private setPhase(at: number, { phaseStart, phaseLength }: LifeChange, stamp: number): void {
    this.stamps[at * STAMP_STRIDE + PHASE_SET] = stamp;
    this.phaseStarts[at] = this.phases.copy(this.source.bytes, phaseStart, phaseLength);
    this.phaseLengths[at] = phaseLength;
  }

  private waitOf(at: number, { waitStart, waitLength, waitHash }: LifeChange): number {
    const { waitName } = this;
    waitName.coordinator = at;
    waitName.bytes = this.source.bytes;
    waitName.start = waitStart;
    waitName.length = waitLength;
    waitName.hash = waitHash;
    return this.touchWait(waitName);
  }

  /** The number of a wait, which is touched by that. */
  touchWait(name: WaitName): number {
    const { waits } = this;
    const known = waits.find(name);
    if (known !== NO_WAIT) return known;
    const wait = waits.insert(name, this.firstWaits[name.coordinator] ?? NO_WAIT);
    this.firstWaits[name.coordinator] = wait;
    return wait;
  }

  private grow(): void {
    this.keys = grown(this.keys);
    this.stamps = grown(this.stamps);
    this.phaseStarts = grown(this.phaseStarts);
    this.phaseLengths = grown(this.phaseLengths);
    this.stale = grown(this.stale);
    this.firstWaits = grown(this.firstWaits);
  }

  keyAt(at: number): Key {
    return this.keys[at] ?? NO_KEY;
  }

  /** Bytes of the texts that are kept. */
  get textBytes(): number {
    return this.waits.ids.end + this.phases.end;
  }

  /** The ordinal that a register of a coordinator holds. */
  stampAt(at: number, register: number): number {
    return this.stamps[at * STAMP_STRIDE + register] ?? 0;
  }
}

const FIRST_COORDINATORS = 64;
export const NO_SOURCE = new ReceiveBuffer(0, 1 << 15);
