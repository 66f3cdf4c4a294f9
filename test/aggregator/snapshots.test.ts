import { randomUUID } from 'node:crypto';
import { test } from '../harness/ava.ts';
import { trimOvergrownLog, type Generation } from '@streamfold/aggregator';
import { connectRedis } from '@streamfold/redis';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { foldGenerated, keepState, lastSnapshotId, openView, showView } from '../harness/watched-view.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
const { redis, port } = server;
test.after.always(() => server.stop());

async function openThrough(t: { teardown: (end: () => void) => void }, proxyPort: number) {
  const url = `redis://127.0.0.1:${proxyPort}`;
  const connection = connectRedis(url, { name: 'view', commandTimeoutMs: 30_000 });
  t.teardown(() => connection.disconnect());
  connection.connect().catch(() => undefined);
  await waitUntil('the connection to be ready', () => connection.status === 'ready');
  return connection;
}

/** Publishes and folds events, 10 entries per record. */
const fold = (prefix: string, seed: number): Promise<Generation> => foldGenerated(server, prefix, { seed });

test('a view that starts from a snapshot shows the same as one that has read the whole log', async (t) => {
  const prefix = nextPrefix();
  const generation = await fold(prefix, 1);
  const first = openView(redis, generation);
  const expected = await showView(first.view);
  await first.view.writeSnapshotWhenDue();
  t.true(first.facts.some((fact) => fact.type === 'snapshot_written' && fact.outcome === 'published'));
  t.deepEqual(await showView(openView(redis, generation).view), expected);
  await fold(prefix, 2);
  t.deepEqual(await showView(openView(redis, generation).view), await showView(first.view));
});

test('the delta log is trimmed behind the snapshot before the current one, and stays bounded', async (t) => {
  const prefix = nextPrefix();
  const generation = await fold(prefix, 1);
  const { view } = openView(redis, generation);
  const read: number[] = [];
  for (let round = 0; round < 4; round++) {
    await view.refresh();
    await view.writeSnapshotWhenDue();
    read.push(await redis.xlen(generation.keys.deltas));
    await fold(prefix, round + 2);
  }
  t.true(
    (read.at(-1) ?? Infinity) < 4 * (read[0] ?? 0) * 0.75,
    `records after each snapshot: ${read.join(', ')}`,
  );
  t.deepEqual(await showView(openView(redis, generation).view), await showView(view));
});

test('a view whose next records were trimmed loads the snapshot and shows the right values', async (t) => {
  const prefix = nextPrefix();
  const generation = await fold(prefix, 1);
  const left = openView(redis, generation);
  await left.view.refresh();
  const writer = openView(redis, generation);
  for (let round = 0; round < 3; round++) {
    await fold(prefix, round + 2);
    await writer.view.refresh();
    await writer.view.writeSnapshotWhenDue();
  }
  const [oldest] = await redis.xrange(generation.keys.deltas, '-', '+', 'COUNT', 1);
  t.not(oldest?.[1][1], '0-0');
  t.deepEqual(await showView(left.view), await showView(writer.view));
  t.true(left.facts.some((fact) => fact.type === 'view_loaded' && fact.cause === 'log_discontinued'));
});

test('a view shows the right values after Redis went back to an older state and continued from there', async (t) => {
  const prefix = nextPrefix();
  const generation = await fold(prefix, 1);
  const goBack = await keepState(redis, prefix);
  await fold(prefix, 2);
  const { view, facts } = openView(redis, generation);
  await view.refresh();
  await goBack();
  t.deepEqual(await showView(view), await showView(openView(redis, generation).view));
  await fold(prefix, 2);
  await view.refresh();
  await goBack();
  await fold(prefix, 3); // the log is already ahead of the view when the view reads
  t.deepEqual(await showView(view), await showView(openView(redis, generation).view));
  t.is(facts.filter((fact) => fact.type === 'view_loaded' && fact.cause === 'log_discontinued').length, 2);
});

