import { test } from '../harness/ava.ts';
import { cleanUp, type CleanupVerdict } from '@streamfold/coordination';
import { startCommandLog } from '../harness/command-log.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { withSwarm, type TestSwarm } from '../harness/start-swarm.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

async function end(swarm: TestSwarm, id: string): Promise<void> {
  const [, life] = (await swarm.call('start-coordinator', swarm.swarmId, id, '', 0, 0)) as [string, string];
  await swarm.call('stop-coordinator', swarm.swarmId, id, life, 'completed');
}

/** Sets the end time of a coordinator, in its record and in the index. */
async function setEnd(
  swarm: TestSwarm,
  id: string,
  { record, index }: { record: string; index?: number },
): Promise<void> {
  const name = `${swarm.swarmId}|${id}`;
  await server.redis.hset(swarm.key(`coordinator:${name}`), 'ended_ms', record);
  if (index !== undefined) await server.redis.zadd(swarm.key('ended'), index, name);
}

async function clean(swarm: TestSwarm, options = {}): Promise<CleanupVerdict[]> {
  const verdicts: CleanupVerdict[] = [];
  const settings = { endedForMs: 0, dryRun: false, ...options };
  for await (const each of cleanUp(server.redis, { prefix: swarm.prefix, shard: 0 }, settings))
    verdicts.push(each);
  return verdicts;
}

/** Every key of the prefix and its serialized value. */
async function dump(swarm: TestSwarm): Promise<Map<string, string>> {
  const keys = (await server.redis.keys(`${swarm.prefix}:*`)).toSorted();
  const values = await Promise.all(keys.map((key) => server.redis.dumpBuffer(key)));
  return new Map(keys.map((key, at) => [key, values[at]?.toString('hex') ?? '']));
}

test.serial('a dry run writes nothing: no key changes, and no writing command is called', async (t) => {
  await withSwarm(server, async (swarm) => {
    for (const id of ['coord-1', 'coord-2', 'bad']) await end(swarm, id);
    await setEnd(swarm, 'bad', { record: '1700000000' });
    const before = await dump(swarm);
    const log = await startCommandLog(server.port, swarm.prefix);
    const verdicts = await clean(swarm, { dryRun: true });
    await server.redis.type(swarm.key('end'));
    await waitUntil('all is logged', () => log.all().includes('type'));
    log.stop();
    t.deepEqual(verdicts.map(({ coordinatorId, verdict }) => `${coordinatorId} ${verdict}`).toSorted(), [
      'bad in_seconds',
      'coord-1 would_remove',
      'coord-2 would_remove',
    ]);
    t.deepEqual(await dump(swarm), before);
    const reads = ['zcard', 'fcall', 'zrange', 'hgetall', 'hlen', 'xlen', 'get', 'type'];
    t.deepEqual(
      [...new Set(log.all())].filter((name) => !reads.includes(name)),
      [],
    );
    const run = await runStreamfold([
      'cleanup',
      '--dry-run',
      '--ended-for-hours',
      '0',
      '--redis',
      server.url,
      '--prefix',
      swarm.prefix,
    ]);
    t.is(run.code, 1, run.stderr);
    t.regex(run.stdout, /2 would be removed, 0 kept, 1 refused/);
    t.deepEqual(await dump(swarm), before);
  });
});

test('keys are removed by exact name: those of coord-1 are removed, those of coord-10 stay', async (t) => {
  await withSwarm(server, async (swarm) => {
    await end(swarm, 'coord-1');
    const ten = await swarm.join('coord-10');
    const sent = await ten.sendSignal(['coord-10'], 'plan');
    await ten.openWork('w');
    await ten.waitForAcks(sent, { timeoutMs: 1 });
    const dumpOfTen = async (): Promise<string[]> =>
      [...(await dump(swarm))].filter(([key]) => key.endsWith('coord-10')).flat();
    const before = await dumpOfTen();
    t.true(before.length > 4);
    const verdicts = await clean(swarm);
    t.deepEqual(
      verdicts.map(({ coordinatorId, verdict }) => [coordinatorId, verdict]),
      [['coord-1', 'removed']],
    );
    t.deepEqual(await dumpOfTen(), before);
    t.deepEqual(await server.redis.keys(`${swarm.prefix}:*coord-1`), []);
    t.deepEqual(
      (await swarm.events('cleanup.removed')).map((event) => event['removed_id']),
      ['coord-1'],
    );
  });
});

