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
  /** Folded by an earlier version, which does not record what it folds behind the watermark. */
  readonly unrecorded: Set<string>;
  /** The group was destroyed, and counting of the lost has not begun again yet. */
  isCountUnknown: boolean;
  /** How many of the lost are never counted, since the group was destroyed. */
  uncountable: number;
}

export function emptyShard(): ShardModel {
  return { entries: new Map(), stream: new Set(), generations: new Map() };
}

/** A model that shares nothing with this one. */
export function copyShard({ entries, stream, generations }: ShardModel): ShardModel {
  return {
    entries: new Map(entries),
    stream: new Set(stream),
    generations: new Map([...generations].map(([id, generation]) => [id, copyGeneration(generation)])),
  };
}

function copyGeneration(generation: GenerationModel): GenerationModel {
  const { undelivered, pending, folded, lost, unrecorded } = generation;
  return {
    ...generation,
    undelivered: new Set(undelivered),
    pending: new Map(pending),
    folded: new Set(folded),
    lost: new Set(lost),
    unrecorded: new Set(unrecorded),
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
    unrecorded: new Set(),
    isCountUnknown: false,
    uncountable: 0,
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
    for (const { undelivered, pending, folded, lost } of shard.generations.values())
      if (undelivered.delete(id) && !pending.has(id) && !folded.has(id)) lost.add(id);
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

/** True if all that one read brought is still pending for its consumer, which was given nothing else. */
export function mayCommitRead(
  { pending }: GenerationModel,
  { consumer, ids }: { readonly consumer: string; readonly ids: readonly string[] },
): boolean {
  const own = [...pending.values()].filter((each) => each === consumer);
  return own.length === ids.length && ids.every((id) => pending.get(id) === consumer);
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

/** Folded entries that were delivered again: they are acknowledged without effect. */
export function acknowledgeRepeated({ pending, folded }: GenerationModel, ids: readonly string[]): number {
  const repeated = ids.filter((id) => folded.has(id));
  for (const id of repeated) pending.delete(id);
  return repeated.length;
}

/** All pending entries become the consumer's, except those gone from the stream: they are lost. Returns their number. */
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

/** The group is delivered everything behind this entry again; what is pending stays so until then. */
export function deliverAgain(
  { stream }: ShardModel,
  { undelivered }: GenerationModel,
  isAgain: (id: string) => boolean,
): void {
  undelivered.clear();
  for (const id of stream) if (isAgain(id)) undelivered.add(id);
}

/** The pending entries list is gone. What is gone from the stream as well is lost, and nobody can count it. */
export function forgetPending({ stream }: ShardModel, generation: GenerationModel): void {
  const { pending, folded, lost } = generation;
  for (const id of pending.keys()) if (!stream.has(id) && !folded.has(id)) lost.add(id);
  pending.clear();
  generation.isCountUnknown = true;
}

/** What was pending for a consumer is lost with it, unless it is delivered again. */
export function deleteConsumer(
  { undelivered, pending, folded, lost }: GenerationModel,
  consumer: string,
): void {
  for (const [id, owner] of pending) {
    if (owner !== consumer) continue;
    pending.delete(id);
    if (!folded.has(id) && !undelivered.has(id)) lost.add(id);
  }
}
