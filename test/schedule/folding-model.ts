/** The content of one published entry. */
export interface EntryModel {
  readonly fields: readonly string[];
  readonly bad: boolean;
}

/**
 * The invariants of a shard, in plain words: an entry is published once. For each generation it is then either still to be
 * delivered, or pending for one consumer, or folded, or lost; it moves through these states in this order, and each loss is
 * counted once.
 */
export interface ShardModel {
  /** All published entries, in the order of the stream. */
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
  /** Gone from the stream before this generation began: another generation has folded them. */
  readonly absent: ReadonlySet<string>;
  /** The number of lost entries that have been counted. */
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

/** Entries are gone from the stream. Undelivered ones are lost; a consumer may still hold pending ones. */
export function removeEntries(shard: ShardModel, ids: Iterable<string>): void {
  for (const id of ids) {
    shard.stream.delete(id);
    for (const { undelivered, folded, lost } of shard.generations.values())
      if (undelivered.delete(id) && !folded.has(id)) lost.add(id);
  }
}

/** The oldest entry that no consumer has seen. */
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
 * True if a commit of these entries must succeed: they are all entries pending for the consumer from the first to the last of
 * them. If one in between was claimed meanwhile, the commit is refused too, and the consumer reads its pending entries again.
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

/** The entries are folded; those whose content was gone are lost, and counted. */
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

/** All pending entries now belong to the consumer; those that are gone from the stream are lost. Returns the lost ones. */
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

/** The pending entries of a consumer are lost with it. */
export function deleteConsumer({ pending, folded, lost }: GenerationModel, consumer: string): void {
  for (const [id, owner] of pending) {
    if (owner !== consumer) continue;
    pending.delete(id);
    if (!folded.has(id)) lost.add(id);
  }
}
