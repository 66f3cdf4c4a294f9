import { test } from '../harness/ava.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { readPublished } from '../harness/read-published.ts';
import { runStreamfold, type ProgramRun } from '../harness/run-streamfold.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const GOOD = { type: 'heartbeat.recovered', swarm_id: 's', coordinator_id: 'c' };
const BAD = { type: 'heartbeat.recovered', swarm_id: 's' };

/** A prefix with its own dead letters, and the program run on it. */
function open() {
  const prefix = nextPrefix();
  const dead = `${prefix}:{0}:dead`;
  return {
    prefix,
    /** Writes a dead letter by hand; returns its ID. */
    async write(
      reason: string,
      fields: unknown,
      more: Readonly<Record<string, string>> = {},
    ): Promise<string> {
      const text = typeof fields === 'string' ? fields : JSON.stringify(fields);
      const letter = { entry_id: '5-1', reason, detail: 'why', ...more, fields: text };
      return (await server.redis.xadd(dead, '*', ...Object.entries(letter).flat())) ?? '';
    },
    left: async () => (await server.redis.xrange(dead, '-', '+')).map(([id]) => id),
    events: (shard = 0) => readPublished(server.redis, { prefix, shard }),
    run: (args: readonly string[], url = server.url): Promise<ProgramRun> =>
      runStreamfold(['dead-letters', ...args, '--redis', url, '--prefix', prefix]),
  };
}

/** A user who may run all commands except these. */
async function urlWithout(...commands: string[]): Promise<string> {
  const refused = commands.map((command) => `-${command}`);
  const name = `without-${commands.join('-')}`;
  await server.redis.call('ACL', 'SETUSER', name, 'on', '>pw', '~*', '+@all', ...refused);
  return server.url.replace('//', `//${name}:pw@`);
}

test('list shows each dead letter with its reason, entry and fields', async (t) => {
  const { run, write } = open();
  t.like(await run(['list']), { code: 0, stdout: 'no dead letters\n', stderr: '' });
  const first = await write('missing_field', BAD);
  const second = await write('unknown_type', { type: 'x\u001b[2J' }, { index: '3' });
  t.is(
    (await run(['list'])).stdout,
    `0/${first}  missing_field  entry 5-1\n  why\n  ${JSON.stringify(BAD)}\n` +
      `0/${second}  unknown_type  entry 5-1, event 3\n  why\n  {"type":"x\\u001b[2J"}\n`,
  );
  const filtered = await run(['list', '--reason', 'unknown_type', '--json']);
  t.deepEqual(filtered.stdout.trim().split('\n').map((line) => JSON.parse(line) as unknown), [
    { shard: 0, id: second, entryId: '5-1', index: 3, reason: 'unknown_type', detail: 'why', fields: '{"type":"x\\u001b[2J"}' },
  ]); // prettier-ignore
  t.regex(
    (await run(['list', '--limit', '1'])).stdout,
    /^0\/.*\n.*\n.*\n… and more; --limit shows more than 1\n$/,
  );
});

test('text in a dead letter cannot control the terminal', async (t) => {
  const { run, write } = open();
  await write('bad\u001b[31m', 'raw \u001b]0;title\u0007 \u009b1m', { detail: 'line\nbreak' });
  const { stdout } = await run(['list']);
  t.regex(stdout, /bad\\u001b\[31m .*\n {2}line\\u000abreak\n {2}raw \\u001b\]0;title\\u0007 \\u009b1m\n$/);
});

test('an event in the wrong shard is retried into the right one, and folded there once', async (t) => {
  const { prefix, run, events } = open();
  const swarm = '123456789'; // of shard 1 of 2
  const aggregator = await startAggregator({ redisUrl: server.url, prefix, shards: 2 });
  t.teardown(() => aggregator.stop());
  const fields = { ...GOOD, swarm_id: swarm };
  await server.redis.xadd(`${prefix}:{0}:events`, '*', ...Object.entries(fields).flat());
  await waitUntil('a dead letter', async () => (await server.redis.xlen(`${prefix}:{0}:dead`)) === 1);

  const retried = await run(['retry', '--reason', 'wrong_shard', '--shards', '2']);
  t.like(retried, { code: 0, stderr: '' });
  t.regex(retried.stdout, /^0\/\d+-\d+ appended as entry \d+-\d+ of shard 1\n1 retried, 0 stay\n$/);
  t.deepEqual(await events(1), [fields]);
  await waitUntil('the coordinator to be alive', async () => {
    const text = await (await fetch(`${aggregator.url}/prometheus/metrics`)).text();
    return text.includes(
      `blocking_coordinators_total{swarm_id="${swarm}",phase="unknown",status="active"} 1`,
    );
  });
  t.is(await server.redis.xlen(`${prefix}:{0}:dead`), 0);
  const verify = await runStreamfold(['verify', '--redis', server.url, '--prefix', prefix, '--shards', '2']);
  t.is(verify.code, 0, verify.stdout);
});

