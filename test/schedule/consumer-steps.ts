import type { Generation } from '@streamfold/aggregator';
import {
  claimEntries,
  commitBatch,
  commitRead,
  countTrimmed,
  describeDelivered,
} from '@streamfold/aggregator/round-trips';
import { isAfter } from '@streamfold/core';
import { commitAsEarlier } from '../harness/commit-as-earlier.ts';
import {
  acknowledgeRepeated,
  claim,
  commit,
  deliver,
  mayCommit,
  mayCommitRead,
  pendingOf,
  type GenerationModel,
} from './folding-model.ts';
import type { Consumer, Under } from './folding-steps.ts';
import {
  attempt,
  modelOf,
  nameOf,
  noticeCounting,
  placeOf,
  startFold,
  type Hand,
  type Origin,
  type ShardRun,
} from './shard-run.ts';
import { expectSame } from './subject.ts';
import { mergeOwnRecord } from './view-steps.ts';

interface Reading {
  readonly consumer: Consumer;
  readonly under?: Under;
  readonly count: number;
  readonly origin: Origin;
}

/**
 * XREADGROUP GROUP group consumer COUNT count STREAMS key from
 *
 * The consumer then holds these entries, folded, and no others under that name.
 */
export async function readEntries(run: ShardRun, generation: Generation, reading: Reading): Promise<void> {
  const { keys, shardKeys } = generation;
  const { consumer, count, origin } = reading;
  if (origin === 'ahead') run.aheads.set(placeOf(generation, consumer), `${consumer}/${run.reads++}`);
  const name = nameOf(run, generation, origin === 'ahead' ? { consumer, under: 'ahead' } : reading);
  const from = origin === 'pending' ? '0' : '>';
  const reply = await attempt(
    () =>
      // prettier-ignore
      run.laboratory.product.xreadgroup(
        'GROUP', keys.group, name, 'COUNT', count, 'STREAMS', shardKeys.events, from,
      ) as Promise<[string, [string, string[] | null][]][] | null>,
  );
  if (reply === undefined) return;
  dropHand(run, generation, name);
  const entries = reply?.[0]?.[1] ?? [];
  const model = modelOf(run, generation);
  const expected =
    from === '>' ? deliver(model, name, count) : pendingOf(run.shard, model, name).slice(0, count);
  const ids = entries.map(([id]) => id);
  expectSame('entries read', ids, expected);
  const folding = startFold(generation, 2_000);
  const gone = new Set<string>();
  const contents = new Map<string, string>();
  for (const [id, fields] of entries) {
    folding.take(describeDelivered(id, fields ?? undefined));
    if (fields === null) gone.add(id);
    else contents.set(id, fields.join(' '));
  }
  const [batch] = folding.batches;
  if (batch !== undefined)
    run.hands.set(placeOf(generation, name), { generation, name, origin, batch, gone, contents });
}

/** Everything that a consumer holds: its commits may still arrive. */
export function dropHands(run: ShardRun, generation: Generation, consumer: Consumer): void {
  for (const under of ['own', 'ahead'] as const)
    dropHand(run, generation, nameOf(run, generation, { consumer, under }));
}

/** The entries held under a name: their commit may still arrive. */
function dropHand(run: ShardRun, generation: Generation, name: string): void {
  const place = placeOf(generation, name);
  const hand = run.hands.get(place);
  if (hand !== undefined) run.late.push(hand);
  run.hands.delete(place);
}

interface Committing {
  readonly consumer: Consumer;
  readonly under: Under;
  readonly reply: 'read' | 'lost';
  readonly by?: 'earlier';
}

/** Commits the entries that a consumer holds. If the reply is lost, it does not know the outcome; the commit may arrive again. */
export async function commitHand(
  run: ShardRun,
  generation: Generation,
  committing: Committing,
): Promise<void> {
  const place = placeOf(generation, nameOf(run, generation, committing));
  const hand = run.hands.get(place);
  if (hand === undefined) return;
  const isDone =
    committing.by === 'earlier'
      ? await commitByEarlier(run, hand)
      : await commitOnce(run, hand, committing.reply);
  if (!isDone) return;
  if (committing.reply === 'lost') run.late.push(hand);
  run.hands.delete(place);
}

/** A commit that was sent long ago, and may have been done at that time, arrives (again). */
export async function commitLate(run: ShardRun, which: number): Promise<void> {
  const hand = run.late[which];
  if (hand !== undefined) await commitOnce(run, hand, 'lost');
}

/** False if it was refused: it may then be tried again. */
async function commitOnce(run: ShardRun, hand: Hand, reply: Committing['reply']): Promise<boolean> {
  if (!run.shard.generations.has(hand.generation.id)) return true; // dropped: there is no group to commit to
  return hand.origin === 'ahead' ? commitByNumber(run, hand, reply) : commitByList(run, hand, reply);
}

