import { test } from '../harness/ava.ts';
import { appendFlat } from '../harness/append-events.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { generateEvents, type WireEvent } from '../harness/generate-events.ts';
import { foldReference, parse } from '../harness/reference-fold.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { watchCounters } from '../harness/watch-counters.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

test('while events are published, a rebuild switches two replicas, and no counter falls, no dead letter is written twice and no event is lost', async (t) => {
  const prefix = nextPrefix();
  const aggregators = await Promise.all([1, 2].map(() => startAggregator({ redisUrl, prefix })));
  for (const each of aggregators) t.teardown(each.stop);
  const urls = aggregators.map(({ url }) => url);
  for (const url of urls) await scrape(url);

  const published: WireEvent[] = [];
  const source = generateEvents(1e9, { seed: 11, bad: true });
  const publish = async (count: number): Promise<void> => {
    const events = Array.from({ length: count }, () => source.next().value as WireEvent);
    await appendFlat(redis, { prefix }, events);
    published.push(...events);
  };
  await publish(4_000);
  const watch = watchCounters(urls);
  let over = false;
  const publishing = (async () => {
    while (!over) {
      await publish(20);
      const scrapes = watch.scrapes;
      await waitUntil('a scrape', () => over || watch.scrapes > scrapes);
    }
  })();

  const run = await runStreamfold(['rebuild', '--redis', redisUrl, '--prefix', prefix, '--json']);
  t.is(run.code, 0, run.stderr);
  t.like(JSON.parse(run.stdout), { outcome: 'switched', compared: true });
  const scrapes = watch.scrapes;
  await waitUntil('both are scraped after it', () => watch.scrapes >= scrapes + 6);
  over = true;
  await publishing;
  await waitUntilFolded(redis, { prefix });
  t.deepEqual(await watch.stop(), []);

  const expected = foldReference(published.map((fields) => ({ fields })));
  for (const url of urls) t.deepEqual(compareSamples(withoutAges(await scrape(url)), expected), []);
  const letters = (await redis.xrange(`${prefix}:{0}:dead`, '-', '+')).map(([, fields]) => fields[1]);
  t.is(new Set(letters).size, letters.length);
  t.is(letters.length, published.filter((fields) => parse(fields) === undefined).length);
});
