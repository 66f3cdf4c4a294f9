import { test } from '../harness/ava.ts';
import { readFile } from 'node:fs/promises';
import { ensureLibrary, LIBRARY } from '@streamfold/coordination';
import { shareRedis, startRedis } from '../harness/start-redis.ts';
import { takeSignals, withSwarm } from '../harness/start-swarm.ts';

const server = await shareRedis();
test.after.always(() => server.stop());
test.before(() => ensureLibrary(server.redis));

/** Calls a function as a client in any language can: it starts with the stream of events, and adds the keys asked for. */
async function callRaw(name: string, events: string, ...args: (string | number)[]): Promise<unknown> {
  const keys = [events];
  for (;;) {
    try {
      return await server.redis.call('FCALL', `streamfold_2_${name}`, keys.length, ...keys, ...args);
    } catch (error) {
      const [, names] = /^UNDECLARED (.*)$/.exec((error as Error).message) ?? [];
      if (names === undefined) throw error;
      keys.push(...names.split(' ').map((key) => events.replace(/events$/, key)));
    }
  }
}

test('a client in any language can do every operation with FCALL alone', async (t) => {
  const events = 'raw:{0}:events';
  const call = (name: string, ...args: (string | number)[]): Promise<unknown> =>
    callRaw(name, events, 's', ...args);
  t.deepEqual(await call('start_coordinator', 'ada', 'planning', 60_000, 120_000), ['started', '1', '0-0']);
  t.deepEqual(await call('start_coordinator', 'ben', '', 0, 0), ['started', '1', '0-0']);
  t.is(await call('beat', 'ada', '1', ''), 'beating');
  t.is(await call('change_phase', 'ada', '1', 'planning'), 'same');
  t.is(await call('change_phase', 'ada', '1', 'reviewing'), 'changed');
  t.is(
    ((await call('send_signal', 'ada', '1', 'p', 0, 'plan', '', 0, 60_000, '', 'ben', '')) as string[])[0],
    'sent',
  );
  t.is(await call('start_wait', 'ada', '1', 'w', 'p', 0, 60_000, 1_000), 'open');
  t.deepEqual(await call('finish_wait', 'w', 'if_complete', 'any'), ['open']);
  const read = (await server.redis.call(
    ...(['XREADGROUP', 'GROUP', 'life-1', 'reader', 'STREAMS', 'raw:{0}:inbox:s|ben', '>'] as const),
  )) as [[string, [[string, string[]]]]];
  const [entryId] = read[0][1][0];
  t.is(
    ((await call('acknowledge_signal', 'ben', 'p', 0, '', '', 'ben', entryId, '1')) as string[])[0],
    'recorded',
  );
  t.is(((await call('read_acks', 'p', 0)) as string[])[0], 'ben');
  const finished = (await call('finish_wait', 'w', 'if_complete', 'any')) as string[];
  t.deepEqual([finished[0], finished[1], finished[3], finished[4]], ['finished', 'completed', 'ben', '']);
  t.is(await call('settle_signal', 'ben', entryId, '', '1'), 'gone');
  t.is(await call('open_work', 'ben', '1', 'job', 'text'), 'opened');
  t.is(((await call('list_work', 'ben', '1')) as string[])[0], 'job');
  t.is(await call('stop_coordinator', 'ben', '1', 'failed'), 'stopped');
  t.deepEqual(await call('take_over', 'ada', '1', 'ben', 'ada', 100), ['moved', 'ada', 1, 0, 0]);
  t.is(await call('finish_work', 'ada', '1', 'job'), 'finished');
  const types = (await server.redis.xrange(events, '-', '+')).map(([, [, type]]) => type);
  t.deepEqual(types, [
    'coordinator.started',
    'coordinator.started',
    'coordinator.phase_changed',
    'signal.sent',
    'wait.started',
    'signal.acked',
    'wait.finished',
    'coordinator.stopped',
  ]);
});

test('the commands of the documentation can be typed as shown, one after the other', async (t) => {
  const page = await readFile('docs/coordination.md', 'utf8');
  const commands = page.split('\n').filter((line) => line.startsWith('redis-cli FCALL '));
  const replies: unknown[] = [];
  for (const command of commands) {
    const words = command.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", '')) ?? [];
    replies.push(await server.redis.call('FCALL', ...words.slice(2)));
  }
  t.deepEqual(replies, [['started', '1.40812739560127734182', '0-0'], 'beating']);
});

