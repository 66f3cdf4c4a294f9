import { foldLog } from '@streamfold/aggregator/round-trips';
import { archiveShard, readLog, trimStream, type Log } from '@streamfold/archive';
import { CATALOGUE, createEntryFold, createFold, emptyDelta, LAST_ID, noUpcasters } from '@streamfold/core';
import { toComparable } from '../core/comparable-delta.ts';
import { test } from '../harness/ava.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { openTestArchive } from '../harness/open-test-archive.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';

const { redis, stop } = await shareRedis();
test.after.always(stop);

const CONTEXT = { shard: 0, shards: 1, upcasters: noUpcasters };
const SENT = { type: 'signal.sent', swarm_id: 's', sender_id: 'a', receiver_id: 'b', signal_type: 'x' };

/** Fields of entries that are rare, or wrong. */
const ODD: readonly (readonly (string | Buffer)[])[] = [
  [
    'type',
    'signal.sent',
    'swarm_id',
    Buffer.of(0xff, 0xfe),
    'sender_id',
    'a',
    'receiver_id',
    'b',
    'signal_type',
    'x',
  ],
  [...Object.entries(SENT).flat(), 'note', 'ünïcode, "quoted", back\\slash, line\nbreak, \u2028, 🙂'],
  [...Object.entries(SENT).flat(), 'note', Buffer.of(0xc3, 0x28)],
  [...Object.entries(SENT).flat(), 'note', ''],
  [...Object.entries(SENT).flat(), 'type', 'signal.sent'],
  ['type', 'no.such_type', 'swarm_id', 's'],
  ['events', 'no JSON'],
  ['events', '[]'],
  ['events', JSON.stringify([SENT, { ...SENT, signal_type: '' }, SENT])],
  ['events', JSON.stringify([{ ...SENT, note: 'ünïcode "quoted" \\ \n' }])],
  ['events', JSON.stringify(Array.from({ length: 1_000 }, () => SENT))],
  ['events', Buffer.concat([Buffer.from('["'), Buffer.of(0xff), Buffer.from('"]')])],
  ['events', JSON.stringify([SENT]), 'more', 'fields'],
  [...Object.entries(SENT).flat(), 'note', 'x'.repeat(100_000)],
  ['events', JSON.stringify([{ ...SENT, note: 'x'.repeat(2_000_000) }])],
  ['', ''],
];

async function fill(events: string, seed: number): Promise<void> {
  const generated = [...generateEvents(3_000, { seed, bad: true })];
  const pipeline = redis.pipeline();
  for (const [at, event] of generated.entries()) {
    pipeline.xadd(events, '*', ...Object.entries(event).flat());
    const odd = at % 40 === 0 ? ODD[(at / 40) % ODD.length] : undefined;
    if (odd !== undefined) pipeline.xadd(events, '*', ...odd);
    if (at % 10 !== 9) continue;
    const batch = generated.slice(at - 9, at + 1);
    const text = JSON.stringify(batch);
    pipeline.xadd(
      events,
      '*',
      'events',
      at % 20 === 9 ? text : text.replaceAll('":"', '": "').replaceAll(',"', ', "'),
    );
  }
  await pipeline.exec();
}

/** The state that a replay comes to, and the number of entries that it read. */
async function replay(log: Log): Promise<unknown> {
  const state = await foldLog(redis, log, {
    cut: { lastDelivered: LAST_ID, pending: new Set() },
    catalogue: CATALOGUE,
    context: CONTEXT,
    onProgress: () => undefined,
    onGap(gap) {
      throw gap;
    },
  });
  return toComparable(state);
}

async function foldSlowly(log: Log): Promise<unknown> {
  const foldEntry = createEntryFold(createFold(CATALOGUE), CONTEXT);
  const state = emptyDelta();
  for await (const { entries } of readLog(redis, log))
    for (const { id, fields } of entries) foldEntry(state, id, fields);
  return toComparable(state);
}

test('a log with odd entries replays to what its entries come to one by one, from the stream, from the archive and from both', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = `${prefix}:{0}:events`;
  await fill(events, 1);
  const stream = { prefix, shard: 0, archive: undefined };
  const expected = await foldSlowly(stream);
  t.deepEqual(await replay(stream), expected);

  await redis.xgroup('CREATE', events, `${prefix}:1-test`, '$');
  await archiveShard(redis, {
    prefix,
    shard: 0,
    shards: 1,
    archive,
    settleMs: 0,
    bounds: { entries: 500, bytes: 1e9 },
  });
  await trimStream(redis, { prefix, shard: 0, retentionMs: 0, onlyArchived: true });
  t.is(await redis.xlen(events), 0);
  const log = { prefix, shard: 0, archive };
  t.deepEqual(await replay(log), expected);

  await fill(events, 2);
  t.deepEqual(await replay(log), await foldSlowly(log));
});
