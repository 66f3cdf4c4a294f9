import { test } from '../harness/ava.ts';
import { compareStamps, DEAD_LETTER_REASONS, swarmShard } from '@streamfold/core';
import { replyField } from '@streamfold/redis';
import { appendFlat, appendTogether, eventsKey } from '../harness/append-events.ts';
import type { WireEvent } from '../harness/generate-events.ts';
import { parseSamples, scrape, type Samples } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { waitForGeneration, waitUntilFolded } from '../harness/wait-until-folded.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const GOOD = { type: 'signal.sent', swarm_id: 's1', sender_id: 'a', receiver_id: 'b', signal_type: 'x' };
const SENT = 'signals_sent_total{swarm_id="s1",signal_type="x"}';

/** A bad event for each reason that one shard can have, and a word that its detail must contain. */
const BAD: readonly { reason: string; detail: string; event: WireEvent }[] = [
  { reason: 'too_large', detail: '16384', event: { ...GOOD, note: 'n'.repeat(16_384) } },
  { reason: 'missing_field', detail: 'type', event: { swarm_id: 's1', note: 'has no type' } },
  { reason: 'missing_field', detail: 'receiver_id', event: withoutReceiver() },
  { reason: 'unknown_type', detail: 'signal.lost', event: { ...GOOD, type: 'signal.lost' } },
  { reason: 'unsupported_version', detail: '7', event: { ...GOOD, v: '7' } },
  { reason: 'invalid_field', detail: 'sender_id', event: { ...GOOD, sender_id: 'has a space' } },
];

function withoutReceiver(): WireEvent {
  const { receiver_id: _, ...rest } = GOOD;
  return rest;
}

async function readOwnMetrics(url: string): Promise<Samples> {
  return parseSamples(await (await fetch(`${url}/metrics`)).text());
}

/** Dead letters as plain objects, in the order of their entries: two readers of one aggregator may commit in any order. */
async function readDead(prefix: string, shard = 0): Promise<Record<string, string>[]> {
  const entries = await redis.xrange(`${prefix}:{${shard}}:dead`, '-', '+');
  return entries
    .map(([, fields]): Record<string, string> =>
      Object.fromEntries(fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1] ?? '']] : []))),
    )
    .toSorted((left, right) => compareStamps(left['entry_id'] ?? '', right['entry_id'] ?? ''));
}

test('a flat entry that cannot be folded becomes a dead letter with its reason, and the entries around it are folded', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  const events = BAD.flatMap(({ event }) => [GOOD, event]);
  const ids = await appendFlat(redis, { prefix }, [...events, GOOD]);
  await waitUntilFolded(redis, { prefix });

  t.is((await scrape(aggregator.url)).get(SENT), String(BAD.length + 1));
  const dead = await readDead(prefix);
  t.is(dead.length, BAD.length);
  for (const [at, { reason, detail, event }] of BAD.entries()) {
    const letter = dead.find(({ entry_id }) => entry_id === ids[2 * at + 1]);
    t.is(letter?.['reason'], reason);
    t.true(letter?.['detail']?.includes(detail), letter?.['detail']);
    t.deepEqual(JSON.parse(letter?.['fields'] ?? '') as unknown, event);
    t.false(letter !== undefined && 'index' in letter);
  }
  const own = await readOwnMetrics(aggregator.url);
  for (const reason of DEAD_LETTER_REASONS) {
    const expected = BAD.filter((each) => each.reason === reason).length;
    t.is(own.get(`streamfold_dead_letters_total{reason="${reason}"}`), String(expected), reason);
  }
});

test('one bad event in a batch becomes a dead letter with its index, and the others are folded', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  const bad = BAD.filter(({ reason }) => reason !== 'too_large'); // in a batch, only the whole entry is bounded
  const id = await appendTogether(redis, { prefix }, [GOOD, ...bad.flatMap(({ event }) => [event, GOOD])]);
  await waitUntilFolded(redis, { prefix });
  t.is((await scrape(aggregator.url)).get(SENT), String(bad.length + 1));
  const dead = await readDead(prefix);
  const expected = bad.map(({ reason }, at) => ({ id, index: String(2 * at + 1), reason }));
  t.deepEqual(
    dead.map(({ entry_id, index, reason }) => ({ id: entry_id, index, reason })),
    expected as unknown as typeof dead,
  );
  t.deepEqual(
    dead.map(({ fields = '' }) => JSON.parse(fields) as unknown),
    bad.map(({ event }) => event),
  );
});

