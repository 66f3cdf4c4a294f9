import { test } from '../harness/ava.ts';
import { joinSwarm } from '@streamfold/coordination';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const REASON = new Error('enough');
const options = () => ({
  url: server.url,
  prefix: nextPrefix(),
  swarmId: 's1',
  coordinatorId: 'a',
});

test('joining stops at once when its signal is aborted, even while Redis is away', async (t) => {
  await t.throwsAsync(joinSwarm({ ...options(), signal: AbortSignal.abort(REASON) }), { is: REASON });
  const abort = new AbortController();
  const joining = joinSwarm({ ...options(), url: 'redis://127.0.0.1:1', signal: abort.signal });
  abort.abort(REASON);
  await t.throwsAsync(joining, { is: REASON });
});

test('calls in progress and later ones fail with the reason of the signal, and the connections are closed', async (t) => {
  const abort = new AbortController();
  const coordinator = await joinSwarm({ ...options(), signal: abort.signal });
  const sent = await coordinator.sendSignal(['b'], 'x');
  const waiting = coordinator.waitForAcks(sent, { timeoutMs: 60_000 });
  const sending = coordinator.sendSignal(['b'], 'y');
  abort.abort(REASON);
  await t.throwsAsync(sending, { is: REASON });
  await t.throwsAsync(waiting);
  await t.throwsAsync(coordinator.changePhase('next'), { is: REASON });
  await waitUntil('the connections to be closed', async () => {
    const clients = String(await server.redis.client('LIST'));
    return !/name=streamfold-[a-z]+-a /.test(clients);
  });
});
