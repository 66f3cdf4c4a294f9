import { openGeneration, type Generation } from '@streamfold/aggregator';
import { createGroup, removeConsumer } from '@streamfold/aggregator/round-trips';
import { isAfter } from '@streamfold/core';
import { claimAll, commitHand, commitLate, countLost, dropHands, readEntries } from './consumer-steps.ts';
import { beginGeneration, emptyShard } from './folding-model.ts';
import { CONSUMERS, drawFoldingStep, VIEWS, type FoldingStep } from './folding-steps.ts';
import type { Laboratory } from './laboratory.ts';
import { attempt, beginRun, goBack, keepShard, modelOf, nameOf, PREFIX, type ShardRun } from './shard-run.ts';
import {
  deleteByHand,
  deleteConsumerByHand,
  destroyGroup,
  moveBack,
  publishEntry,
  skipToEnd,
  trimByHand,
  trimFolded,
} from './stream-steps.ts';
import { expectSame, expectSameItems, type Subject } from './subject.ts';
import { checkView, checkWholeView, forgetView, writeSnapshot } from './view-steps.ts';

/** One shard is folded by one generation, with three consumers and two views. */
export function createFolding(laboratory: Laboratory): Subject<FoldingStep> {
  return {
    name: 'folding',
    draw: drawFoldingStep,
    async open() {
      await laboratory.reset();
      const generation = await openGeneration(laboratory.product, { prefix: PREFIX, shard: 0 });
      await createGroup(laboratory.product, generation);
      const run = beginRun(laboratory, emptyShard());
      beginGeneration(run.shard, generation.id);
      return {
        take: (step) => takeFoldingStep(run, generation, step),
        async check() {
          await checkPending(run, generation);
          await checkRuns(run, generation);
          await checkDeadLetters(run, generation);
        },
        async settle() {
          await settleGeneration(run, generation);
          await checkDeadLetters(run, generation);
        },
      };
    },
  };
}

/** Runs a step of folding, for one generation. */
export async function takeFoldingStep(
  run: ShardRun,
  generation: Generation,
  step: FoldingStep,
): Promise<void> {
  const { product } = run.laboratory;
  switch (step.do) {
    case 'publish':
      return publishEntry(run, step);
    case 'read':
      return readEntries(run, generation, { ...step, origin: 'waited' });
    case 'readAhead':
      return readEntries(run, generation, { ...step, origin: 'ahead' });
    case 'readPending':
      return readEntries(run, generation, { ...step, origin: 'pending' });
    case 'commit':
      return commitHand(run, generation, step);
    case 'commitLate':
      return commitLate(run, step.which);
    case 'crash':
      return dropHands(run, generation, step.consumer);
    case 'claim':
      return claimAll(run, generation, step.consumer);
    case 'removeConsumer': {
      const consumer = nameOf(run, generation, step);
      await attempt(() => removeConsumer(product, generation, { consumer, idleMs: 0 }));
      return;
    }
    case 'countTrimmed':
      return countLost(run, generation);
    case 'createGroup':
      await attempt(() => createGroup(product, generation));
      return;
    case 'refresh':
      return checkView(run, generation, step.view);
    case 'forgetView':
      return forgetView(run, generation, step.view);
    case 'snapshot':
      return writeSnapshot(run, generation, step);
    case 'trim':
      return trimFolded(run, step.cut);
    case 'xtrim':
      return trimByHand(run, step.keep);
    case 'xdel':
      return deleteByHand(run, step.at);
    case 'skipToEnd':
      return skipToEnd(run, generation);
    case 'moveBack':
      return moveBack(run, generation, step.to);
    case 'destroyGroup':
      return destroyGroup(run, generation);
    case 'delConsumer':
      return deleteConsumerByHand(run, generation, nameOf(run, generation, step));
    case 'keep':
      return keepShard(run, step.slot);
    case 'goBack':
      return goBack(run, step.slot);
    case 'moveClock':
      return run.laboratory.moveClock(step.ms);
    case 'deny':
      return run.laboratory.deny(step.command);
    case 'allow':
      return run.laboratory.allow();
  }
}

/** The pending entries of each consumer are those of the model. */
export async function checkPending(run: ShardRun, { id, shardKeys, keys }: Generation): Promise<void> {
  const pending = (await run.laboratory.admin.xpending(shardKeys.events, keys.group, '-', '+', 1_000)) as [
    string,
    string,
  ][];
  const found = pending.map(([entry, consumer]) => [entry, consumer]);
  expectSameItems('pending entries', found, modelOf(run, { id }).pending);
}

/** What the head of the delta log calls folded is never to be folded again. */
async function checkRuns(run: ShardRun, generation: Generation): Promise<void> {
  const [watermark, text] = await run.laboratory.admin.hmget(generation.keys.head, 'watermark', 'runs');
  const bounds = (text ?? '').split(' ').filter(Boolean);
  const ends = ['0-0', watermark ?? '0-0', ...bounds];
  const isCalledFolded = (id: string): boolean =>
    ends.some((first, at) => at % 2 === 0 && !isAfter(first, id) && !isAfter(id, ends[at + 1] ?? ''));
  const { undelivered, pending, folded } = modelOf(run, generation);
  const wrong = [...undelivered, ...pending.keys()].filter((id) => !folded.has(id) && isCalledFolded(id));
  expectSame('entries that are called folded, and are not', wrong, []);
  const ascending = bounds.every((id, at) => at === 0 || !isAfter(bounds[at - 1] ?? '', id));
  expectSame('runs are ascending', ascending, true);
}

/** Each bad entry that is folded has one dead letter. */
async function checkDeadLetters(run: ShardRun, generation: Generation): Promise<void> {
  const letters = await run.laboratory.admin.xrange(generation.shardKeys.dead, '-', '+');
  expectSameItems(
    'dead letters',
    letters.map(([, fields]) => fields[fields.indexOf('entry_id') + 1]),
    [...modelOf(run, generation).folded].filter((id) => run.shard.entries.get(id)?.bad === true),
  );
}

/** Everything comes to its end: each entry is folded or counted as lost, and every view shows it. */
export async function settleGeneration(run: ShardRun, generation: Generation): Promise<void> {
  await run.laboratory.allow();
  const [consumer] = CONSUMERS;
  for (const each of CONSUMERS) dropHands(run, generation, each);
  await claimAll(run, generation, consumer);
  // While nothing new has been delivered to a group that was moved back, nobody can know what was lost.
  await publishEntry(run, { kind: 'flat', salt: 0 });
  for (const origin of ['pending', 'pending', 'waited', 'pending'] as const) {
    await readEntries(run, generation, { consumer, count: 1_000, origin });
    await commitHand(run, generation, { consumer, under: 'own', reply: 'read' });
    await checkPending(run, generation);
  }
  await countLost(run, generation);
  const { folded, lost, absent, counted, uncountable } = modelOf(run, generation);
  expectSame('entries counted as lost', counted, lost.size - uncountable);
  expectSameItems(
    'entries that are folded or lost',
    [...folded, ...lost, ...absent],
    run.shard.entries.keys(),
  );
  for (const view of VIEWS) await checkWholeView(run, generation, view);
}
