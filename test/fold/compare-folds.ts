import { createEntriesParser } from '@streamfold/aggregator';
import { createFolding, decodeContent } from '@streamfold/aggregator/round-trips';
import {
  CATALOGUE,
  createBinaryDeltaMerger,
  createEntryFold,
  createFold,
  emptyDelta,
  mergeDelta,
  noUpcasters,
  type Catalogue,
  type Delta,
} from '@streamfold/core';
import { toComparable } from '../core/comparable-delta.ts';
import { createDraw, createReplySource, type Reply } from './generate-replies.ts';
import { splitReply, writeLine } from './split-reply.ts';
import { OWN_METRICS } from './own-metrics.ts';

/** Nothing is so large: what a reply brings is one batch. */
const UNBOUNDED = {
  entries: 1e9,
  payloadBytes: 1e12,
  series: 1e9,
  deadLetters: 1e9,
  fieldsCharacters: 1e9,
};

/** Replies of one stream: layouts are learned from the first and serve the others. */
const REPLIES_PER_STREAM = 40;

/** What a reply comes to: the same, whichever way it was folded. */
interface Folded {
  readonly ids: readonly string[];
  readonly delta: Delta;
  readonly deadLetters: readonly unknown[];
  readonly payloadBytes: number;
}

/**
 * Folds at least `entries` random entries as bytes, and the slow way, and compares what comes of each reply. The bytes are a
 * reply in random chunks, or a page of a log in one of its forms. Throws at the first difference. Returns the number of entries.
 */
export function compareFolds(seed: number, entries: number): number {
  let compared = 0;
  for (let stream = 0; compared < entries; stream++) {
    const streamSeed = seed + stream;
    const draw = createDraw(streamSeed ^ 0x5eed);
    const source = createReplySource(streamSeed);
    const [shard, shards] = draw.chance(0.2) ? [1, 3] : [0, 1];
    const catalogue: Catalogue = draw.chance(0.5) ? OWN_METRICS : CATALOGUE;
    const deltaForm = draw.chance(0.9) ? 'binary' : 'json';
    const context = { shard, shards, upcasters: noUpcasters };
    const folding = createFolding({ catalogue, deltaForm, context, hashSeed: streamSeed });
    const foldEvent = createFold(catalogue);
    const merged = emptyDelta();
    const merger = createBinaryDeltaMerger(merged, streamSeed);
    const expected = emptyDelta();
    for (let reply = 0; reply < REPLIES_PER_STREAM; reply++) {
      const next = source.next();
      const fast = foldInSomeForm(folding.begin(UNBOUNDED), next, draw);
      const slow = foldSlowly(foldEvent, context, next);
      expectEqual(`stream of seed ${streamSeed}, reply ${reply}`, fast, slow);
      if (deltaForm === 'binary') merger.merge(fast.record, '');
      else mergeDelta(merged, decodeContent(fast.record));
      mergeDelta(expected, slow.delta);
      compared += next.entries;
    }
    const whole = { ids: [], deadLetters: [], payloadBytes: 0 };
    expectEqual(`stream of seed ${streamSeed}`, { ...whole, delta: merged }, { ...whole, delta: expected });
  }
  return compared;
}

type Folding = ReturnType<ReturnType<typeof createFolding>['begin']>;
type FastFolded = Folded & { readonly record: Buffer };

function foldInSomeForm(folding: Folding, reply: Reply, draw: ReturnType<typeof createDraw>): FastFolded {
  const entries = draw.chance(0.5) ? splitReply(reply.bytes) : undefined;
  if (entries === undefined) feedReply(folding, reply, draw);
  else if (draw.chance(0.3)) {
    const bytes = Buffer.concat(entries.map(({ bytes: entry }) => entry));
    folding.takePage({ form: 'reply', bytes });
  } else folding.takePage({ form: 'lines', bytes: Buffer.from(entries.map(writeLine).join('')) });
  const { payloadBytes } = folding;
  const [batch] = folding.batches;
  if (batch === undefined) throw new Error('expected a batch');
  const { ids, record, deadLetters } = batch;
  const content = Buffer.from(record);
  return { ids, record: content, delta: decodeContent(content), deadLetters, payloadBytes };
}

function feedReply(folding: Folding, { bytes }: Reply, draw: ReturnType<typeof createDraw>): void {
  const parser = folding.parseReply();
  const most = draw.chance(0.2) ? bytes.length : draw.chance(0.1) ? 50 : 70_000;
  let isComplete = false;
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(at + 1 + draw.below(most), bytes.length);
    isComplete = parser.push(bytes.subarray(at, end)).complete;
    at = end;
  }
  if (!isComplete) throw new Error('expected the reply to be complete');
}

function foldSlowly(
  foldEvent: ReturnType<typeof createFold>,
  context: Parameters<typeof createEntryFold>[1],
  { bytes }: Reply,
): Folded {
  const delta = emptyDelta();
  const ids: string[] = [];
  const deadLetters: unknown[] = [];
  const foldEntry = createEntryFold(foldEvent, context, (deadLetter, entryId) =>
    deadLetters.push({ entryId, deadLetter }),
  );
  let payload = 0;
  const parser = createEntriesParser(({ id, fields, payloadBytes }) => {
    ids.push(id);
    payload += payloadBytes;
    if (fields === undefined) delta.totals.lostEntries++;
    else foldEntry(delta, id, fields);
  });
  parser.push(bytes);
  return { ids, delta, deadLetters, payloadBytes: payload };
}

function expectEqual(where: string, fast: Folded, slow: Folded): void {
  if (fast.payloadBytes < slow.payloadBytes) throw new Error(`${where}: expected at least its payload`); // a line has more
  for (const part of ['ids', 'deadLetters', 'delta'] as const) {
    if (isSame(fast[part], slow[part])) continue;
    const [got, expected] = [fast[part], slow[part]].map((value) => describe(value));
    let at = 0;
    while (got?.[at] === expected?.[at]) at++;
    const around = (text = ''): string => text.slice(Math.max(0, at - 200), at + 200);
    throw new Error(`${where}: ${part}: expected\n${around(expected)}\n; got\n${around(got)}`);
  }
}

/** Deep equality of what folds come to, in which maps are in any order; much faster than a general one. */
function isSame(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (left instanceof Map && right instanceof Map) {
    if (left.size !== right.size) return false;
    for (const [key, value] of left as ReadonlyMap<unknown, unknown>)
      if (!right.has(key) || !isSame(value, right.get(key))) return false;
    return true;
  }
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => isSame(Reflect.get(left, name), Reflect.get(right, name)));
}

function describe(value: unknown): string {
  return JSON.stringify(
    typeof value === 'object' && value !== null && 'series' in value ? toComparable(value as Delta) : value,
    (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each),
  );
}
