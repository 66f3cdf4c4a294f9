import { decodeEntry, noUpcasters, type DeadLetter, type DecodeContext, type Event } from '@streamfold/core';

/** The result for one event of an entry: one call of the sink. */
export type Outcome =
  { readonly index: number; readonly event: Event } | ({ readonly event?: undefined } & DeadLetter);

/** The only shard, events of version 1. */
export const ONE_SHARD: DecodeContext = { shard: 0, shards: 1, upcasters: noUpcasters };

/** Decodes an entry; returns every call of the sink, in order. */
export function decodeAll(fields: readonly string[], context: DecodeContext = ONE_SHARD): Outcome[] {
  const outcomes: Outcome[] = [];
  decodeEntry(fields, context, {
    event: (event, index) => void outcomes.push({ index, event }),
    deadLetter: (deadLetter) => void outcomes.push(deadLetter),
  });
  return outcomes;
}

/** The flat form of fields: name, value, name, value … */
export function flatten(fields: Readonly<Record<string, string>>): string[] {
  return Object.entries(fields).flat();
}

/** Why a flat entry or a batch of one event is a dead letter; `ok` if it is not. */
export function verdictOf(fields: readonly string[], context: DecodeContext = ONE_SHARD): string {
  const [outcome] = decodeAll(fields, context);
  if (outcome === undefined) return 'nothing';
  return outcome.event === undefined ? outcome.reason : 'ok';
}
