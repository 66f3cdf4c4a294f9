import { test, type ExecutionContext } from '../harness/ava.ts';
import { callFunction, type FunctionName } from '@streamfold/coordination';
import { connectRedis, whenReady } from '@streamfold/redis';
import { shareRedis } from '../harness/start-redis.ts';
import { withSwarm, type TestSwarm } from '../harness/start-swarm.ts';

const server = await shareRedis();
test.after.always(() => server.stop());
const { redis } = server;

const LIFE = '1';

/** Calls that change state and append an event, in a swarm in which each of them has something to do. */
const CALLS: readonly (readonly [FunctionName, ...(string | number)[]])[] = [
  ['start-coordinator', 'new', '', 0, 0, '1'.repeat(20)],
  ['start-coordinator', 'ada', 'phase', 1_000, 2_000],
  ['beat', 'stale', LIFE, 'next'],
  ['change-phase', 'ada', LIFE, 'next'],
  ['stop-coordinator', 'ada', LIFE, 'failed'],
  ['start-wait', 'ada', LIFE, 'w2', 'p', 0, 60_000, 1_000],
  ['finish-wait', 'w', 'error', 'any'],
  ['send-signal', 'ada', LIFE, 'q', 0, 'plan', '', 9_000, 60_000, '', `${'n'.repeat(22)}||`, 'ben', '', ''],
  ['send-signal', 'ada', LIFE, 'q', 0, 'plan', '', 9_000, 60_000, '', 'ben', ''],
  ['acknowledge-signal', 'ben', 'p', 0, '', '', 'ada', '1-1', LIFE],
  ['settle-signal', 'ada', '1-1', 'unsigned', LIFE],
  ['reject-ack', 'p', 0, 'cyd', '1 k s', 'unsigned', ''],
];

async function setUp({ swarmId, key, ...swarm }: TestSwarm): Promise<void> {
  await swarm.step();
  for (const id of ['ada', 'stale', 'dying', 'ended']) {
    await swarm.call('start-coordinator', swarmId, id, 'phase', 3_600_000, 7_200_000);
  }
  await swarm.call('send-signal', swarmId, 'ada', LIFE, 'p', 0, 'plan', '', 60_000, 60_000, '', 'ben', '');
  await swarm.call('start-wait', swarmId, 'ada', LIFE, 'w', 'p', 0, 60_000, 0);
  await redis.zadd(key('heartbeats'), 1, `${swarmId}|stale`, 1, `${swarmId}|dying`);
  await redis.xadd(key(`inbox:${swarmId}|ada`), '1-1', 'signal_id', 'p');
  await redis.hset(key(`acks:${swarmId}|p|0`), 'cyd', '1 k s');
  await swarm.step();
  await swarm.call('stop-coordinator', swarmId, 'ended', LIFE, 'completed');
  await redis.zadd(key('heartbeats'), 1, `${swarmId}|dying`);
  await redis.zadd(key('deadlines'), 1, `w|${swarmId}|w`);
}

async function dump({ prefix }: TestSwarm): Promise<string[]> {
  const keys = (await redis.keys(`${prefix}:*`)).toSorted();
  return Promise.all(keys.map(async (key) => `${key} ${await dumpKey(key)}`));
}

/** The entries of an inbox: a removed entry leaves its ID as the last one of the stream. */
async function dumpKey(key: string): Promise<string> {
  return key.includes(':inbox:') && (await redis.type(key)) === 'stream'
    ? JSON.stringify(await redis.xrange(key, '-', '+'))
    : (await redis.dumpBuffer(key)).toString('hex');
}

/** Each call is refused with that error, and no key changes. */
async function refuseAll(
  t: ExecutionContext,
  swarm: TestSwarm,
  { url, message }: { readonly url: string; readonly message: RegExp },
): Promise<void> {
  const connection = connectRedis(url, { name: 'half-steps', commandTimeoutMs: 5_000 });
  try {
    void connection.connect();
    await whenReady(connection, 5_000);
    const before = await dump(swarm);
    const events = swarm.key('events');
    const calls = [
      ...CALLS.map(([name, ...args]) => [name, swarm.swarmId, ...args] as const),
      ['step-monitor', 100, 60_000, 0] as const,
      ['clean-up', 0, 100, 'remove', 1, 60_000, 0] as const,
    ];
    for (const [name, ...args] of calls) {
      await t.throwsAsync(callFunction(connection, name, [events, ...args]), { message }, name);
      t.deepEqual(await dump(swarm), before, `${name} ${args.join(' ')}`);
    }
  } finally {
    connection.disconnect();
  }
}

