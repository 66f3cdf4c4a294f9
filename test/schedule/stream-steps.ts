import type { Generation } from '@streamfold/aggregator';
import { createGroup } from '@streamfold/aggregator/round-trips';
import { trimStream } from '@streamfold/archive';
import { isAfter } from '@streamfold/core';
import { shardKeys } from '@streamfold/redis';
import { describeEntry } from './describe-entry.ts';
import { deleteConsumer, deliverAgain, forgetPending, publish, removeEntries } from './folding-model.ts';
import type { EntryKind } from './folding-steps.ts';
import { attempt, modelOf, noticeCounting, PREFIX, type ShardRun } from './shard-run.ts';
import { expectSame, ScheduleError } from './subject.ts';

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
  const { undelivered, pending, folded, lost } = modelOf(run, generation);
  for (const id of undelivered) if (!pending.has(id) && !folded.has(id)) lost.add(id);
  undelivered.clear();
}

/**
 * XGROUP SETID key group id, by an operator, to an entry before the last delivered one: everything behind it is delivered
 * again, and what is folded has no effect.
 */
export async function moveBack(run: ShardRun, generation: Generation, to: number): Promise<void> {
  const model = modelOf(run, generation);
  const id = [...run.shard.stream][to - 1];
  if (id !== undefined && model.undelivered.has(id)) return; // that would skip entries
  if (!(await mayBeDeliveredAgain(run, generation))) return;
  await run.laboratory.admin.xgroup('SETID', events, generation.keys.group, id ?? '0');
  deliverAgain(run.shard, model, (each) => id === undefined || isAfter(each, id));
}

/** XGROUP DESTROY key group, by an operator; the product makes the group again. */
export async function destroyGroup(run: ShardRun, generation: Generation): Promise<void> {
  if (!(await mayBeDeliveredAgain(run, generation))) return;
  const { admin, product } = run.laboratory;
  await run.laboratory.allow();
  await admin.xgroup('DESTROY', events, generation.keys.group);
  const model = modelOf(run, generation);
  forgetPending(run.shard, model);
  const watermark = await admin.hget(generation.keys.head, 'watermark');
  deliverAgain(run.shard, model, (id) => isAfter(id, watermark ?? '0-0'));
  const outcome = watermark === null ? 'created' : 'restored';
  expectSame('outcome of making a group', await createGroup(product, generation), outcome);
  await noticeCounting(run, generation);
}

/** Not if something that is lost is still in the stream: it would be folded after all. Nor if nothing says that it is folded. */
async function mayBeDeliveredAgain(run: ShardRun, generation: Generation): Promise<boolean> {
  const { lost, unrecorded } = modelOf(run, generation);
  const watermark = (await run.laboratory.admin.hget(generation.keys.head, 'watermark')) ?? '0-0';
  return (
    ![...lost].some((id) => run.shard.stream.has(id)) && ![...unrecorded].some((id) => isAfter(id, watermark))
  );
}

/** XGROUP DELCONSUMER key group consumer, by an operator: its pending entries are lost with it. */
export async function deleteConsumerByHand(
  run: ShardRun,
  generation: Generation,
  consumer: string,
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
