import type { Generation, ShardView } from '@streamfold/aggregator';
import {
  boundCommit,
  createFolding,
  decodeContent,
  describeDelivered,
  type EntriesFold,
  type FoldedBatch,
} from '@streamfold/aggregator/round-trips';
import { emptyDelta, noUpcasters, type Delta } from '@streamfold/core';
import type { Consumer, Under, View } from './folding-steps.ts';
import { copyShard, type GenerationModel, type ShardModel } from './folding-model.ts';
import type { KeptKeys, Laboratory } from './laboratory.ts';

export const PREFIX = 'p';

/** One shard in the middle of a schedule: Redis, the memory of programs, and the model. */
export interface ShardRun {
  readonly laboratory: Laboratory;
  /** The model of the data in Redis. */
  shard: ShardModel;
  /** The entries that consumers hold, by generation and the name for which they are pending. */
  readonly hands: Map<string, Hand>;
  /** The name of a consumer's last read ahead, by generation and consumer. */
  readonly aheads: Map<string, string>;
  /** Names given to reads so far. They do not go back with Redis. */
  reads: number;
  /** The entries that they held before; their commits may still arrive. */
  readonly late: Hand[];
  /** By generation and view. */
  readonly views: Map<string, ShardView>;
  readonly kept: Map<number, { readonly keys: KeptKeys; readonly shard: ShardModel }>;
  published: number;
  snapshots: number;
}

/** The kind of a read, as in the product's pipeline. */
export type Origin = 'waited' | 'ahead' | 'pending';

/** Entries as a consumer has read them, folded. */
export interface Hand {
  readonly generation: Generation;
  /** The name for which they are pending: a consumer's own, or that of a read. */
  readonly name: string;
  readonly origin: Origin;
  readonly batch: FoldedBatch;
  /** The entries that it read without content. */
  readonly gone: ReadonlySet<string>;
  /** The content it read, to be compared with the stream when the commit arrives. */
  readonly contents: ReadonlyMap<string, string>;
}

export function beginRun(laboratory: Laboratory, shard: ShardModel): ShardRun {
  return {
    laboratory,
    shard,
    hands: new Map(),
    aheads: new Map(),
    reads: 0,
    late: [],
    views: new Map(),
    kept: new Map(),
    published: 0,
    snapshots: 0,
  };
}

/** The model of a generation. */
export function modelOf({ shard }: ShardRun, { id }: Pick<Generation, 'id'>): GenerationModel {
  const generation = shard.generations.get(id);
  if (generation === undefined) throw new Error(`expected a model of generation ${id}`);
  return generation;
}

export function placeOf({ id }: Pick<Generation, 'id'>, who: string | View): string {
  return `${id} ${who}`;
}

/** A consumer's own name, or that of its last read ahead. */
export function nameOf(
  run: ShardRun,
  generation: Generation,
  { consumer, under = 'own' }: { readonly consumer: Consumer; readonly under?: Under },
): string {
  if (under === 'own') return consumer;
  return run.aheads.get(placeOf(generation, consumer)) ?? `${consumer}/none`;
}

/** What the call gives; `undefined` if it was refused, or its program died: then it must have changed nothing. */
export async function attempt<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && /NOPERM|can't run this command|has died/.test(error.message))
      return undefined;
    throw error;
  }
}

/** After the group was destroyed, losses before counting begins again are never counted. */
export async function noticeCounting(run: ShardRun, generation: Generation): Promise<void> {
  const model = modelOf(run, generation);
  if (!model.isCountUnknown) return;
  model.uncountable = model.lost.size - model.counted;
  model.isCountUnknown = (await run.laboratory.admin.hexists(generation.keys.head, 'baseline')) === 0;
}

export async function keepShard(run: ShardRun, slot: number): Promise<void> {
  run.kept.set(slot, { keys: await run.laboratory.keep(), shard: copyShard(run.shard) });
}

export async function goBack(run: ShardRun, slot: number): Promise<void> {
  const kept = run.kept.get(slot);
  if (kept === undefined) return;
  await run.laboratory.goBack(kept.keys);
  run.shard = copyShard(kept.shard);
}

/** Folds entries as a consumer does. */
export function startFold(
  { catalogue, deltaForm }: Pick<Generation, 'catalogue' | 'deltaForm'>,
  entries: number,
): EntriesFold {
  const context = { shard: 0, shards: 1, upcasters: noUpcasters };
  return createFolding({ catalogue, deltaForm, context, hashSeed: entries }).begin(boundCommit(entries));
}

/** A fold of the entries that are folded according to the model, one after the other, in the order of the stream. */
export function foldModel(run: ShardRun, generation: Generation): Delta {
  const folding = startFold(generation, 1_000_000);
  const { folded } = modelOf(run, generation);
  for (const [id, { fields }] of run.shard.entries)
    if (folded.has(id)) folding.take(describeDelivered(id, fields));
  const [batch] = folding.batches;
  return batch === undefined ? emptyDelta() : decodeContent(Buffer.from(batch.record));
}