test('the record of a signal has the fields that the prelude names', async (t) => {
  await withSwarm(server, async (swarm) => {
    const keys = [{ id: 'k1', secret: 'a-secret-of-enough-characters' }];
    await (await swarm.join('ada', { keys })).sendSignal(['ben'], 'plan', { id: 'p' });
    const fields = await server.redis.hkeys(swarm.key(`signal:${swarm.swarmId}|p|0`));
    const [, named = ''] = /signal:<swarm>\|<signal>\|<iteration> +hash: (.*)/.exec(LIBRARY) ?? [];
    t.deepEqual(named.split(', ').toSorted(), fields.toSorted());
  });
});

test('bad arguments give an error that says what was expected, and write nothing', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    await ada.sendSignal(['ben'], 'plan', { id: 'p' });
    await takeSignals(ben, 1);
    await swarm.call('start-wait', swarm.swarmId, 'ada', ada.life, 'w', 'p', 0, 60_000, 0);
    const good: Record<string, (string | number)[]> = {
      start_coordinator: ['new', 'phase', 10, 20],
      beat: ['ada', ada.life, 'phase'],
      change_phase: ['ada', ada.life, 'phase'],
      stop_coordinator: ['ada', ada.life, 'failed'],
      send_signal: ['ada', ada.life, 'q', 0, 'plan', 'text', 1, 1_000, '', 'ben', ''],
      acknowledge_signal: ['ben', 'p', 0, '', '', 'ben', '1-1', ben.life],
      settle_signal: ['ben', '1-1', 'unsigned', ben.life],
      reject_ack: ['p', 0, 'ben', 'record', 'unsigned', ''],
      read_acks: ['p', 0],
      start_wait: ['ada', ada.life, 'w2', 'p', 0, 100, 100],
      finish_wait: ['w', 'error', 'any'],
      open_work: ['ada', ada.life, 'job', 'text'],
      finish_work: ['ada', ada.life, 'job'],
      list_work: ['ada', ada.life],
      take_over: ['ada', ada.life, 'nobody', 'ada', 10],
    };
    const bad = [
      '',
      ' ',
      'a b',
      'x|y',
      '-',
      '-1',
      '1.5',
      '1e3',
      '0x10',
      'nan',
      'inf',
      '9'.repeat(17),
      '9'.repeat(400),
    ];
    // These may hold any text, including the bad values.
    const free: Record<string, number[]> = {
      start_coordinator: [1],
      beat: [1, 2],
      change_phase: [1],
      stop_coordinator: [1],
      send_signal: [1, 5, 8, 10],
      acknowledge_signal: [3, 4, 6, 7],
      settle_signal: [3],
      reject_ack: [3, 5],
      start_wait: [1],
      open_work: [1, 3],
      finish_work: [1],
      list_work: [1],
      take_over: [1, 3],
    };
    const ids = /^[\w\-.:/@]+$/;
    const dump = async (): Promise<string[]> => {
      const keys = (await server.redis.keys(`${swarm.prefix}:*`)).toSorted();
      return Promise.all(
        keys.map(async (key) => `${key} ${(await server.redis.dumpBuffer(key)).toString('hex')}`),
      );
    };
    const before = await dump();
    let refused = 0;
    const call = async (
      name: string,
      args: readonly (string | number)[],
      keys: readonly string[],
    ): Promise<void> => {
      const what = `${name} ${args.join(' ').slice(0, 80)}`;
      const reply = await server.redis
        .call('FCALL', `streamfold_2_${name}`, keys.length, ...keys, ...args)
        .catch((error: unknown) => error);
      t.true(reply instanceof Error && reply.message.startsWith('STREAMFOLD '), `${what}: ${String(reply)}`);
      refused++;
    };
    const events = [swarm.key('events')];
    for (const [name, args] of Object.entries(good)) {
      await call(name, [swarm.swarmId, ...args], []);
      await call(name, [swarm.swarmId, ...args], ['some:key']);
      await call(name, [swarm.swarmId, ...args], [...events, 'other']);
      await call(name, [], events);
      await call(name, ['s|w', ...args], events);
      for (const [at, arg] of args.entries()) {
        if (free[name]?.includes(at)) continue;
        for (const value of bad) {
          if (
            typeof arg === 'string' &&
            ids.test(value) &&
            (value.length <= 64 || name === 'finish_work') &&
            !isWord(name, at)
          )
            continue;
          if (name === 'settle_signal' && at === 2 && value === '') continue; // settled only
          await call(name, [swarm.swarmId, ...args.with(at, value)], events);
        }
      }
    }
    t.true(refused > 300, String(refused));
    t.deepEqual(await dump(), before);
  });
});

