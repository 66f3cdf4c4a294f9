import { NO_KEY, type Key, type KeyTable } from '../bytes/key-table.ts';
import { KeyParts } from '../bytes/key-parts.ts';
import type { ReceiveBuffer } from '../bytes/receive-buffer.ts';
import type { BatchColumns } from '../columns/batch-columns.ts';
import type { Journal } from '../columns/journal.ts';
import { isOfShard } from '../swarm-shard.ts';
import type { KeyPart, Layout, LifeReading } from './layout.ts';
import { HASHES, LENGTHS, NUMBERS, STARTS } from './matched-values.ts';
import { isValidPart } from './read-value.ts';

export interface EventJournalOptions {
  readonly source: ReceiveBuffer;
  readonly journal: Journal;
  readonly shard: number;
  readonly shards: number;
}

/** Turns an event whose values were found into what it does: the series that it counts in, and the registers that it sets. */
export class EventJournal {
  private readonly source: ReceiveBuffer;
  private readonly journal: Journal;
  private readonly shard: number;
  private readonly shards: number;
  private readonly parts: KeyParts;

  constructor({ source, journal, shard, shards }: EventJournalOptions) {
    this.source = source;
    this.journal = journal;
    this.shard = shard;
    this.shards = shards;
    this.parts = new KeyParts(source);
  }

  /** For the batch `batch`. `invalid`: a value is not what its field may have, or the event is of another shard. */
  write(layout: Layout, { metrics, life: lives }: BatchColumns): 'written' | 'invalid' {
    if (this.shards > 1 && !this.isOwn(layout)) return 'invalid';
    const { observations, life } = layout;
    for (let at = 0; at < observations.length; at++) {
      const observation = observations[at];
      if (observation === undefined) break;
      const { metric, value, scale } = observation;
      const table = metrics[metric]?.columns.table;
      const key = table === undefined ? NO_KEY : this.keyOf(layout, observation.parts, table);
      if (key === NO_KEY) return 'invalid';
      this.journal.observe(metric, key, value === -1 ? 1 : (NUMBERS[value] ?? 0) * scale);
    }
    if (life !== undefined) {
      const key = this.keyOf(layout, life.parts, lives.table);
      if (key === NO_KEY) return 'invalid';
      this.writeChange(life, key);
    }
    this.journal.endEvent();
    return 'written';
  }

  private isOwn({ swarm }: Layout): boolean {
    const start = STARTS[swarm] ?? 0;
    const bytes = this.source.bytes.subarray(start, start + (LENGTHS[swarm] ?? 0));
    return isOfShard(bytes, this.shard, this.shards);
  }

  /** The key with these parts; a new one if they are valid, else `NO_KEY`. */
  private keyOf(layout: Layout, keyParts: readonly KeyPart[], table: KeyTable): Key {
    const { parts } = this;
    parts.clear();
    for (let at = 0; at < keyParts.length; at++) {
      const part = keyParts[at];
      if (part === undefined) break;
      const { value } = part;
      if (value === -1) parts.add(part.start, part.length, part.hash);
      else parts.add(STARTS[value] ?? 0, LENGTHS[value] ?? 0, HASHES[value] ?? 0);
    }
    parts.finish();
    const key = table.find(parts);
    if (key !== NO_KEY) return key;
    for (const { value } of keyParts)
      if (value !== -1 && !isValidPart(layout, this.source, value)) return NO_KEY;
    return table.insert(parts);
  }

  private writeChange({ type, phase, wait, timeoutType }: LifeReading, key: Key): void {
    const change = this.journal.addChange(key);
    change.type = type;
    change.phaseStart = (phase === undefined || phase.value === -1 ? phase?.start : STARTS[phase.value]) ?? 0;
    change.phaseLength =
      (phase === undefined || phase.value === -1 ? phase?.length : LENGTHS[phase.value]) ?? 0;
    change.waitStart = wait === -1 ? 0 : (STARTS[wait] ?? 0);
    change.waitLength = wait === -1 ? 0 : (LENGTHS[wait] ?? 0);
    change.waitHash = wait === -1 ? 0 : this.source.hash(change.waitStart, change.waitLength);
    change.isHeartbeat = timeoutType !== -1 && LENGTHS[timeoutType] === HEARTBEAT.length;
  }
}

/** The only word of its length that a timeout can be of (see `event/timeout.ts`). */
const HEARTBEAT = 'heartbeat';
