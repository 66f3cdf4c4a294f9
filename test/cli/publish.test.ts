import { test } from '../harness/ava.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { readPublished } from '../harness/read-published.ts';
import { runStreamfold, type ProgramRun } from '../harness/run-streamfold.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const SENT = ['signal.sent', 'swarm_id=s1', 'sender_id=a', 'receiver_id=b', 'signal_type=handoff'];
const SENT_FIELDS = {
  type: 'signal.sent',
  swarm_id: 's1',
  sender_id: 'a',
  receiver_id: 'b',
  signal_type: 'handoff',
};

/** A new key prefix, and the program run on it. */
function open() {
  const prefix = nextPrefix();
  return {
    prefix,
    entries: () => server.redis.xrange(`${prefix}:{0}:events`, '-', '+'),
    events: () => readPublished(server.redis, { prefix }),
    publish: (args: readonly string[], input = ''): Promise<ProgramRun> =>
      runStreamfold(['publish', ...args, '--redis', server.url, '--prefix', prefix], { input }),
  };
}

test('an event is appended flat, and its entry ID is printed', async (t) => {
  const { publish, entries } = open();
  const run = await publish(SENT);
  const [[id, fields] = ['', []]] = await entries();
  t.deepEqual(run, { code: 0, stdout: `${id}\n`, stderr: '' });
  t.deepEqual(fields, Object.entries(SENT_FIELDS).flat());
});

test('events from standard input are appended in order, even without a newline at the end', async (t) => {
  const { publish, events, entries } = open();
  const lines = [1, 2, 3].map((number) => JSON.stringify({ ...SENT_FIELDS, signal_id: `n${number}` }));
  const run = await publish(['--stdin'], `\uFEFF${lines.join('\r\n\r\n')}`);
  t.like(run, { code: 0, stderr: '' });
  t.deepEqual(
    run.stdout.trim().split('\n'),
    (await entries()).map(([id]) => id),
  );
  t.deepEqual(
    (await events()).map((event) => event['signal_id']),
    ['n1', 'n2', 'n3'],
  );
});

test('--wait-replicas ends with 1 if the replicas do not have the events in time; the IDs are printed', async (t) => {
  const { publish, entries } = open();
  const run = await publish([...SENT, '--wait-replicas', '1', '--wait-ms', '10']);
  const [[id] = ['']] = await entries();
  t.deepEqual(run, {
    code: 1,
    stdout: `${id}\n`,
    stderr:
      'streamfold: not confirmed: 1 of the events appended, but not as durable as was asked for: after 10 ms 0 of 1 replicas had them\n',
  });
  const json = await publish([...SENT, '--wait-replicas', '1', '--wait-ms', '10', '--json']);
  t.deepEqual(JSON.parse(json.stdout), { entryIds: [(await entries()).at(-1)?.[0]], unconfirmed: 1 });
});

test('--json prints entry IDs and the number of duplicates', async (t) => {
  const { publish, entries } = open();
  const run = await publish([...SENT, 'id=e1', '--json']);
  t.deepEqual(JSON.parse(run.stdout), { entryIds: (await entries()).map(([id]) => id), duplicates: 0 });
  const again = await publish([...SENT, 'id=e1', '--json']);
  t.is(again.code, 0);
  t.deepEqual(JSON.parse(again.stdout), { entryIds: [], duplicates: 1 });
  t.is((await entries()).length, 1);
});

