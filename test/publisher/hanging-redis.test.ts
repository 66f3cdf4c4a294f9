import { test } from '../harness/ava.ts';
import { waitUntilStopped } from '../harness/process-state.ts';
import { startRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { openPublisher } from './open-publisher.ts';
import { signalSent } from './signal-sent.ts';

test('a Redis that hangs, and runs requests after the publisher gave up on them, appends each event once', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const { publisher, numbers, told } = openPublisher(server.redis, { url: server.url, replyTimeoutMs: 100 });
  t.teardown(() => publisher.close({ deadlineMs: 0 }));
  await publisher.append(signalSent(0));
  const rounds = [1, 2, 3];
  for (const round of rounds) {
    process.kill(server.pid, 'SIGSTOP');
    await waitUntilStopped(server.pid);
    const before = publisher.stats().retries;
    const appended = publisher.append([
      signalSent(2 * round - 1),
      signalSent(2 * round, { id: `id-${round}` }),
    ]);
    await waitUntil('the request was given up', () => publisher.stats().retries > before);
    process.kill(server.pid, 'SIGCONT');
    t.like(await appended, { duplicates: 0 });
  }
  t.deepEqual(await numbers(), [0, ...rounds.flatMap((round) => [2 * round - 1, 2 * round])]);
  t.deepEqual(publisher.stats().published, 7);
  t.true(
    told.filter(({ type, reason }) => type === 'retried' && reason === 'no_reply').length >= rounds.length,
  );
});