test('a snapshot writer that dies before it publishes leaves only parts that expire', async (t) => {
  const prefix = nextPrefix();
  const generation = await fold(prefix, 1);
  const proxy = await startFaultProxy(port);
  t.teardown(proxy.stop);
  const { view } = openView(await openThrough(t, proxy.port), generation);
  await view.refresh();
  const cut = proxy.cutBeforeSend('evalsha');
  await t.throwsAsync(view.writeSnapshotWhenDue());
  await cut;
  t.is(await redis.exists(generation.keys.snapshot), 0);
  const parts = generation.keys.snapshotParts(lastSnapshotId());
  const [exists, ttl] = [await redis.exists(parts), await redis.ttl(parts)];
  t.true(exists === 0 || ttl > 0, `parts: ${exists}, expire in ${ttl} s`);

  const other = openView(redis, generation);
  const expected = await showView(other.view);
  await redis.del(generation.keys.snapshotWriter); // or half a minute later
  await other.view.writeSnapshotWhenDue();
  t.is(await redis.exists(generation.keys.snapshot), 1);
  t.deepEqual(await showView(openView(redis, generation).view), expected);
});

test('of two snapshot writers at the same time only one writes, and the views stay right', async (t) => {
  const prefix = nextPrefix();
  const generation = await fold(prefix, 1);
  const views = [openView(redis, generation), openView(redis, generation)];
  for (const { view } of views) await view.refresh();
  await Promise.all(views.map(({ view }) => view.writeSnapshotWhenDue()));
  const written = views.flatMap(({ facts }) => facts.filter(({ type }) => type === 'snapshot_written'));
  t.is(written.length, 1);
  t.deepEqual(
    await showView(openView(redis, generation).view),
    await showView(views[0]?.view ?? openView(redis, generation).view),
  );
});

test('a slow snapshot writer that another one overtakes publishes nothing and cleans up', async (t) => {
  const prefix = nextPrefix();
  const generation = await fold(prefix, 1);
  const proxy = await startFaultProxy(port);
  t.teardown(proxy.stop);
  const slow = openView(await openThrough(t, proxy.port), generation);
  await slow.view.refresh();
  const held = proxy.holdBack('evalsha');
  const writing = slow.view.writeSnapshotWhenDue();
  const release = await held;
  const slowParts = generation.keys.snapshotParts(lastSnapshotId());

  await fold(prefix, 2);
  await redis.del(generation.keys.snapshotWriter); // as if half a minute had passed
  const fast = openView(redis, generation);
  await fast.view.refresh();
  await fast.view.writeSnapshotWhenDue();
  const published = await redis.hgetall(generation.keys.snapshot);
  release();
  await writing;
  t.true(slow.facts.some((fact) => fact.type === 'snapshot_written' && fact.outcome === 'superseded'));
  t.deepEqual(await redis.hgetall(generation.keys.snapshot), published);
  t.is(await redis.exists(slowParts), 0);
  t.deepEqual(await showView(openView(redis, generation).view), await showView(fast.view));
});

test('a snapshot never pairs the state before a reload with the position after it', async (t) => {
  const prefix = nextPrefix();
  const generation = await fold(prefix, 1);
  let beforeReply: (() => Promise<unknown>) | undefined;
  const delayed: typeof redis = new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        const reply: unknown = Reflect.apply(value, target, args);
        const act = name === 'set' ? beforeReply : undefined;
        if (act === undefined) return reply;
        beforeReply = undefined;
        return Promise.resolve(reply).then(async (told) => {
          await act();
          return told;
        });
      };
    },
  });
  const { view, facts } = openView(delayed, generation);
  await view.refresh();
  beforeReply = async () => {
    await redis.del(await redis.keys(`${prefix}*`));
    await fold(prefix, 2);
    await view.refresh();
  };
  await view.writeSnapshotWhenDue();
  t.true(facts.some((fact) => fact.type === 'view_loaded' && fact.cause === 'log_discontinued'));
  t.deepEqual(await showView(openView(redis, generation).view), await showView(view));
});

test('the delta log stays bounded even if all aggregators only fold', async (t) => {
  const prefix = nextPrefix();
  const generation = await fold(prefix, 1);
  const facts: string[] = [];
  const trim = (overgrownRecords: number): Promise<boolean> =>
    trimOvergrownLog({
      redis,
      generation,
      observe: ({ type }) => facts.push(type),
      createId: randomUUID,
      overgrownRecords,
    });
  const records = await redis.xlen(generation.keys.deltas);
  t.false(await trim(records + 1));
  t.true(await trim(records));
  await fold(prefix, 2);
  t.true(await trim(records));
  t.true((await redis.xlen(generation.keys.deltas)) <= records + 1);
  t.true(facts.includes('snapshot_written'));
});
