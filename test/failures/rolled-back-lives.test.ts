import { test } from '../harness/ava.ts';
import { joinSwarm, type Coordinator } from '@streamfold/coordination';
import { copyFiles } from '../harness/older-state.ts';
import { readPublished } from '../harness/read-published.ts';
import { nextPrefix, startRedis } from '../harness/start-redis.ts';

test('after Redis was restored from a backup, a coordinator that joined since then cannot act for its successor, which lives on', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const prefix = nextPrefix();
  const join = async (coordinatorId: string): Promise<Coordinator> => {
    const identity = { swarmId: 's', coordinatorId, staleAfterMs: 0 };
    const coordinator = await joinSwarm({ url: server.url, prefix, ...identity });
    t.teardown(() => coordinator.disconnect());
    return coordinator;
  };
  await (await join('ada')).leave();
  const backup = await copyFiles(server);
  t.teardown(() => backup.stop());
  const zombie = await join('ada');
  await zombie.openWork('report');
  await backup.goBack();
  const ada = await join('ada');
  await ada.openWork('report');
  t.is(Math.floor(Number(ada.life)), Math.floor(Number(zombie.life)), 'the same number is assigned twice');
  await t.throwsAsync(zombie.finishWork('report'), { message: /^ended/ });
  await zombie.leave();
  t.is((await ada.listWork()).length, 1);
  await ada.changePhase('still-here');
  const types = (await readPublished(server.redis, { prefix })).map(({ type }) => type);
  t.deepEqual(types.slice(-2), ['coordinator.started', 'coordinator.phase_changed']);
});
