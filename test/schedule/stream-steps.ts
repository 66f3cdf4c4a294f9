import type { Generation } from '@streamfold/aggregator';
import { trimStream } from '@streamfold/archive';
import { isAfter } from '@streamfold/core';
import { shardKeys } from '@streamfold/redis';
import { describeEntry } from './describe-entry.ts';
import { deleteConsumer, publish, removeEntries } from './folding-model.ts';
import type { Consumer, EntryKind } from './folding-steps.ts';
import { attempt, modelOf, PREFIX, type ShardRun } from './shard-run.ts';
import { ScheduleError } from './subject.ts';

const { events } = shardKeys({ prefix: PREFIX, shard: 0 });

export async function publishEntry(
  run: ShardRun,
  { kind, salt }: { readonly kind: EntryKind; readonly salt: number },
): Promise<void> {
  const fields = describeEntry(kind, run.published++, salt);
  const id = await run.laboratory.admin.xadd(events, '*', ...fields);
  if (id === null) throw new Error('XADD gives an ID');
  publish(run.shard, id, { fields, bad: kind === 'bad' });
}

/** The product trims only entries that all generations have folded, or know to be lost. */
export async function trimFolded(run: ShardRun, cut: number): Promise<void> {
  const { product } = run.laboratory;
  await attempt(() =>
    run.laboratory.cutAfter(cut, () =>
      trimStream(product, { prefix: PREFIX, shard: 0, retentionMs: 0, onlyArchived: false }),
    ),
  );
  for (const id of await findGone(run)) {
    for (const { folded, lost, absent } of run.shard.generations.values()) {
      if (!folded.has(id) && !lost.has(id) && !absent.has(id))
        throw new ScheduleError(`trimmed entries: expected only folded ones; got ${id}`);
    }
  }
  await noticeGone(run);
}

/** XTRIM key MAXLEN keep, by an operator. */
export async function trimByHand(run: ShardRun, keep: number): Promise<void> {
  await run.laboratory.admin.xtrim(events, 'MAXLEN', keep);
  await noticeGone(run);
}

/** XDEL key id, by an operator. */
export async function deleteByHand(run: ShardRun, at: number): Promise<void> {
  const id = [...run.shard.stream][at];
  if (id !== undefined) await run.laboratory.admin.xdel(events, id);
  await noticeGone(run);
}

/** XGROUP SETID key group $, by an operator: undelivered entries are never delivered. */
export async function skipToEnd(run: ShardRun, generation: Generation): Promise<void> {
  await run.laboratory.admin.xgroup('SETID', events, generation.keys.group, '$');
  const { undelivered, folded, lost } = modelOf(run, generation);
  for (const id of undelivered) if (!folded.has(id)) lost.add(id);
  undelivered.clear();
}

/** XGROUP SETID key group 0, by an operator: everything is delivered again, and folded entries have no effect. */
export async function moveBack(run: ShardRun, generation: Generation): Promise<void> {
  const { admin } = run.laboratory;
  const { undelivered, pending, folded, lost } = modelOf(run, generation);
  const watermark = (await admin.hget(generation.keys.head, 'watermark')) ?? '0-0';
  // Not yet: entries that are folded or skipped, after one that is not, would be folded again.
  const isPrefix = [...folded].every((id) => !isAfter(id, watermark));
  if (pending.size > 0 || !isPrefix || [...lost].some((id) => run.shard.stream.has(id))) return;
  await admin.xgroup('SETID', events, generation.keys.group, '0');
  undelivered.clear();
  for (const id of run.shard.stream) undelivered.add(id);
}

/** XGROUP DELCONSUMER key group consumer, by an operator: its pending entries are lost with it. */
export async function deleteConsumerByHand(
  run: ShardRun,
  generation: Generation,
  consumer: Consumer,
): Promise<void> {
  await run.laboratory.admin.xgroup('DELCONSUMER', events, generation.keys.group, consumer);
  deleteConsumer(modelOf(run, generation), consumer);
}

async function findGone(run: ShardRun): Promise<string[]> {
  const there = new Set((await run.laboratory.admin.xrange(events, '-', '+')).map(([id]) => id));
  return [...run.shard.stream].filter((id) => !there.has(id));
}

async function noticeGone(run: ShardRun): Promise<void> {
  removeEntries(run.shard, await findGone(run));
}