const INVALID: readonly (readonly [args: string, stderr: RegExp])[] = [
  ['signal.snt swarm_id=s1', /^streamfold: unknown_type: type: expected a known type; got "signal.snt": did you mean signal.sent\?$/],
  ['frobnicate', /^streamfold: unknown_type: .*; got "frobnicate"; known are coordinator.started, .*cleanup\.refused$/],
  ['timeout swarm_id=s1 coordinator_id=c', /^streamfold: missing_field: timeout_type: expected one of blocking, signal_ack, heartbeat; it is missing$/],
  ['timeout swarm_id=s1 coordinator_id=c timout_type=blocking', /^streamfold: missing_field: timeout_type: .*; got timout_type, which is another field$/],
  ['timeout swarm_id=s1 coordinator_id=c timeout_type=lunch', /^streamfold: invalid_field: timeout_type: expected one of .*; got "lunch"$/],
  ['timeout swarm_id=s1 coordinator_id=c timeout_type=blocking v=9', /^streamfold: unsupported_version: v: expected 1; got "9"$/],
  ['timeout swarm_id=s1 coordinator_id=a" timeout_type=blocking', /^streamfold: invalid_field: coordinator_id: expected 1 to 128 characters of .*; got "a\\""$/],
  ['timeout swarm_id', /^streamfold: arguments: expected field=value; got "swarm_id"$/],
  ['timeout =s1', /^streamfold: arguments: expected field=value; got "=s1"$/],
  ['timeout swarm_id=s1 swarm_id=s2', /^streamfold: swarm_id: expected once; got it twice: "swarm_id=s2"$/],
  ['timeout type=signal.sent', /^streamfold: type: expected once; got it twice: "type=signal.sent"$/],
  ['timeout --stdin', /^streamfold: arguments: expected none with --stdin; got "timeout"$/],
]; // prettier-ignore

test('an invalid event is refused with exit code 2 and the reason, without asking Redis', async (t) => {
  await Promise.all(
    INVALID.map(async ([args, stderr]) => {
      const run = await runStreamfold(['publish', ...args.split(' '), '--redis', 'redis://127.0.0.1:1']);
      t.regex(run.stderr.replace(/\n$/, ''), stderr);
      t.like(run, { code: 2, stdout: '' });
    }),
  );
});

const GOOD = JSON.stringify(SENT_FIELDS);
const BAD_INPUT: readonly (readonly [input: string, stderr: RegExp])[] = [
  ['', /^streamfold: standard input: expected at least one event; got none$/],
  [`${GOOD}\n\nnot json`, /^streamfold: line 3: expected a JSON object; got "not json"$/],
  [`${GOOD}\n[1]\n${GOOD}`, /^streamfold: line 2: expected a JSON object; got "\[1\]"$/],
  [
    `${GOOD}\n{"type":"timeout"}\n${GOOD}`,
    /^streamfold: line 2: missing_field: swarm_id: .*; it is missing$/,
  ],
  [
    `${GOOD}\n${GOOD.replace('"a"', '["a"]')}`,
    /^streamfold: line 2: invalid_field: sender_id: .*; got an array$/,
  ],
];

test('if one line of standard input is invalid, nothing is appended', async (t) => {
  const { publish, entries } = open();
  await Promise.all(
    BAD_INPUT.map(async ([input, stderr]) => {
      const run = await publish(['--stdin'], input);
      t.regex(run.stderr.replace(/\n$/, ''), stderr);
      t.like(run, { code: 2, stdout: '' });
    }),
  );
  t.deepEqual(await entries(), []);
});

test('a number of shards other than the recorded one is refused with both numbers, and nothing is appended', async (t) => {
  const { publish, prefix, entries } = open();
  await server.redis.set(`${prefix}:shards`, '3');
  const run = await publish(SENT);
  t.like(run, { code: 2, stdout: '' });
  t.regex(run.stderr, /^streamfold: STREAMFOLD_SHARDS \(--shards\): expected 3, [^\n]*; got 1\n$/);
  t.deepEqual(await entries(), []);
});

test('an event goes to the shard of its swarm', async (t) => {
  const { publish, prefix } = open();
  t.is(
    (await publish(['heartbeat.recovered', 'swarm_id=123456789', 'coordinator_id=c', '--shards', '3'])).code,
    0,
  );
  t.is(await server.redis.xlen(`${prefix}:{${0x31c3 % 3}}:events`), 1);
});

test('a missing permission in Redis is reported in one line, with exit code 1', async (t) => {
  const { prefix } = open();
  await server.redis.call('ACL', 'SETUSER', 'reader', 'on', '>pw', '~*', '+@all', '-xadd');
  const url = server.url.replace('//', '//reader:pw@');
  const run = await runStreamfold(['publish', ...SENT, '--redis', url, '--prefix', prefix]);
  t.like(run, { code: 1, stdout: '' });
  t.regex(
    run.stderr,
    /^streamfold: not published: [^\n]*\(streamfold doctor shows which permissions are missing\)\n$/,
  );
});
