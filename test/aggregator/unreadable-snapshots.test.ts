import { test } from '../harness/ava.ts';
import type { Generation } from '@streamfold/aggregator';
import { nextPrefix, shareRedis, startRedis } from '../harness/start-redis.ts';
import { foldGenerated, openView, showView, type WatchedView } from '../harness/watched-view.ts';

const server = await shareRedis();
const { redis } = server;
test.after.always(() => server.stop());

/** Folds events and writes a snapshot, several times; then folds some more. */
async function prepare(prefix: string, snapshots: number) {
  let generation = await foldGenerated(server, prefix, { seed: 1 });
  for (let round = 0; round < snapshots; round++) {
    const { view } = openView(redis, generation);
    await view.refresh();
    await view.writeSnapshotWhenDue();
    generation = await foldGenerated(server, prefix, { seed: round + 2 });
  }
  return { generation, expected: await showView(openView(redis, generation).view) };
}

function reasons({ facts }: WatchedView): string[] {
  return facts.flatMap((fact) => (fact.type === 'snapshot_unreadable' ? [fact.reason] : []));
}

const currentParts = async ({ keys }: Generation): Promise<string> =>
  (await redis.hget(keys.snapshot, 'key')) ?? '';

const DAMAGES: readonly {
  readonly what: string;
  readonly damage: (generation: Generation) => Promise<unknown>;
  readonly reason: string;
}[] = [
  {
    what: 'lacks a part',
    damage: async (generation) => redis.hdel(await currentParts(generation), '0'),
    reason: 'missing',
  },
  {
    what: 'lacks its births',
    damage: async (generation) => redis.hdel(await currentParts(generation), 'births:0'),
    reason: 'missing',
  },
  {
    what: 'is gone',
    damage: async (generation) => redis.del(await currentParts(generation)),
    reason: 'missing',
  },
  {
    what: 'has a malformed part',
    damage: async (generation) =>
      redis.hset(
        await currentParts(generation),
        '0',
        '{"series":{"m":["k","1"]},"coordinators":[],"totals":[0,0,0],"watermark":""}',
      ),
    reason: 'malformed',
  },
  {
    what: 'is named by a malformed pointer',
    damage: ({ keys }) => redis.hset(keys.snapshot, 'parts', 'none'),
    reason: 'malformed',
  },
  {
    what: 'is later than the delta log',
    damage: ({ keys }) => redis.hset(keys.snapshot, 'position', `${Date.now() + 3_600_000}-0`),
    reason: 'discontinued',
  },
  {
    what: 'was taken at another record with the same ID',
    damage: ({ keys }) => redis.hset(keys.snapshot, 'nonce', 'another'),
    reason: 'discontinued',
  },
];

for (const { what, damage, reason } of DAMAGES) {
  test(`if the current snapshot ${what}, a view starts from another one and replaces it`, async (t) => {
    const prefix = nextPrefix();
    const { generation, expected } = await prepare(prefix, 1);
    await damage(generation);
    const repairing = openView(redis, generation);
    t.deepEqual(await showView(repairing.view), expected);
    t.deepEqual(reasons(repairing), [reason]);
    await repairing.view.writeSnapshotWhenDue();
    const next = openView(redis, generation);
    t.deepEqual(await showView(next.view), expected);
    t.deepEqual(reasons(next), []);
    t.is(await redis.ttl(await currentParts(generation)), -1);
  });
}

test('the previous snapshot is kept as a fallback, with the log after it, and expires when it is replaced', async (t) => {
  const prefix = nextPrefix();
  const { generation, expected } = await prepare(prefix, 3);
  const [oldest] = await redis.xrange(generation.keys.deltas, '-', '+', 'COUNT', 1);
  t.not(oldest?.[1][1], '0-0', 'the log is trimmed');
  const current = await currentParts(generation);
  const parts = await redis.keys(`${prefix}:*:snapshot:*`);
  const kept = [];
  for (const key of parts) if ((await redis.ttl(key)) === -1) kept.push(key);
  t.is(parts.length, 3);
  t.is(kept.length, 2);
  await redis.del(current);
  const view = openView(redis, generation);
  t.deepEqual(await showView(view.view), expected);
  t.deepEqual(reasons(view), ['missing']);
});

test('if no snapshot can be used and the log was trimmed, the view reports it instead of showing less', async (t) => {
  const prefix = nextPrefix();
  const { generation } = await prepare(prefix, 3);
  for (const key of await redis.keys(`${prefix}:*:snapshot:*`)) await redis.del(key);
  const { view, facts } = openView(redis, generation);
  await t.throwsAsync(view.refresh(), {
    name: 'UnreadableStateError',
    message: /expected a snapshot from which it continues, or its beginning; there is neither/,
  });
  t.false(view.loaded);
  t.is(facts.filter(({ type }) => type === 'snapshot_unreadable').length, 2);
});

test('a missing head is not taken for an empty state', async (t) => {
  const prefix = nextPrefix();
  const { generation } = await prepare(prefix, 1);
  await redis.del(generation.keys.head);
  const { view } = openView(redis, generation);
  await t.throwsAsync(view.refresh(), { name: 'UnreadableStateError' });
});

test('a malformed record of the delta log is refused and named', async (t) => {
  const prefix = nextPrefix();
  const { generation } = await prepare(prefix, 0);
  const { deltas, head } = generation.keys;
  const { view } = openView(redis, generation);
  await view.refresh();
  const previous = (await redis.hget(head, 'position')) ?? '';
  const text = '{"series":{},"coordinators":["s|a",[1]],"totals":[0,0,0],"watermark":""}';
  const id = await redis.xadd(deltas, '*', 'previous', previous, 'watermark', '', 'delta', text);
  await redis.hset(head, 'position', id ?? '');
  await t.throwsAsync(view.refresh(), {
    message: new RegExp(`^delta log ${deltas.replace(/[{}]/g, '\\$&')}, record ${id}: `),
  });
});

test('the delta log is trimmed even if each node of its stream holds many records', async (t) => {
  const own = await startRedis({});
  t.teardown(() => own.stop());
  await own.redis.config('SET', 'stream-node-max-entries', '1000');
  await own.redis.config('SET', 'stream-node-max-bytes', '0');
  const prefix = nextPrefix();
  let generation = await foldGenerated(own, prefix, { seed: 1, events: 400, batchEntries: 1 });
  for (let round = 0; round < 2; round++) {
    const { view } = openView(own.redis, generation);
    await view.refresh();
    await view.writeSnapshotWhenDue();
    generation = await foldGenerated(own, prefix, { seed: round + 2, events: 20, batchEntries: 1 });
  }
  const records = await own.redis.xlen(generation.keys.deltas);
  t.true(records < 100, `${records} records`);
});
