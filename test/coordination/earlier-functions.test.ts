import { test } from '../harness/ava.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import {
  callEarlierFunction,
  canRunEarlierLibrary,
  EARLIER_LIBRARY,
  loadEarlierLibrary,
} from './earlier-library.ts';

const server = await shareRedis();
test.after.always(() => server.stop());
test.before(() => loadEarlierLibrary(server.redis));

test('a client of interface 1 can do every operation, or, if the server cannot run it, is refused before any write', async (t) => {
  const events = `${nextPrefix()}:{0}:events`;
  if (!(await canRunEarlierLibrary(server.redis))) {
    const start = callEarlierFunction(server.redis, 'start-coordinator', [events, 's', 'ada', '', 0, 0]);
    await t.throwsAsync(start, { message: /Wrong number of args/ });
    t.deepEqual(await server.redis.keys(events.replace('events', '*')), []);
    return;
  }
  const called = new Set<string>();
  const callOn = (
    name: string,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> => {
    called.add(`streamfold_1_${name}`);
    return server.redis.fcall(`streamfold_1_${name}`, keys.length, ...keys, ...args);
  };
  const call = (name: string, ...args: (string | number)[]): Promise<unknown> =>
    callOn(name, [events], ['s', ...args]);
  const send = async (id: string): Promise<unknown> =>
    ((await call('send_signal', 'ada', '1', id, 0, 'plan', '', 0, 60_000, '', 'ben', '')) as string[])[0];

  t.regex(String(await callOn('build', [], [])), /^12 /);
  t.deepEqual(await call('start_coordinator', 'ada', '', 60_000, 120_000), ['started', '1', '0-0']);
  t.deepEqual(await call('start_coordinator', 'ben', '', 0, 0), ['started', '1', '0-0']);
  t.is(await call('beat', 'ada', '1', ''), 'beating');
  t.is(await call('change_phase', 'ada', '1', 'reviewing'), 'changed');
  t.is(await send('p'), 'sent');
  t.is(await call('start_wait', 'ada', '1', 'w', 'p', 0, 60_000, 1_000), 'open');
  const inbox = events.replace(/events$/, 'inbox:s|ben');
  const read = ['GROUP', 'life-1', 'reader', 'STREAMS', inbox, '>'];
  const readEntry = async (): Promise<string> =>
    ((await server.redis.call('XREADGROUP', ...read)) as [[string, [[string]]]])[0][1][0][0];
  const ack = ['p', 0, 'k', 'forged', 'ben', await readEntry(), '1'];
  t.is(((await call('acknowledge_signal', 'ben', ...ack)) as string[])[0], 'recorded');
  const [receiver, record = ''] = (await call('read_acks', 'p', 0)) as string[];
  t.is(receiver, 'ben');
  t.is(await call('reject_ack', 'p', 0, 'ben', record, 'bad_signature', ''), 'rejected');
  t.is(((await call('finish_wait', 'w', 'timeout', 'any')) as string[])[1], 'timeout');
  t.is(await send('q'), 'sent');
  t.is(await call('settle_signal', 'ben', await readEntry(), '', '1'), 'settled');
  t.true(Array.isArray(await call('list_settled', 'ben')));
  t.deepEqual(await callOn('read_near_bound', [events], []), [0, '', 0]);
  t.is(((await callOn('step_monitor', [events], [10, 60_000, 0])) as number[])[0], 0);
  t.is(await call('open_work', 'ben', '1', 'job', 'text'), 'opened');
  t.is(((await call('list_work', 'ben', '1')) as string[])[0], 'job');
  t.is(await call('stop_coordinator', 'ben', '1', 'failed'), 'stopped');
  t.deepEqual(await call('take_over', 'ada', '1', 'ben', 'ada', 100), ['moved', 'ada', 1, 0, 0]);
  t.is(await call('finish_work', 'ada', '1', 'job'), 'finished');
  t.deepEqual(await callOn('clean_up', [events], [0, 10, 'dry_run', 0, 1_000, 0]), ['s|ben', 'would_remove']);

  const registered = [...EARLIER_LIBRARY.matchAll(/'(streamfold_1_\w+)'/g)].map(([, name = '']) => name);
  t.deepEqual(
    registered.filter((name) => !called.has(name)),
    [],
    'all functions were called',
  );
});