/** Commits all entries of one read that has its own name. */
async function commitByNumber(run: ShardRun, hand: Hand, reply: Committing['reply']): Promise<boolean> {
  const { generation, name, batch, gone } = hand;
  const committed = await attempt(() =>
    commitRead(run.laboratory.product, generation, { consumer: name, batch, mode: 'live' }),
  );
  if (committed === undefined) return false;
  const { ids } = batch;
  const model = modelOf(run, generation);
  if (!mayCommitRead(model, { consumer: name, ids })) {
    expectSame('outcome of a commit by number', committed.outcome, 'contested');
    return true;
  }
  const isAnyRepeated = ids.some((id) => model.folded.has(id));
  // A folded entry between them may be gone from the stream. Then the list of IDs decides.
  if (isAnyRepeated || committed.outcome === 'moved') {
    expectSame('outcome of a commit by number, of folded entries', committed.outcome, 'moved');
    expectSame('folded entries from the first to the last', isAnyFolded(model, ids), true);
    return true;
  }
  expectSame('outcome of a commit by number', committed.outcome, 'committed');
  if (reply === 'read') mergeOwnRecord(run, hand, committed);
  model.counted += commit(model, ids, gone);
  return true;
}

function isAnyFolded({ folded }: GenerationModel, ids: readonly string[]): boolean {
  const [first = '', last = ''] = [ids[0], ids.at(-1)];
  return [...folded].some((id) => !isAfter(first, id) && !isAfter(id, last));
}

/** Commits entries pending under a name, by their IDs. */
async function commitByList(run: ShardRun, hand: Hand, reply: Committing['reply']): Promise<boolean> {
  if (isOther(run, hand)) return true;
  const { generation, name, origin, batch, gone } = hand;
  const committed = await attempt(() =>
    commitBatch(run.laboratory.product, generation, {
      consumer: name,
      batch,
      mode: 'live',
      isRun: origin === 'waited',
      removeConsumer: name.includes('/'),
    }),
  );
  if (committed === undefined) return false;
  const { ids } = batch;
  const model = modelOf(run, generation);
  const may = mayCommit(run.shard, model, { consumer: name, ids });
  const entries = may ? acknowledgeRepeated(model, ids) : 0;
  if (entries > 0) {
    expectSame('outcome of a commit of folded entries', committed, { outcome: 'repeated', entries });
    return true;
  }
  expectSame('outcome of a commit', committed.outcome, may ? 'committed' : 'contested');
  if (reply === 'read') mergeOwnRecord(run, hand, committed);
  if (may) model.counted += commit(model, ids, gone);
  return true;
}

/** Commits as the previous version does. It does not notice if entries folded after the watermark are delivered again. */
async function commitByEarlier(run: ShardRun, hand: Hand): Promise<boolean> {
  const { generation, name, batch, gone } = hand;
  const model = modelOf(run, generation);
  const { undelivered, pending, folded } = model;
  const isMoved = [...folded, ...pending.keys()].some(
    (id) => undelivered.has(id) || (folded.has(id) && pending.has(id)),
  );
  if (isMoved || isOther(run, hand)) return true;
  const outcome = await attempt(() =>
    commitAsEarlier(run.laboratory.product, generation, { consumer: name, batch }),
  );
  if (outcome === undefined) return false;
  const { ids } = batch;
  const may = mayCommit(run.shard, model, { consumer: name, ids });
  expectSame('outcome of a commit of the version before', outcome, may ? 'committed' : 'contested');
  if (!may) return true;
  for (const id of ids) model.unrecorded.add(id);
  model.counted += commit(model, ids, gone);
  return true;
}

/**
 * After going back, Redis may give an ID again, to another entry. A commit by list that was sent before and arrives only after
 * the same consumer has read that one too would fold the wrong content: no connection holds a command back for so long. A
 * commit by number cannot: no name is used again.
 */
function isOther(run: ShardRun, { contents }: Hand): boolean {
  return [...contents].some(([id, content]) => {
    const entry = run.shard.entries.get(id);
    return entry !== undefined && entry.fields.join(' ') !== content;
  });
}

/** Takes over all that is pending. */
export async function claimAll(run: ShardRun, generation: Generation, consumer: Consumer): Promise<void> {
  const claimed = await attempt(() =>
    claimEntries(run.laboratory.product, generation, { consumer, idleMs: 0 }),
  );
  if (claimed === undefined) return;
  const model = modelOf(run, generation);
  const lost = claim(run.shard, model, consumer);
  expectSame('entries lost at a claim', claimed.lost, lost);
  model.counted += lost;
}

/** Counts the entries trimmed unread, if that can be known now; never more than are lost. */
export async function countLost(run: ShardRun, generation: Generation): Promise<void> {
  const model = modelOf(run, generation);
  model.counted += (await attempt(() => countTrimmed(run.laboratory.product, generation)))?.lost ?? 0;
  await noticeCounting(run, generation);
  if (model.counted + model.uncountable > model.lost.size)
    expectSame('entries counted as lost, at most', model.counted, model.lost.size - model.uncountable);
}