test('impossible times are refused and reported with the reason, and no key of such a coordinator is removed', async (t) => {
  await withSwarm(server, async (swarm) => {
    const nowMs = Date.now();
    const endedMs = nowMs - 5_000;
    const otherNumerals = [`0x${endedMs.toString(16)}`, '1.7e12', ` ${endedMs}`, `${endedMs}\n`];
    const cases = {
      not_a_number: ['nan', 'inf', '-inf', '', 'yesterday', '12 34', '9'.repeat(400), ...otherNumerals],
      not_whole: [`${endedMs}.5`, `${endedMs}.0`],
      in_the_future: [String(nowMs + 600_000)],
      too_old: ['0', '-5', String(Date.UTC(2019, 0, 1))],
      in_seconds: [String(Math.floor(nowMs / 1_000))],
      in_microseconds: [String(nowMs * 1_000), String(nowMs * 1_000 + 1)],
    };
    for (const [reason, records] of Object.entries(cases)) {
      for (const [at, record] of records.entries()) {
        await end(swarm, `${reason}.${at}`);
        await setEnd(swarm, `${reason}.${at}`, {
          record,
          index: Number.isFinite(Number(record)) ? Number(record) : 0,
        });
      }
    }
    await end(swarm, 'changed.0');
    await setEnd(swarm, 'changed.0', { record: String(nowMs - 9_999) });
    const alive = await swarm.join('alive.0');
    await server.redis.zadd(swarm.key('ended'), 1, `${swarm.swarmId}|alive.0`);
    await server.redis.zadd(swarm.key('ended'), 1, `${swarm.swarmId}|not_a_number.gone`); // no record at all
    await end(swarm, 'good');
    const verdicts = await clean(swarm);
    const names = new Map(verdicts.map(({ coordinatorId, verdict }) => [coordinatorId, verdict]));
    t.is(names.size, 24);
    for (const [name, verdict] of names) {
      t.is<string, string>(verdict, name === 'good' ? 'removed' : name.replace(/\..*/, ''), name);
    }
    const refused = await swarm.events('cleanup.refused');
    t.is(refused.length, 23);
    for (const event of refused)
      t.true(String(event['refused_id']).startsWith(`${String(event['reason'])}.`));
    await alive.changePhase('still-alive');
    t.is(await server.redis.exists(swarm.key(`coordinator:${swarm.swarmId}|in_seconds.0`)), 1);
  });
});

test('2,000 ended coordinators are removed in bounded steps, and leave no keys', async (t) => {
  await withSwarm(server, async (swarm) => {
    await Promise.all(Array.from({ length: 2_000 }, (_, at) => end(swarm, `c${at}`)));
    await server.redis.config('RESETSTAT');
    const verdicts = await clean(swarm);
    t.is(verdicts.filter(({ verdict }) => verdict === 'removed').length, 2_000);
    t.is((await swarm.events('cleanup.removed')).length, 2_000);
    const stats = await server.redis.info('commandstats');
    t.true(Number(/cmdstat_fcall:calls=(\d+)/.exec(stats)?.[1]) >= 20, 'of 100 each');
    const left = await server.redis.keys(`${swarm.prefix}:*`);
    t.deepEqual(left.toSorted(), [swarm.key('events'), swarm.key('lives')].toSorted());
  });
});

test('a coordinator with work or signals left is kept until they are taken over', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    const working = await swarm.join('working');
    await working.openWork('w');
    await working.leave();
    await end(swarm, 'signalled');
    await ada.sendSignal(['signalled'], 'plan');
    const verdicts = async (): Promise<string[]> => (await clean(swarm)).map((each) => each.verdict);
    t.deepEqual(await verdicts(), ['kept', 'kept']);
    t.deepEqual(await swarm.events('cleanup.refused'), []);
    for (const id of ['working', 'signalled']) await ada.takeOver(id);
    t.deepEqual(await verdicts(), ['removed', 'removed']);
    t.is((await ada.listWork()).length, 1);
  });
});

test('a coordinator that ended too recently is kept, and so is one that came back', async (t) => {
  await withSwarm(server, async (swarm) => {
    for (const id of ['lately', 'back']) await end(swarm, id);
    await swarm.join('back');
    t.deepEqual(await clean(swarm, { endedForMs: 3_600_000 }), []);
    t.deepEqual(
      (await clean(swarm)).map((each) => each.coordinatorId),
      ['lately'],
    );
  });
});

test('after a cleanup no life number is used twice: a removed life stays refused when its id joins again', async (t) => {
  await withSwarm(server, async (swarm) => {
    const zombie = await swarm.join('ada');
    await swarm.call('stop-coordinator', swarm.swarmId, 'ada', zombie.life, 'terminated');
    t.is((await clean(swarm)).length, 1);
    await swarm.join('ada');
    await t.throwsAsync(zombie.changePhase('x'), { message: /^ended/ });
  });
});