test('a call whose event may not be appended is refused and changes nothing: no death, stop or wait without its event', async (t) => {
  await withSwarm(server, async (swarm) => {
    await setUp(swarm);
    await redis.call('ACL', 'SETUSER', 'silent', 'on', '>secret', '~*', '&*', '+@all', '-xadd');
    await refuseAll(t, swarm, {
      url: `redis://silent:secret@127.0.0.1:${server.port}`,
      message: /^NOPERM.* XADD/,
    });
  });
});

test('a call is refused and changes nothing if the event stream has no entry ID left', async (t) => {
  await withSwarm(server, async (swarm) => {
    await setUp(swarm);
    const lastId = '18446744073709551615-18446744073709551615';
    await redis.xadd(swarm.key('events'), lastId, 'type', 'any', 'swarm_id', 's');
    await refuseAll(t, swarm, { url: server.url, message: /exhausted the last possible ID/ });
  });
});

test('a call is refused and changes nothing if a key that it writes has another type', async (t) => {
  await withSwarm(server, async (swarm) => {
    await setUp(swarm);
    const { swarmId, key } = swarm;
    const wrong: Record<string, (typeof CALLS)[number][]> = {
      heartbeats: CALLS.filter(([name]) => /^(start-coordinator|beat|stop)/.test(name)),
      ended: CALLS.filter(([name]) => /^(start-coordinator|stop)/.test(name)),
      deadlines: CALLS.filter(([name]) => name.endsWith('-wait')),
      [`waits:${swarmId}|ada`]: CALLS.filter(([name]) => name.endsWith('-wait')),
      [`inbox:${swarmId}|ben`]: CALLS.filter(([name]) => name === 'send-signal'),
      [`inbox:${swarmId}|ada`]: CALLS.filter(([name]) => /^(acknowledge|settle)/.test(name)),
      [`acks:${swarmId}|p|0`]: CALLS.filter(([name]) => /^(acknowledge|reject)/.test(name)),
    };
    for (const [name, calls] of Object.entries(wrong)) {
      await redis.rename(key(name), key('kept'));
      await redis.set(key(name), 'text');
      const before = await dump(swarm);
      for (const [call, ...args] of calls) {
        const message = new RegExp(`^WRONGTYPE ${swarm.prefix}.*${name.slice(0, 5)}`);
        await t.throwsAsync(swarm.call(call, swarmId, ...args), { message }, `${name} ${call}`);
        t.deepEqual(await dump(swarm), before, `${name} ${call}`);
      }
      await redis.rename(key('kept'), key(name));
    }
  });
});

test('a signal to two receivers is refused and delivered to neither, if the user may append to one inbox only', async (t) => {
  await withSwarm(server, async (swarm) => {
    await setUp(swarm);
    const { swarmId, key } = swarm;
    const [ben, cyd] = [key(`inbox:${swarmId}|ben`), key(`inbox:${swarmId}|cyd`)];
    const all = [...new Set((await redis.keys(`${swarm.prefix}:*`)).filter((name) => name !== ben))];
    const patterns = [...all, ben, key(`*:${swarmId}|q|0`), key('deadlines'), key(`coordinator:*`)];
    const owned = ['+@all', ...patterns.map((name) => `~${name}`)];
    const users: Record<string, readonly string[]> = {
      patterns: [...owned, `%R~${cyd}`],
      // The user may do everything to the other inbox except append, which only the append itself reveals.
      selectors: [`(${owned.join(' ')})`, '(+@all -xadd ~*)'],
    };
    for (const [name, rules] of Object.entries(users)) {
      await redis.call('ACL', 'SETUSER', name, 'reset', 'on', '>secret', '&*', ...rules);
      const url = `redis://${name}:secret@127.0.0.1:${server.port}`;
      const connection = connectRedis(url, { name: 'half-steps', commandTimeoutMs: 5_000 });
      try {
        void connection.connect();
        await whenReady(connection, 5_000);
        const send = (id: string, ...receivers: string[]): Promise<unknown> => {
          const args = [
            swarmId,
            'ada',
            LIFE,
            id,
            0,
            'plan',
            '',
            0,
            60_000,
            '',
            `${'n'.repeat(22)}||`,
          ] as const;
          const addressed = receivers.flatMap((receiver) => [receiver, '', '']);
          return callFunction(connection, 'send-signal', [key('events'), ...args, ...addressed]);
        };
        const before = await dump(swarm);
        await t.throwsAsync(
          send('q', 'ben', 'cyd'),
          { message: /^(NOPERM|ERR The user executing the script can't|ERR ACL failure in script)/ },
          name,
        );
        t.deepEqual(await dump(swarm), before, name);
        t.is(((await send('q', 'ben')) as string[])[0], 'sent', name);
        await redis.del(key(`signal:${swarmId}|q|0`));
      } finally {
        connection.disconnect();
      }
    }
  });
});
