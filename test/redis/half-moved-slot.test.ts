import { ConnectionError, isReplyError, isTransientReply } from '@streamfold/redis';
import { test } from '../harness/ava.ts';
import { startCluster } from '../harness/start-cluster.ts';
import { waitUntil } from '../harness/wait-until.ts';

test('a command that a Cluster puts off for too long was not done, and its error says so', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.stop);
  await cluster.redis.mset('{a}1', 'x', '{a}2', 'x');
  const move = await cluster.beginMove('{a}1', ['{a}1']);
  const error = await cluster.redis.mset('{a}1', 'y', '{a}2', 'y').then(
    () => undefined,
    (reason: unknown) => reason,
  );
  t.regex(String(error), /^ReplyError: (?:TRYAGAIN|MOVED|ASK) /);
  t.true(isReplyError(error) && isTransientReply(error));
  await move.finish();
  t.deepEqual(await cluster.redis.mget('{a}1', '{a}2'), ['x', 'x']);
});

test('a node that is lost while it is asked for a key that has moved already fails that command, and nothing else', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.stop);
  await cluster.redis.set('{a}1', 'x');
  const move = await cluster.beginMove('{a}1', ['{a}1']);
  t.is(await cluster.redis.get('{a}1'), 'x'); // the connection to the other node exists
  process.kill(move.to.pid, 'SIGSTOP');
  const lost = cluster.redis.get('{a}1').then(
    () => undefined,
    (error: unknown) => error,
  );
  await waitUntil('the command waits for the frozen node', async () =>
    /errorstat_ASK:count=2\b/.test(await move.from.redis.info('errorstats')),
  );
  await move.to.kill('SIGKILL');
  t.true((await lost) instanceof ConnectionError);
  // A rejection that nobody handles would end the program, and fails this file.
});