test('an events field that is not an array of 1 to 1,000 objects is one dead letter', async (t) => {
  const prefix = nextPrefix();
  const texts = [
    '',
    'no JSON',
    '{}',
    '[]',
    '[1]',
    '[null]',
    '[[]]',
    `[${JSON.stringify(GOOD)},"text"]`,
    JSON.stringify(Array.from({ length: 1_001 }, () => GOOD)),
  ];
  for (const text of texts) await redis.xadd(eventsKey({ prefix }), '*', 'events', text);
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await waitUntilFolded(redis, { prefix });
  const dead = await readDead(prefix);
  t.deepEqual(
    dead.map(({ reason }) => reason),
    texts.map(() => 'invalid_field'),
  );
  t.deepEqual(
    dead.map(({ fields = '' }) => JSON.parse(fields) as unknown),
    texts.map((events) => ({ events })),
  );
  t.is((await scrape(aggregator.url)).get(SENT), undefined);
});

test('an event in the stream of another shard is a dead letter, and does not count for its swarm', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix, shards: 3 });
  t.teardown(aggregator.stop);
  const home = swarmShard('s1', 3);
  const other = (home + 1) % 3;
  await appendFlat(redis, { prefix, shard: home }, [GOOD]);
  const [id] = await appendFlat(redis, { prefix, shard: other }, [GOOD]);
  await waitUntilFolded(redis, { prefix, shard: home });
  await waitUntilFolded(redis, { prefix, shard: other });
  t.is((await scrape(aggregator.url)).get(SENT), '1');
  const [letter, ...others] = await readDead(prefix, other);
  t.deepEqual(others, []);
  t.is(letter?.['entry_id'], id);
  t.is(letter?.['reason'], 'wrong_shard');
  t.true(letter?.['detail']?.includes(`shard ${home}`), letter?.['detail']);
  const own = await readOwnMetrics(aggregator.url);
  t.is(own.get('streamfold_dead_letters_total{reason="wrong_shard"}'), '1');
});

test('every reason has a counter at 0 before the first dead letter', async (t) => {
  const aggregator = await startAggregator({ redisUrl, prefix: nextPrefix() });
  t.teardown(aggregator.stop);
  const own = await readOwnMetrics(aggregator.url);
  for (const reason of DEAD_LETTER_REASONS) {
    t.is(own.get(`streamfold_dead_letters_total{reason="${reason}"}`), '0', reason);
  }
});

test('a dead letter is written and its entry acknowledged in one atomic step', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix, role: 'fold' });
  t.teardown(aggregator.stop);
  await appendFlat(
    redis,
    { prefix },
    Array.from({ length: 500 }, () => withoutReceiver()),
  );
  const { keys, shardKeys } = await waitForGeneration(redis, prefix);
  for (let acknowledged = 0; acknowledged < 500;) {
    const replies = await redis
      .multi()
      .xlen(shardKeys.dead)
      .xpending(shardKeys.events, keys.group)
      .xinfo('GROUPS', shardKeys.events)
      .exec();
    const [dead, pending, groups] = (replies ?? []).map(([, reply]) => reply) as [
      number,
      [number],
      unknown[][],
    ];
    const read = Number(replyField(groups[0] ?? [], 'entries-read') ?? 0);
    acknowledged = read - pending[0];
    t.is(dead, acknowledged);
  }
});

test('the stream of dead letters is bounded: the oldest are removed and counted', async (t) => {
  const prefix = nextPrefix();
  const most = 100;
  const aggregator = await startAggregator({ redisUrl, prefix, deadLettersMost: most });
  t.teardown(aggregator.stop);
  const bad = Array.from({ length: 10 * most }, () => ({ ...GOOD, type: 'signal.lost' }));
  await appendFlat(redis, { prefix }, bad);
  await waitUntil('the oldest dead letters to go', async () => {
    const trimmed = (await readOwnMetrics(aggregator.url)).get('streamfold_dead_letters_trimmed_total');
    return Number(trimmed) + (await redis.xlen(`${prefix}:{0}:dead`)) === bad.length && Number(trimmed) > 0;
  });
  const kept = await readDead(prefix);
  t.true(kept.length >= most && kept.length <= 2 * most);
  t.is(
    kept.at(-1)?.['entry_id'],
    (await redis.xrevrange(eventsKey({ prefix }), '+', '-', 'COUNT', 1))[0]?.[0],
  );
});
