import { isReplyError, isTransientReply } from '@streamfold/redis';
import { test } from '../harness/ava.ts';
import { startCluster } from '../harness/start-cluster.ts';

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
