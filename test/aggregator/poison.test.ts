import { test } from '../harness/ava.ts';
import { randomBytes } from 'node:crypto';
import { appendFlat, eventsKey } from '../harness/append-events.ts';
import { createRandom } from '../harness/generate-events.ts';
import { scrape } from '../harness/scrape.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const MIB = 1024 * 1024;
const GOOD = { type: 'signal.sent', swarm_id: 's1', sender_id: 'a', receiver_id: 'b', signal_type: 'x' };
const SENT = 'signals_sent_total{swarm_id="s1",signal_type="x"}';

/** An entry that is bad in a way that could break something, and the number of its dead letters. */
interface Poison {
  readonly what: string;
  readonly fields: readonly (string | Buffer)[];
  readonly deadLetters: number;
}

function* nested(depth: number): Generator<string> {
  yield '['.repeat(depth);
  yield ']'.repeat(depth);
}

const [open = '', close = ''] = nested(MIB / 2 - 100);

const POISONS: readonly Poison[] = [
  { what: '1 MiB of garbage', fields: ['garbage', randomBytes(MIB)], deadLetters: 1 },
  { what: '1 MiB of garbage for events', fields: ['events', randomBytes(MIB)], deadLetters: 1 },
  { what: '5 MiB for events', fields: ['events', `[${' '.repeat(5 * MIB)}{}]`], deadLetters: 1 },
  {
    what: 'binary names and values',
    fields: [randomBytes(40), randomBytes(40), 'type', randomBytes(9)],
    deadLetters: 1,
  },
  {
    what: '48 MiB that JSON makes six times as large',
    fields: ['zeros', Buffer.alloc(48 * MIB)],
    deadLetters: 1,
  },
  {
    what: '16 MiB in 100,000 fields',
    fields: Array.from({ length: 200_000 }, () => 'x'.repeat(80)),
    deadLetters: 1,
  },
  { what: 'no bytes at all', fields: ['', ''], deadLetters: 1 },
  { what: '5,000 fields', fields: Array.from({ length: 10_000 }, (_, n) => `f${n}`), deadLetters: 1 },
  {
    what: '5,000 fields of one name',
    fields: Array.from({ length: 5_000 }, () => ['type', '']).flat(),
    deadLetters: 1,
  },
  { what: 'events twice', fields: ['events', '[]', 'events', '[]'], deadLetters: 1 },
  {
    what: 'events beside other fields',
    fields: ['events', JSON.stringify([GOOD]), 'swarm_id', 's1'],
    deadLetters: 1,
  },
  {
    what: 'fields that objects inherit',
    fields: ['__proto__', 'x', 'constructor', 'y', 'toString', 'z'],
    deadLetters: 1,
  },
  { what: 'a type that objects inherit', fields: ['type', '__proto__', 'swarm_id', 's1'], deadLetters: 1 },
  { what: 'an array nested too deeply', fields: ['events', `${open}${close}`], deadLetters: 1 },
  { what: 'an event nested too deeply', fields: ['events', `[{"type":${open}${close}}]`], deadLetters: 1 },
  {
    what: 'a bad event with a field nested too deeply',
    fields: ['events', `[{"note":${open}${close}}]`],
    deadLetters: 1,
  },
  {
    what: 'values of every JSON type',
    fields: ['events', `[{"type":{}},{"type":[]},{"type":null},{"type":true},{"type":1e999}]`],
    deadLetters: 5,
  },
  { what: 'half characters', fields: ['events', '[{"type":"\\ud800","\\udfff":"\\u0000"}]'], deadLetters: 1 },
];

/** Failures, apart from reads that were too large: those are made again, smaller. */
function describeFailures({ facts }: TestAggregator): string[] {
  return facts.flatMap((fact) => {
    if (fact.type !== 'failed') return [];
    const { message } = fact.error;
    return message.includes('are asked for in smaller numbers') ? [] : [`${fact.step}: ${message}`];
  });
}

for (const { what, fields, deadLetters } of POISONS) {
  test(`${what}: becomes a dead letter and does not stop the stream`, async (t) => {
    const prefix = nextPrefix();
    const aggregator = await startAggregator({ redisUrl, prefix });
    t.teardown(aggregator.stop);
    await appendFlat(redis, { prefix }, [GOOD]);
    await redis.call('XADD', [eventsKey({ prefix }), '*', ...fields]);
    await appendFlat(redis, { prefix }, [GOOD]);
    await waitUntilFolded(redis, { prefix });
    t.is((await scrape(aggregator.url)).get(SENT), '2');
    t.is(await redis.xlen(`${prefix}:{0}:dead`), deadLetters);
    t.deepEqual(describeFailures(aggregator), []);
  });
}

test('a deeply nested unknown field in a good event is ignored', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await redis.xadd(
    eventsKey({ prefix }),
    '*',
    'events',
    `[{"note":${open}${close},${JSON.stringify(GOOD).slice(1)}]`,
  );
  await waitUntilFolded(redis, { prefix });
  t.is((await scrape(aggregator.url)).get(SENT), '1');
});

test('every event of many entries full of bad events becomes a dead letter, and the good entry behind them is folded', async (t) => {
  const prefix = nextPrefix();
  const pipeline = redis.pipeline();
  const events = JSON.stringify(Array.from({ length: 1_000 }, () => ({})));
  for (let entry = 0; entry < 60; entry++) pipeline.xadd(eventsKey({ prefix }), '*', 'events', events);
  await pipeline.exec();
  await appendFlat(redis, { prefix }, [GOOD]);
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await waitUntilFolded(redis, { prefix });
  t.is((await scrape(aggregator.url)).get(SENT), '1');
  t.is(await redis.xlen(`${prefix}:{0}:dead`), 60_000);
  t.false(aggregator.facts.some(({ type }) => type === 'failed'));
});

test('entries of random bytes among good ones: all good ones are folded, all others are dead letters', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  const random = createRandom(7);
  const below = (n: number): number => Math.floor(random() * n);
  const bytes = (): Buffer => Buffer.from(Array.from({ length: below(60) }, () => below(256)));
  const pipeline = redis.pipeline();
  let good = 0;
  for (let entry = 0; entry < 2_000; entry++) {
    if (below(2) === 0) {
      pipeline.xadd(eventsKey({ prefix }), '*', ...Object.entries(GOOD).flat());
      good++;
    } else {
      const count = 1 + below(5);
      pipeline.xadd(eventsKey({ prefix }), '*', ...Array.from({ length: 2 * count }, bytes));
    }
  }
  await pipeline.exec();
  await waitUntilFolded(redis, { prefix });
  t.is((await scrape(aggregator.url)).get(SENT), String(good));
  t.is(await redis.xlen(`${prefix}:{0}:dead`), 2_000 - good);
});
