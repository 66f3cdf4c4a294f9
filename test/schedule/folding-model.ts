/** What was published as one entry. */
export interface EntryModel {
  readonly fields: readonly string[];
  readonly bad: boolean;
}

/**
 * What must be true of a shard, in plain words: an entry is published once. For each generation it is then either still to be
 * delivered, or pending for one consumer, or folded, or lost; it changes between these in this order, and each loss is counted
 * once.
 */
export interface ShardModel {
  /** All that was ever published, in the order of the stream. */
  readonly entries: Map<string, EntryModel>;
  /** Those that are still in the stream. */
  readonly stream: Set<string>;
  readonly generations: Map<string, GenerationModel>;
}

export interface GenerationModel {
  readonly undelivered: Set<string>;
  /** Entry to consumer. */
  readonly pending: Map<string, string>;
  readonly folded: Set<string>;
  readonly lost: Set<string>;
  /** Gone from the stream before this generation began: another one has folded them. */
  readonly absent: ReadonlySet<string>;
  /** How many of the lost have been counted. */
  counted: number;
}

export function emptyShard(): ShardModel {
  return { entries: new Map(), stream: new Set(), generations: new Map() };
}

/** A model that shares nothing with this one. */
export function copyShard({ entries, stream, generations }: ShardModel): ShardModel {
  return {
    entries: new Map(entries),
    stream: new Set(stream),
    generations: new Map(
      [...generations].map(([id, { undelivered, pending, folded, lost, absent, counted }]) => [
        id,
        {
          undelivered: new Set(undelivered),
          pending: new Map(pending),
          folded: new Set(folded),
          lost: new Set(lost),
          absent,
          counted,
        },
      ]),
    ),
  };
}

/** A generation that begins at the oldest entry of the stream. */
export function beginGeneration({ entries, stream, generations }: ShardModel, id: string): void {
  generations.set(id, {
    undelivered: new Set(stream),
    pending: new Map(),
    folded: new Set(),
    lost: new Set(),
    absent: new Set([...entries.keys()].filter((entry) => !stream.has(entry))),
    counted: 0,
  });
}

export function publish(shard: ShardModel, id: string, entry: EntryModel): void {
  shard.entries.set(id, entry);
  shard.stream.add(id);
  for (const { undelivered } of shard.generations.values()) undelivered.add(id);
}

/** Entries are gone from the stream. What was not delivered is lost; what is pending may still be in somebody's hand. */
export function removeEntries(shard: ShardModel, ids: Iterable<string>): void {
  for (const id of ids) {
    shard.stream.delete(id);
    for (const { undelivered, folded, lost } of shard.generations.values())
      if (undelivered.delete(id) && !folded.has(id)) lost.add(id);
  }
}

/** The oldest that no consumer has seen. */
export function deliver(
  { undelivered, pending }: GenerationModel,
  consumer: string,
  count: number,
): string[] {
  const ids = [...undelivered].slice(0, count);
  for (const id of ids) {
    undelivered.delete(id);
    pending.set(id, consumer);
  }
  return ids;
}

/** Those that are pending for a consumer, in the order of the stream. */
export function pendingOf({ entries }: ShardModel, { pending }: GenerationModel, consumer: string): string[] {
  return [...entries.keys()].filter((id) => pending.get(id) === consumer);
}

/**
 * True if a commit of these must succeed: they are all that is pending for the consumer from the first to the last of them. If
 * one was claimed in between meanwhile, the commit is refused too, and the consumer reads again what is pending for it.
 */
export function mayCommit(
  shard: ShardModel,
  generation: GenerationModel,
  { consumer, ids }: { readonly consumer: string; readonly ids: readonly string[] },
): boolean {
  const own = pendingOf(shard, generation, consumer);
  const first = own.indexOf(ids[0] ?? '');
  return first !== -1 && ids.every((id, at) => own[first + at] === id);
}

/** They are folded; those whose content was gone are lost, and counted. */
export function commit(
  { pending, folded, lost }: GenerationModel,
  ids: readonly string[],
  gone: ReadonlySet<string>,
): number {
  for (const id of ids) {
    pending.delete(id);
    (gone.has(id) ? lost : folded).add(id);
  }
  return gone.size;
}

/** All that is pending is now the consumer's; of that, what is gone from the stream is lost. Gives the lost. */
export function claim(
  { stream }: ShardModel,
  { pending, folded, lost }: GenerationModel,
  consumer: string,
): number {
  let gone = 0;
  for (const id of pending.keys()) {
    if (stream.has(id)) pending.set(id, consumer);
    else {
      pending.delete(id);
      if (folded.has(id)) continue;
      lost.add(id);
      gone += 1;
    }
  }
  return gone;
}

/** What was pending for a consumer is lost with it. */
export function deleteConsumer({ pending, folded, lost }: GenerationModel, consumer: string): void {
  for (const [id, owner] of pending) {
    if (owner !== consumer) continue;
    pending.delete(id);
    if (!folded.has(id)) lost.add(id);
  }
}
