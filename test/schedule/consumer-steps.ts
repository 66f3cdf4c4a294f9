import type { Generation } from '@streamfold/aggregator';
import {
  claimEntries,
  commitBatch,
  countTrimmed,
  describeDelivered,
} from '@streamfold/aggregator/round-trips';
import { claim, commit, deliver, mayCommit, pendingOf } from './folding-model.ts';
import type { Consumer } from './folding-steps.ts';
import { attempt, modelOf, placeOf, startFold, type Hand, type ShardRun } from './shard-run.ts';
import { expectSame } from './subject.ts';

interface Reading {
  readonly consumer: Consumer;
  readonly count: number;
  /** New entries, or those pending for the consumer. */
  readonly from: '>' | '0';
}

/**
 * XREADGROUP GROUP group consumer COUNT count STREAMS key from
 *
 * The consumer then holds these entries, folded, and no others.
 */
export async function readEntries(
  run: ShardRun,
  generation: Generation,
  { consumer, count, from }: Reading,
): Promise<void> {
  const { keys, shardKeys } = generation;
  const reply = await attempt(
    () =>
      // prettier-ignore
      run.laboratory.product.xreadgroup(
        'GROUP', keys.group, consumer, 'COUNT', count, 'STREAMS', shardKeys.events, from,
      ) as Promise<[string, [string, string[] | null][]][] | null>,
  );
  if (reply === undefined) return;
  dropHand(run, generation, consumer);
  const entries = reply?.[0]?.[1] ?? [];
  const model = modelOf(run, generation);
  const expected =
    from === '>' ? deliver(model, consumer, count) : pendingOf(run.shard, model, consumer).slice(0, count);
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
    run.hands.set(placeOf(generation, consumer), { generation, consumer, batch, gone, contents });
}

/** The entries that a consumer held: its commit may still arrive. */
export function dropHand(run: ShardRun, generation: Generation, consumer: Consumer): void {
  const place = placeOf(generation, consumer);
  const hand = run.hands.get(place);
  if (hand !== undefined) run.late.push(hand);
  run.hands.delete(place);
}

/** Commits the entries that a consumer holds. If the reply is lost, it does not know the outcome; the same commit may arrive again. */
export async function commitHand(
  run: ShardRun,
  generation: Generation,
  { consumer, reply }: { readonly consumer: Consumer; readonly reply: 'read' | 'lost' },
): Promise<void> {
  const place = placeOf(generation, consumer);
  const hand = run.hands.get(place);
  if (hand === undefined || !(await commitOnce(run, hand))) return;
  if (reply === 'lost') run.late.push(hand);
  run.hands.delete(place);
}

/** A commit that was sent long ago, and may have been done at that time, arrives (again). */
export async function commitLate(run: ShardRun, which: number): Promise<void> {
  const hand = run.late[which];
  if (hand !== undefined) await commitOnce(run, hand);
}

/** False if it was refused: it may then be retried. */
async function commitOnce(
  run: ShardRun,
  { generation, consumer, batch, gone, contents }: Hand,
): Promise<boolean> {
  if (!run.shard.generations.has(generation.id)) return true; // dropped: there is no group for a commit
  // After going back, Redis may give an ID again, to another entry. A commit that was sent before and arrives only after the
  // same consumer has read that one too would fold the wrong content: no connection holds a command back for so long.
  for (const [id, content] of contents) {
    const entry = run.shard.entries.get(id);
    if (entry !== undefined && entry.fields.join(' ') !== content) return true;
  }
  const committed = await attempt(() =>
    commitBatch(run.laboratory.product, generation, { consumer, batch, mode: 'live' }),
  );
  if (committed === undefined) return false;
  const { ids } = batch;
  const model = modelOf(run, generation);
  const may = mayCommit(run.shard, model, { consumer, ids });
  const repeated = ids.findIndex((id) => !model.folded.has(id));
  if (may && repeated !== 0) {
    const entries = repeated === -1 ? ids.length : repeated;
    expectSame('outcome of a commit of folded entries', committed, { outcome: 'repeated', entries });
    for (const id of ids.slice(0, entries)) model.pending.delete(id);
    return true;
  }
  expectSame('outcome of a commit', committed.outcome, may ? 'committed' : 'contested');
  if (may) model.counted += commit(model, ids, gone);
  return true;
}

/** Claims all pending entries. */
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
  if (model.counted > model.lost.size)
    expectSame('entries counted as lost, at most', model.counted, model.lost.size);
}