test('dead letters that can be folded now are appended and removed; those that still cannot stay with their reason, with exit code 1', async (t) => {
  const { run, write, left, events } = open();
  await write('unknown_type', GOOD);
  const still = await write('missing_field', BAD);
  await write('invalid_field', { ...GOOD, at: 5 }, { index: '7' });
  const unreadable = await write('invalid_field', 'not json');
  const nested = await write('invalid_field', { ...GOOD, note: {} });

  const retried = await run(['retry', '--all']);
  t.is(retried.code, 1);
  t.regex(retried.stdout, /\n2 retried, 3 stay\n$/);
  t.deepEqual(retried.stderr.trim().split('\n'), [
    `0/${still} stays: missing_field: coordinator_id: expected 1 to 128 characters of A-Z a-z 0-9 _ - . : / @; it is missing`,
    `0/${unreadable} stays: invalid_field: fields: expected a JSON object of texts and numbers; got something else`,
    `0/${nested} stays: invalid_field: fields: expected a JSON object of texts and numbers; got something else`,
  ]);
  t.deepEqual(await left(), [still, unreadable, nested]);
  t.deepEqual(await events(), [GOOD, { ...GOOD, at: 5 }]);
});

test('a retry interrupted before the removal does not append the event again when it is repeated', async (t) => {
  const { run, write, left, events } = open();
  const id = await write('unknown_type', GOOD);
  const interrupted = await run(['retry', `0/${id}`], await urlWithout('xdel'));
  t.is(interrupted.code, 1);
  t.regex(interrupted.stderr, /^streamfold: NOPERM [^\n]*\n$/);
  t.deepEqual([await left(), await events()], [[id], [GOOD]]);

  const again = await run(['retry', `0/${id}`, '--json']);
  t.is(again.code, 0);
  t.like(JSON.parse(again.stdout), { id: `0/${id}`, outcome: 'repeated', shard: 0 });
  t.deepEqual([await left(), await events()], [[], [GOOD]]);
});

test('two retries at the same time append each event once', async (t) => {
  const { run, write, left, events } = open();
  for (let number = 0; number < 50; number++) await write('unknown_type', { ...GOOD, id: `e${number}` });
  const runs = await Promise.all([run(['retry', '--all']), run(['retry', '--all'])]);
  t.deepEqual(
    runs.map(({ code }) => code),
    [0, 0],
  );
  t.deepEqual(await left(), []);
  const ids = (await events()).map((event) => String(event['id']));
  t.is(ids.length, 50);
  t.is(new Set(ids).size, 50);
});

test('a retried event keeps its publisher id, and only the requested dead letters are retried', async (t) => {
  const { run, write, left, events } = open();
  const first = await write('unknown_type', { ...GOOD, id: 'e1' });
  const second = await write('unknown_type', { ...GOOD, id: 'e2' });
  t.is((await run(['retry', first])).code, 0);
  t.deepEqual([await left(), await events()], [[second], [{ ...GOOD, id: 'e1' }]]);
});

test('drop removes dead letters by ID, by reason or all of them, and nothing else', async (t) => {
  const { run, write, left, events } = open();
  const ids = [];
  for (const reason of ['missing_field', 'unknown_type', 'unknown_type', 'too_large']) {
    ids.push(await write(reason, BAD));
  }
  const [first = '', , , last] = ids;
  t.deepEqual(await run(['drop', `0/${first}`]), { code: 0, stdout: '1 dropped\n', stderr: '' });
  t.deepEqual(await run(['drop', '--reason', 'unknown_type', '--json']), {
    code: 0,
    stdout: '{"dropped":2}\n',
    stderr: '',
  });
  t.deepEqual(await left(), [last]);
  t.deepEqual(await run(['drop', first]), {
    code: 1,
    stdout: '0 dropped\n',
    stderr: `streamfold: 0/${first}: expected a dead letter; there is none\n`,
  });
  t.deepEqual(await run(['drop']), {
    code: 2,
    stdout: '',
    stderr: 'streamfold: dead-letters drop: expected IDs, --reason or --all; got none of them\n',
  });
  t.deepEqual(await left(), [last]);
  t.like(await run(['drop', '--all']), { code: 0, stdout: '1 dropped\n' });
  t.deepEqual([await left(), await events()], [[], []]);
});
