import { test } from '../harness/ava.ts';
import {
  findGeneration,
  readRegistry,
  rebuild,
  type LogBeyondRedis,
  type RebuildOptions,
  type RebuildProgress,
} from '@streamfold/aggregator';
import { compareStamps } from '@streamfold/core';
import { appendFlat } from '../harness/append-events.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { rebuildOptions } from '../harness/rebuild-options.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

type Entries = [id: string, fields: string[]][];
const PAGE_ENTRIES = 30;

/** A log of the given entries; `onPage` is called before each page. */
function logOf(entries: Entries, onPage: (page: number) => void = () => undefined): LogBeyondRedis {
  return {
    async *readArchived(_shard, { after, to }) {
      const wanted = entries.filter(
        ([id]) =>
          (after === undefined || compareStamps(id, after) > 0) &&
          (to === undefined || compareStamps(id, to) <= 0),
      );
      for (let at = 0; at < wanted.length; at += PAGE_ENTRIES) {
        onPage(at / PAGE_ENTRIES);
        const page = wanted.slice(at, at + PAGE_ENTRIES);
        const lines = page.map(([id, fields]) => `${JSON.stringify({ id, fields })}\n`).join('');
        yield await Promise.resolve({ form: 'lines' as const, bytes: Buffer.from(lines) });
      }
    },
    measure: () => Promise.resolve({ missingEntries: 0, archivedEntries: entries.length }),
  };
}

function optionsOf(prefix: string, log: LogBeyondRedis): RebuildOptions {
  return rebuildOptions({ redis, redisUrl, prefix, log });
}

const events = [...generateEvents(900, { seed: 41, bad: true })];
const expected = foldReference(events.map((fields) => ({ fields })));
const NEVER = new AbortController().signal;

/** An aggregator that has folded all events; the stream holds only the last `kept`. */
async function startTrimmed(
  t: { teardown: (end: () => Promise<void>) => void },
  prefix: string,
  kept: number,
): Promise<{ aggregator: TestAggregator; entries: Entries }> {
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await appendFlat(redis, { prefix }, events);
  await waitUntilFolded(redis, { prefix });
  await scrape(aggregator.url);
  const key = `${prefix}:{0}:events`;
  const entries = await redis.xrange(key, '-', '+');
  await redis.xtrim(key, 'MAXLEN', kept);
  return { aggregator, entries };
}

for (const kept of [200, 0]) {
  test(`entries no longer in the stream are folded from the archive, in a second rebuild too: ${kept} entries are left`, async (t) => {
    const prefix = nextPrefix();
    const { aggregator, entries } = await startTrimmed(t, prefix, kept);
    // All of them are in the archive, including those in the stream: each is folded once.
    const outcome = await rebuild(optionsOf(prefix, logOf(entries)), NEVER);
    t.like(outcome, { outcome: 'switched', compared: true });
    t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), expected), []);
    const again = await rebuild(optionsOf(prefix, logOf(entries)), NEVER);
    t.like(again, { outcome: 'switched', compared: true });
    t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), expected), []);
  });
}

test('a rebuild stopped in the middle of the archive resumes there', async (t) => {
  const prefix = nextPrefix();
  const { aggregator, entries } = await startTrimmed(t, prefix, 100);
  const stopping = new AbortController();
  const read: number[] = [];
  const stopped = await rebuild(
    optionsOf(
      prefix,
      logOf(entries, (page) => page === 9 && stopping.abort()),
    ),
    stopping.signal,
  );
  t.is(stopped.outcome, 'stopped');
  t.regex((await findGeneration(redis, { prefix, shard: 0 }))?.id ?? '', /^1-/);
  const told: RebuildProgress[] = [];
  const outcome = await rebuild(
    {
      ...optionsOf(
        prefix,
        logOf(entries, (page) => void read.push(page)),
      ),
      onProgress: (progress) => void told.push(progress),
    },
    NEVER,
  );
  t.is(outcome.outcome, 'switched');
  t.true(read.length < 20, 'folded entries are not read again');
  t.true(told.length > 0);
  t.true(
    told.every(({ foldedEntries }) => foldedEntries > PAGE_ENTRIES * 3),
    'and counts as done',
  );
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), expected), []);
});

test('two rebuild commands at the same time fold each entry of the archive once', async (t) => {
  const prefix = nextPrefix();
  const { aggregator, entries } = await startTrimmed(t, prefix, 100);
  const outcomes = await Promise.all([1, 2].map(() => rebuild(optionsOf(prefix, logOf(entries)), NEVER)));
  t.deepEqual(
    outcomes.map(({ outcome }) => outcome),
    ['switched', 'switched'],
  );
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), expected), []);
});

test('a rebuild command leaves the live generation alone if another command has already switched', async (t) => {
  const prefix = nextPrefix();
  const { entries } = await startTrimmed(t, prefix, 100);
  const stopping = new AbortController();
  const halfway = logOf(entries, (page) => page === 9 && stopping.abort());
  t.is((await rebuild(optionsOf(prefix, halfway), stopping.signal)).outcome, 'stopped');
  const outcome = await rebuild(
    {
      ...optionsOf(prefix, logOf(entries)),
      onBegin({ id }) {
        // On the same connection, so that it runs before the next step of the command.
        const registry = `${prefix}:generations`;
        void redis.hset(registry, 'live', id, `${id}:state`, 'live');
        void redis.hdel(registry, 'building', `${id}:stage`);
      },
    },
    NEVER,
  );
  t.is(outcome.outcome, 'switched');
  const live = await findGeneration(redis, { prefix, shard: 0 });
  t.regex(live?.id ?? '', /^2-/);
  t.is(await redis.exists(live?.keys.head ?? ''), 1);
});

test('if the archive is damaged the rebuild fails with the error of the archive and switches nothing, and resumes after the repair', async (t) => {
  const prefix = nextPrefix();
  const { aggregator, entries } = await startTrimmed(t, prefix, 100);
  const damaged = logOf(entries, (page) => {
    if (page === 5) throw new Error('segment 3 (5-0 to 9-0): expected another digest');
  });
  await t.throwsAsync(rebuild(optionsOf(prefix, damaged), NEVER), { message: /^segment 3 / });
  const { live, building } = await readRegistry(redis, prefix);
  t.regex(live ?? '', /^1-/);
  t.regex(building ?? '', /^2-/);
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), expected), []);
  t.is((await rebuild(optionsOf(prefix, logOf(entries)), NEVER)).outcome, 'switched');
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), expected), []);
});
