import { test, type ExecutionContext } from '../harness/ava.ts';
import { findGeneration, readRegistry, rebuild, type Registry } from '@streamfold/aggregator';
import { generationKeys } from '@streamfold/redis';
import { appendFlat } from '../harness/append-events.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { define } from '../harness/define.ts';
import { generateEvents, type WireEvent } from '../harness/generate-events.ts';
import { pauseBriefly } from '../harness/pause-briefly.ts';
import { rebuildOptions } from '../harness/rebuild-options.ts';
import { foldReference, parse } from '../harness/reference-fold.ts';
import { runStreamfold, startServe } from '../harness/run-streamfold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { startStreamfold } from '../harness/start-streamfold.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

/** Small batches and a short claim time: a kill hits one of many commits, and its pending entries are soon claimed. */
const SETTINGS = { STREAMFOLD_BATCH_ENTRIES: '20', STREAMFOLD_CLAIM_IDLE_MS: '500' };
const DEADLINE_MS = 90_000;

async function check(t: ExecutionContext, prefix: string, published: readonly WireEvent[]): Promise<void> {
  await waitUntilFolded(redis, { prefix });
  const { url, stop: end } = await startAggregator({ redisUrl, prefix });
  t.teardown(end);
  const expected = foldReference(published.map((fields) => ({ fields })));
  t.deepEqual(compareSamples(withoutAges(await scrape(url)), expected), []);
  const letters = (await redis.xrange(`${prefix}:{0}:dead`, '-', '+')).map(([, fields]) => fields[1]);
  t.is(letters.length, published.filter((fields) => parse(fields) === undefined).length);
  t.is(new Set(letters).size, letters.length, 'no dead letter is written twice');
}

/** The moments at which the command is killed, by what it has done by then. */
const MOMENTS: readonly [name: string, reached: (registry: Registry, acknowledged: number) => boolean][] = [
  ['registered the generation', ({ building }) => building !== undefined],
  [
    'let the aggregators help',
    ({ building, generations }) => generations.get(building ?? '')?.stage === 'stream',
  ],
  ['folded a part', (_registry, acknowledged) => acknowledged > 100],
  ['switched', ({ building, live }) => building === undefined && live?.startsWith('2-') === true],
];

test('a rebuild whose command and aggregators are killed at any moment is resumed, and no entry is lost or folded twice', async (t) => {
  const prefix = nextPrefix();
  const env = { ...SETTINGS, STREAMFOLD_PREFIX: prefix };
  const published = [...generateEvents(1_500, { seed: 21, bad: true })];
  let aggregator = await startServe(redisUrl, env);
  t.teardown(() => aggregator.kill('SIGKILL'));
  await appendFlat(redis, { prefix }, published);
  await waitUntilFolded(redis, { prefix });

  for (const [name, reached] of MOMENTS) {
    const command = startStreamfold(['rebuild', '--redis', redisUrl], { env });
    await waitUntil(
      name,
      async () => {
        const registry = await readRegistry(redis, prefix);
        const { head } = generationKeys({ prefix, shard: 0 }, registry.building ?? '');
        return reached(registry, Number((await redis.hget(head, 'acknowledged')) ?? 0));
      },
      DEADLINE_MS,
    );
    command.kill('SIGKILL');
    if (name === 'folded a part') {
      await aggregator.kill('SIGKILL');
      aggregator = await startServe(redisUrl, env);
    }
    await command.ended;
  }
  const more = [...generateEvents(200, { seed: 22, bad: true })];
  await appendFlat(redis, { prefix }, more);
  await check(t, prefix, [...published, ...more]);
});

test('if a rebuild is killed right after the switch, an aggregator hands over the writing of dead letters', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix, pause: pauseBriefly });
  t.teardown(aggregator.stop);
  const published = [...generateEvents(300, { seed: 23, bad: true })];
  await appendFlat(redis, { prefix }, published);
  await waitUntilFolded(redis, { prefix });
  const old = await findGeneration(redis, { prefix, shard: 0 });
  t.is((await runStreamfold(['rebuild', '--redis', redisUrl, '--prefix', prefix])).code, 0);
  const live = await findGeneration(redis, { prefix, shard: 0 });
  if (old === undefined || live === undefined) return t.fail();
  // As if the step had not been done yet; nothing is published between the two commands.
  await redis.hdel(old.keys.head, 'dead_letters_until');
  await redis.hset(live.keys.head, 'dead_letters_after', '+');
  await waitUntil(
    'it is handed over',
    async () => (await redis.hget(live.keys.head, 'dead_letters_after')) !== '+',
  );
  const more = [...generateEvents(300, { seed: 24, bad: true })];
  await appendFlat(redis, { prefix }, more);
  await waitUntilFolded(redis, { prefix });
  await check(t, prefix, [...published, ...more]);
});

test('a rebuild can be stopped, and the next one resumes the same generation', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await appendFlat(redis, { prefix }, generateEvents(300, { seed: 25 }));
  await waitUntilFolded(redis, { prefix });
  const stopping = new AbortController();
  const options = rebuildOptions({ redis, redisUrl, prefix, onBegin: () => stopping.abort() });
  const stopped = await rebuild(options, stopping.signal);
  const { building = '', live = '' } = await readRegistry(redis, prefix);
  t.deepEqual(stopped, { outcome: 'stopped', building });
  const other = define({ metrics: { signals_sent_total: { labels: { drop: ['swarm_id'] } } } });
  t.deepEqual(await rebuild({ ...options, catalogue: other.catalogue }, NEVER), {
    outcome: 'busy',
    building,
  });
  let resumed: boolean | undefined;
  const onBegin: typeof options.onBegin = (begun) => (resumed = begun.resumed);
  const gone = await rebuild({ ...options, onBegin }, NEVER);
  t.deepEqual(gone, { outcome: 'switched', from: live, to: building, compared: true });
  t.true(resumed);
});

const NEVER = new AbortController().signal;
