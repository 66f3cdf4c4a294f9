import { foldLog } from '@streamfold/aggregator/round-trips';
import { openArchive, readLog } from '@streamfold/archive';
import { CATALOGUE, LAST_ID, noUpcasters } from '@streamfold/core';
import { Redis } from 'ioredis';
import { waitForStart } from './start-gate.ts';

// Reads a log from beginning to end: `xrange` with only JSON.parse, or `log`, or `fold`, which also folds it. The archive is
// a directory, or '' if there is none.
const [, , redisUrl = '', mode = '', directory = ''] = process.argv;
const redis = new Redis(redisUrl);
const PREFIX = 'streamfold';
const STREAM = 'streamfold:{0}:events';
const PAGE_ENTRIES = 1_000;
/** Memory is measured after each run of this number of pages. */
const LOOK_PAGES = 50;

let entries = 0;
let pages = 0;
let peakBytes = 0;
function count(pageEntries: number): void {
  entries += pageEntries;
  if (pages++ % LOOK_PAGES === 0) peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
}

/** The usual code to read a stream as objects. */
async function readAlone(): Promise<void> {
  for (let from = '-'; ;) {
    const page = await redis.xrange(STREAM, from, '+', 'COUNT', PAGE_ENTRIES);
    for (const [, fields] of page) parseEntry(fields);
    count(page.length);
    const last = page.at(-1);
    if (last === undefined) return;
    from = `(${last[0]}`;
  }
}

function parseEntry(fields: readonly string[]): unknown {
  if (fields[0] === 'events') return JSON.parse(fields[1] ?? '');
  const event: Record<string, string> = {};
  for (let at = 0; at < fields.length; at += 2) event[fields[at] ?? ''] = fields[at + 1] ?? '';
  return event;
}

async function openLog(): Promise<Parameters<typeof readLog>[1]> {
  const archive = directory === '' ? undefined : await openArchive(directory);
  return { prefix: PREFIX, shard: 0, archive };
}

async function readThroughLog(): Promise<void> {
  for await (const page of readLog(redis, await openLog())) count(page.entries.length);
}

/** As `streamfold verify` folds the log. */
async function foldThroughLog(): Promise<void> {
  await foldLog(redis, await openLog(), {
    cut: { lastDelivered: LAST_ID, pending: new Set() },
    catalogue: CATALOGUE,
    context: { shard: 0, shards: 1, upcasters: noUpcasters },
    onProgress: (folded) => count(folded - entries),
    onGap(gap) {
      throw gap;
    },
  });
}

const MODES: Readonly<Record<string, () => Promise<void>>> = {
  xrange: readAlone,
  log: readThroughLog,
  fold: foldThroughLog,
};

await waitForStart();
const startedMs = performance.now();
await MODES[mode]?.();
const elapsedMs = performance.now() - startedMs;
process.send?.({ type: 'done', entries, elapsedMs, peakBytes });
redis.disconnect();
process.disconnect?.();