/** Arguments that are one of a few words, or an entry ID. */
function isWord(name: string, at: number): boolean {
  const words: Record<string, number[]> = {
    stop_coordinator: [2],
    settle_signal: [1, 2],
    reject_ack: [4],
    finish_wait: [1, 2],
  };
  return words[name]?.includes(at) ?? false;
}

test('missing arguments give an error, and write nothing', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    await ada.sendSignal(['ada'], 'plan', { id: 'p' });
    const whole: Record<string, (string | number)[]> = {
      start_coordinator: ['new', '', 0, 0],
      beat: ['ada', ada.life, ''],
      send_signal: ['ada', ada.life, 'q', 0, 'plan', '', 0, 1_000, '', 'ben', ''],
      acknowledge_signal: ['ada', 'p', 0, '', '', 'ada', '', ada.life],
      settle_signal: ['ada', '1-1', ''],
      start_wait: ['ada', ada.life, 'w', 'p', 0, 100, 100],
      open_work: ['ada', ada.life, 'job', 'text'],
      take_over: ['ada', ada.life, 'nobody', 'ada', 10],
    };
    const events = await swarm.events();
    for (const [name, args] of Object.entries(whole)) {
      for (let kept = 0; kept < args.length; kept++) {
        const some = args.slice(0, kept);
        const reply = await callRaw(name, swarm.key('events'), swarm.swarmId, ...some).catch(
          (error: unknown) => error,
        );
        const isRefused = reply instanceof Error && reply.message.startsWith('STREAMFOLD ');
        t.true(isRefused || String(reply) === 'ended', `${name} with ${kept}: ${String(reply)}`);
      }
    }
    t.deepEqual(await swarm.events(), events);
  });
});

test('loading the library again changes nothing, even if many load it at once', async (t) => {
  const before = await server.redis.call('FUNCTION', 'LIST', 'LIBRARYNAME', 'streamfold_coordination_2');
  await Promise.all(Array.from({ length: 5 }, () => ensureLibrary(server.redis)));
  t.deepEqual(
    await server.redis.call('FUNCTION', 'LIST', 'LIBRARYNAME', 'streamfold_coordination_2'),
    before,
  );
});

test('two versions live side by side: the functions of the next one replace none', async (t) => {
  await withSwarm(server, async (swarm) => {
    const next = LIBRARY.replaceAll('streamfold_coordination_2', 'streamfold_coordination_3').replaceAll(
      /'streamfold_2_/g,
      "'streamfold_3_",
    );
    await server.redis.call('FUNCTION', 'LOAD', 'REPLACE', next);
    const ada = await swarm.join('ada');
    const args = [swarm.swarmId, 'ada', ada.life, ''] as const;
    const names = ['events', `coordinator:${swarm.swarmId}|ada`, 'heartbeats'];
    const declared = names.map((name) => swarm.key(name));
    for (const version of [2, 3]) {
      const reply = await server.redis.call(
        'FCALL',
        `streamfold_${version}_beat`,
        declared.length,
        ...declared,
        ...args,
      );
      t.is(reply, 'beating');
    }
    await server.redis.call('FUNCTION', 'DELETE', 'streamfold_coordination_3');
    await ada.changePhase('still-there');
  });
});

test('programs keep running after FUNCTION FLUSH: the first one to miss the library loads it again', async (t) => {
  const own = await startRedis();
  try {
    await withSwarm(own, async (swarm) => {
      const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
      await own.redis.call('FUNCTION', 'FLUSH');
      await Promise.all([ada.changePhase('x'), ben.changePhase('y'), ada.sendSignal(['ben'], 'plan')]);
      t.is((await takeSignals(ben, 1)).length, 1);
      await own.redis.call('FUNCTION', 'FLUSH');
      t.like(await swarm.step(), { stale: 0 });
      await own.redis.flushall();
      await own.redis.call('FUNCTION', 'FLUSH');
      await t.throwsAsync(ada.changePhase('z'), { message: /^ended/ }, 'its life is gone with the data');
      await (await swarm.join('ada')).changePhase('z');
      t.is((await swarm.events()).length, 2);
    });
  } finally {
    await own.stop();
  }
});
