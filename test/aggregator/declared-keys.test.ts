import { test } from '../harness/ava.ts';
import { listUndeclared, startScriptLog } from '../harness/script-log.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { startRedis } from '../harness/start-redis.ts';
import { foldGenerated, openView } from '../harness/watched-view.ts';
import { waitUntil } from '../harness/wait-until.ts';

test('no script of an aggregator touches a key that is not declared', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const log = await startScriptLog(server.port);
  t.teardown(() => log.stop());
  const aggregator = await startAggregator({ redisUrl: server.url });
  try {
    const events = 'streamfold:{0}:events';
    const event = ['type', 'signal.sent', 'swarm_id', 's', 'sender_id', 'a', 'receiver_id', 'b'];
    for (let sent = 0; sent < 5; sent++) await server.redis.xadd(events, '*', ...event, 'signal_type', 't');
    await server.redis.xadd(events, '*', 'type', 'no.such.type');
    await waitUntil('the undecodable event is a dead letter', async () => {
      return (await server.redis.xlen('streamfold:{0}:dead')) === 1;
    });
  } finally {
    await aggregator.stop();
  }
  for (const seed of [1, 2, 3]) {
    const generation = await foldGenerated(server, 'snapshots', { seed });
    const { view } = openView(server.redis, generation);
    await view.refresh();
    await view.writeSnapshotWhenDue();
  }
  const calls = await log.read();
  t.true(calls.length > 5);
  t.deepEqual(listUndeclared(calls, 'streamfold'), []);
  t.deepEqual(listUndeclared(calls, 'snapshots'), []);
});
