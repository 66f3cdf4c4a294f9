import { test } from '../harness/ava.ts';
import { nextPrefix, shareRedis, startRedis } from '../harness/start-redis.ts';
import { runStreamfold, type ProgramRun } from '../harness/run-streamfold.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { startStreamfold } from '../harness/start-streamfold.ts';
import { waitForGeneration } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

function runStatus(prefix: string, ...args: string[]): Promise<ProgramRun> {
  return runStreamfold(['status', '--redis', server.url, '--prefix', prefix, ...args]);
}

test('before the first aggregator has run, status says so and changes nothing', async (t) => {
  const prefix = nextPrefix();
  await server.redis.xadd(
    `${prefix}:{0}:events`,
    '*',
    'type',
    'heartbeat.recovered',
    'swarm_id',
    's',
    'coordinator_id',
    'c',
  );
  const keys = await server.redis.keys(`${prefix}:*`);
  const run = await runStatus(prefix);
  t.like(run, { code: 0, stderr: '' });
  t.regex(
    run.stdout,
    new RegExp(`^shard 0\\n  stream +${prefix}:\\{0\\}:events, 1 entry\\n  generation +none yet`),
  );
  t.deepEqual(JSON.parse((await runStatus(prefix, '--json')).stdout), {
    shards: [
      {
        shard: 0,
        stream: `${prefix}:{0}:events`,
        streamEntries: 1,
        deadLetters: 0,
        archived: null,
        archiveStop: null,
        node: null,
        stateLoss: null,
        generation: null,
      },
    ],
    liveGeneration: null,
    otherGenerations: [],
    generations: [],
  });
  t.deepEqual(await server.redis.keys(`${prefix}:*`), keys);
});

test('status shows the folded entries, the others, and the consumers', async (t) => {
  const prefix = nextPrefix();
  const stream = `${prefix}:{0}:events`;
  const add = (...fields: string[]): Promise<string | null> => server.redis.xadd(stream, '*', ...fields);
  await add('type', 'coordinator.started', 'swarm_id', 's', 'coordinator_id', 'a');
  await add('type', 'wait.started', 'swarm_id', 's', 'coordinator_id', 'b', 'wait_id', 'w');
  await add('type', 'heartbeat.stale', 'swarm_id', 's', 'coordinator_id', 'c');
  await add('type', 'nonsense');
  const aggregator = await startAggregator({ redisUrl: server.url, prefix });
  await waitUntil('all to be folded', async () => (await server.redis.xlen(`${prefix}:{0}:dead`)) === 1);
  await aggregator.stop();
  const unfolded = await add('type', 'heartbeat.recovered', 'swarm_id', 's', 'coordinator_id', 'c');
  const [group] = (await server.redis.xinfo('GROUPS', stream)) as string[][];
  await server.redis.xreadgroup('GROUP', group?.[1] ?? '', 'me', 'COUNT', 1, 'STREAMS', stream, '>');

  const { shards } = JSON.parse((await runStatus(prefix, '--json')).stdout) as {
    shards: Record<string, unknown>[];
  };
  t.like(shards[0], {
    streamEntries: 5,
    deadLetters: 1,
    generation: {
      events: 3,
      lostEntries: 0,
      openWaits: 1,
      coordinators: { active: 1, blocked: 1, stale: 1 },
      lag: { lagEntries: 1, pendingEntries: 1, oldestUnfolded: unfolded },
    },
  });
  const { stdout } = await runStatus(prefix);
  for (const line of [
    /^ {2}stream +\S+, 5 entries$/m,
    /^ {2}generation +\S+, group \S+$/m,
    /^ {2}folded +3 events, \d+ series$/m,
    /^ {2}lag +1 entry, of these 1 pending$/m,
    new RegExp(`^  oldest unfolded +${unfolded}, \\d+\\.\\d s old$`, 'm'),
    /^ {2}lost +0 entries$/m,
    /^ {2}dead letters +1$/m,
    /^ {2}coordinators +1 active, 1 blocked, 1 stale$/m,
    /^ {4}me {2}1 pending, seen \d+\.\d s ago$/m,
  ]) {
    t.regex(stdout, line);
  }
});

test('status --json names the unit of each time and says which generation is live', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl: server.url, prefix });
  t.teardown(aggregator.stop);
  const { id } = await waitForGeneration(server.redis, prefix);
  await waitUntil('a consumer to be listed', async () => {
    const { stdout } = await runStatus(prefix, '--json');
    const { liveGeneration, otherGenerations, shards } = JSON.parse(stdout) as {
      liveGeneration: string;
      otherGenerations: unknown[];
      shards: { generation: { consumers: { idleMs: number; idle: number }[] } | null }[];
    };
    const [consumer] = shards[0]?.generation?.consumers ?? [];
    return (
      liveGeneration === id &&
      otherGenerations.length === 0 &&
      consumer !== undefined &&
      consumer.idleMs >= 0 &&
      consumer.idle === consumer.idleMs
    );
  });
  t.pass();
});

test('with several shards the totals are shown last', async (t) => {
  const prefix = nextPrefix();
  for (const shard of [0, 1, 1]) await server.redis.xadd(`${prefix}:{${shard}}:events`, '*', 'type', 'x');
  const { stdout } = await runStatus(prefix, '--shards', '2');
  t.regex(stdout, /^shard 0\n(.*\n)*shard 1\n(.*\n)*all shards\n {2}streams +3 entries\n/);
});

test('a number of shards other than the recorded one is refused with both numbers', async (t) => {
  const prefix = nextPrefix();
  await server.redis.set(`${prefix}:shards`, '2');
  for (const command of [['status'], ['verify'], ['dead-letters', 'list']]) {
    const run = await runStreamfold([...command, '--redis', server.url, '--prefix', prefix]);
    t.like(run, { code: 2, stdout: '' });
    t.regex(run.stderr, /^streamfold: STREAMFOLD_SHARDS \(--shards\): expected 2, [^\n]*; got 1\n$/);
  }
});

test('a wrong or missing password is reported in one line, with exit code 1', async (t) => {
  const locked = await startRedis();
  t.teardown(() => locked.stop());
  await locked.redis.config('SET', 'requirepass', 'hush');
  const runs = [
    [
      '',
      'NOAUTH Authentication required: give a password in the URL, as in redis://user:password@host, or name a file with it in password_file',
    ],
    [
      ':wrong@',
      'WRONGPASS invalid username-password pair or user is disabled: correct the user or the password in the URL, or in the files that it names',
    ],
    [':hush@', ''],
  ] as const;
  await Promise.all(
    runs.map(async ([credentials, why]) => {
      const url = locked.url.replace('//', `//${credentials}`);
      const { code, stderr } = await runStreamfold(['status', '--redis', url]);
      const expected = `streamfold: Redis: expected an answer at ${locked.url}; got ${why}\n`;
      t.is(stderr, why === '' ? '' : expected);
      t.is(code, why === '' ? 0 : 1);
    }),
  );
});

test('a reader that closes the output ends the command without an error', async (t) => {
  const status = startStreamfold(['status', '--redis', server.url, '--prefix', nextPrefix()]);
  status.closeOutput();
  t.like(await status.ended, { code: 0, stderr: '' });
});
