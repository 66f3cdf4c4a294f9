import { test } from '../harness/ava.ts';
import { connectRedis } from '@streamfold/redis';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { foldGenerated, keepState, openView, showView } from '../harness/watched-view.ts';

const server = await shareRedis();
const { redis } = server;
test.after.always(() => server.stop());

/** All events of a fold in one record of the delta log: one entry is never split. */
const ONE_RECORD = { events: 20, together: true };

/**
 * Puts the end of the delta log far into the future: the IDs of further records count up from there, whatever the clock says, and
 * after going back the same IDs are assigned again.
 */
async function foldFirst(prefix: string) {
  const generation = await foldGenerated(server, prefix, { seed: 1, ...ONE_RECORD });
  const { deltas, head } = generation.keys;
  const previous = (await redis.hget(head, 'position')) ?? '';
  const future = `${Date.now() + 3_600_000}-0`;
  await redis.xadd(deltas, future, 'previous', previous, 'watermark', '', 'lost', '0');
  await redis.hset(head, 'position', future);
  return generation;
}

test('a view notices that a record was replaced by another with the same ID', async (t) => {
  const prefix = nextPrefix();
  const generation = await foldFirst(prefix);
  const goBack = await keepState(redis, prefix);
  await foldGenerated(server, prefix, { seed: 2, ...ONE_RECORD });
  const { view } = openView(redis, generation);
  const before = await showView(view);
  const { position } = view;
  await goBack();
  await foldGenerated(server, prefix, { seed: 3, ...ONE_RECORD });
  const expected = await showView(openView(redis, generation).view);
  t.notDeepEqual(expected, before);
  t.deepEqual(await showView(view), expected);
  t.is(view.position, position, 'the same ID was assigned again');
});

test('a view notices a replaced record even if more records have been appended since', async (t) => {
  const prefix = nextPrefix();
  const generation = await foldFirst(prefix);
  const goBack = await keepState(redis, prefix);
  await foldGenerated(server, prefix, { seed: 2, ...ONE_RECORD });
  const { view } = openView(redis, generation);
  await view.refresh();
  const { position } = view;
  await goBack();
  await foldGenerated(server, prefix, { seed: 3, ...ONE_RECORD });
  t.is(await redis.hget(generation.keys.head, 'position'), position, 'the same ID was assigned again');
  await foldGenerated(server, prefix, { seed: 4, ...ONE_RECORD });
  t.deepEqual(await showView(view), await showView(openView(redis, generation).view));
});

test('a view notices that Redis has gone back even if nothing was appended since', async (t) => {
  const prefix = nextPrefix();
  const generation = await foldFirst(prefix);
  const goBack = await keepState(redis, prefix);
  await foldGenerated(server, prefix, { seed: 2, ...ONE_RECORD });
  const { view } = openView(redis, generation);
  await view.refresh();
  await goBack();
  t.deepEqual(await showView(view), await showView(openView(redis, generation).view));
});

for (const [what, needle] of [
  ['is not yet written', 'multi'],
  ['is written in part', 'hset'],
  ['is written and not yet published', 'evalsha'],
] as const) {
  test(`a snapshot that ${what} when Redis goes back never becomes the current one`, async (t) => {
    const prefix = nextPrefix();
    const generation = await foldGenerated(server, prefix, { seed: 1 });
    const first = openView(redis, generation);
    await first.view.refresh();
    await first.view.writeSnapshotWhenDue();
    const goBack = await keepState(redis, prefix);
    const pointer = await redis.hgetall(generation.keys.snapshot);
    await foldGenerated(server, prefix, { seed: 2 });

    const proxy = await startFaultProxy(server.port);
    t.teardown(proxy.stop);
    const connection = connectRedis(`redis://127.0.0.1:${proxy.port}`, {
      name: 'view',
      commandTimeoutMs: 30_000,
    });
    t.teardown(() => connection.disconnect());
    connection.connect().catch(() => undefined);
    await waitUntil('the connection to be ready', () => connection.status === 'ready');
    const slow = openView(connection, generation);
    await slow.view.refresh();
    const held = proxy.holdBack(needle);
    const writing = slow.view.writeSnapshotWhenDue();
    const release = await held;
    await goBack();
    release();
    await writing;

    t.deepEqual(await redis.hgetall(generation.keys.snapshot), pointer);
    const expected = await showView(openView(redis, generation).view);
    t.deepEqual(await showView(slow.view), expected);
    t.deepEqual(await showView(first.view), expected);
  });
}
