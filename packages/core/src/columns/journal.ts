import type { Key } from '../bytes/key-table.ts';
import { NO_KEY } from '../bytes/key-table.ts';
import type { LifeChange } from './life-columns.ts';
import { grown } from './series-columns.ts';

/**
 * What the events of one entry will do to a batch, if all of them turn out to be valid. Until then the batch is as it was.
 * One is used again for each entry.
 */
export class Journal {
  /** Events, and the observations of all of them. */
  events = 0;
  observations = 0;
  metrics = new Int32Array(FIRST_LENGTH);
  keys = new Int32Array(FIRST_LENGTH);
  numbers = new Float64Array(FIRST_LENGTH);
  /** Changes of lives. */
  changes = 0;
  private readonly changeRecords: ChangeRecord[] = [];

  clear(): void {
    this.events = 0;
    this.observations = 0;
    this.changes = 0;
  }

  /** A metric, by its place in the batch, gets a value. */
  observe(metric: number, key: Key, value: number): void {
    const at = this.observations++;
    if (at === this.keys.length) this.grow();
    this.metrics[at] = metric;
    this.keys[at] = key;
    this.numbers[at] = value;
  }

  /** The record of the next change, to be filled in: for the coordinator `key`, by the event that ends next. */
  addChange(key: Key): LifeChange {
    const record = (this.changeRecords[this.changes++] ??= emptyChange());
    record.key = key;
    record.index = this.events;
    return record;
  }

  changeAt(at: number): ChangeRecord | undefined {
    return this.changeRecords[at];
  }

  endEvent(): void {
    this.events++;
  }

  private grow(): void {
    this.metrics = grown(this.metrics);
    this.keys = grown(this.keys);
    this.numbers = grown(this.numbers);
  }
}

/** What an event does to a coordinator; `index` is the event's place in its entry. */
export interface ChangeRecord extends LifeChange {
  key: Key;
  index: number;
}

function emptyChange(): ChangeRecord {
  return {
    key: NO_KEY,
    index: 0,
    type: 'coordinator.started',
    phaseStart: 0,
    phaseLength: 0,
    waitStart: 0,
    waitLength: 0,
    waitHash: 0,
    isHeartbeat: false,
  };
}

const FIRST_LENGTH = 64;
