import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saysNoPermission, whenReady } from '@streamfold/redis';
import { test } from '../harness/ava.ts';
import { openConnection } from '../harness/open-connection.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { startRedis } from '../harness/start-redis.ts';
import { printUsers, ROLES, startGuardedRedis, type Role } from '../harness/start-guarded-redis.ts';

const server = await startGuardedRedis();
test.after.always(() => server.stop());

const BASE = 'streamfold:{0}';

/** No role may do this. */
const OF_NOBODY = [
  'FLUSHALL',
  'FLUSHDB',
  'CONFIG GET masterauth',
  'CONFIG SET dir /tmp',
  'KEYS *',
  'SCAN 0',
  'SHUTDOWN',
  'ACL LIST',
  'ACL SETUSER x',
  'MONITOR',
  'DEBUG SLEEP 0',
  'SAVE',
  'REPLICAOF no one',
  'FUNCTION FLUSH',
  'FUNCTION DELETE x',
  'SCRIPT FLUSH',
  'CLIENT KILL TYPE normal',
  'SUBSCRIBE x',
  `DEL ${BASE}:events`,
  `UNLINK ${BASE}:events`,
  `XDEL ${BASE}:events 1-1`,
  `RENAME ${BASE}:events ${BASE}:dead`,
  `SET ${BASE}:events x`,
  'XADD other:{0}:events * type x',
  'GET other',
  'SET streamfold:else x',
];

/** One role may not do what only the others do. */
const OF_OTHERS: Readonly<Record<Role, readonly string[]>> = {
  publisher: [
    `XRANGE ${BASE}:events - +`,
    `XREAD STREAMS ${BASE}:events 0`,
    `XLEN ${BASE}:events`,
    `XTRIM ${BASE}:events MAXLEN 0`,
    `XADD ${BASE}:dead * reason x`,
    `HGETALL streamfold:generations`,
    `HSET ${BASE}:coordinator:s|a state dead`,
    `XRANGE ${BASE}:inbox:s|a - +`,
    'FUNCTION LOAD x',
    `FCALL streamfold_2_beat 1 ${BASE}:events`,
  ],
  coordinator: [
    `XRANGE ${BASE}:events - +`,
    `XTRIM ${BASE}:events MAXLEN 0`,
    `XADD ${BASE}:dead * reason x`,
    `HSET streamfold:generations live x`,
    `HSET ${BASE}:g:1:head position x`,
    `UNLINK ${BASE}:coordinator:s|a`,
    `SET ${BASE}:lives 0`,
    `SET ${BASE}:publisher:x 1`,
    'FUNCTION LOAD x',
    'EVAL script 0',
  ],
  aggregator: [
    `XDEL ${BASE}:dead 1-1`,
    `XRANGE ${BASE}:inbox:s|a - +`,
    `XREADGROUP GROUP g c STREAMS ${BASE}:inbox:s|a >`,
    `SET ${BASE}:publisher:x 1`,
    `DEL ${BASE}:archived`,
    `HDEL ${BASE}:work:s|a job`,
  ],
  operator: [
    `XRANGE ${BASE}:inbox:s|a - +`,
    `SET ${BASE}:publisher:x 1`,
    `DEL ${BASE}:archived`,
    `HSET ${BASE}:coordinator:s|a state dead`,
    `HDEL ${BASE}:work:s|a job`,
  ],
};

for (const role of ROLES) {
  test(`the ${role} of doctor --acl is refused what it need not do`, async (t) => {
    for (const command of [...OF_NOBODY, ...OF_OTHERS[role]]) {
      const words = command.split(' ');
      const reply = await server.redis.call('ACL', 'DRYRUN', `streamfold-${role}`, ...words);
      t.regex(String(reply), /has no permissions/, command);
    }
  });
}

test('what a role is refused, it is refused inside a script, too', async (t) => {
  const redis = openConnection(t, server.urlOf('publisher'));
  await whenReady(redis, 10_000);
  for (const command of ['FLUSHALL', `XRANGE ${BASE}:events - +`, `DEL ${BASE}:events`]) {
    const words = command.split(' ').map((word) => `'${word}'`);
    const script = `return redis.call(${words.join(', ')})`;
    const error = await t.throwsAsync(redis.eval(script, 1, `${BASE}:events`));
    t.true(saysNoPermission(error.message), error.message);
  }
});

/** The permissions that every batch needs. */
// prettier-ignore
const OF_PUBLISHING = ['+eval', '+get', '+set', '+xadd', '+zadd', '+zmscore', '+zrangebyscore', '+zrem'];

test('without any one of its permissions a publisher appends nothing, and names what is missing', async (t) => {
  const line = (await printUsers()).find((each) => each.includes('-publisher')) ?? '';
  const url = server.urlOf('publisher').replace('streamfold-publisher', 'less');
  for (const [at, permission] of OF_PUBLISHING.entries()) {
    const words = line.replace('streamfold-publisher', 'less').split(' ');
    const less = words
      .map((word) => (word === `(${permission}` ? '(' : word))
      .filter((word) => word !== permission);
    await server.redis.call('ACL', ...less.slice(1).join(' ').replaceAll('( ', '(').split(' '));
    await server.redis.script('FLUSH');
    const event = ['heartbeat.recovered', 'swarm_id=s', 'coordinator_id=c', `id=${at}`];
    const { code, stderr } = await runStreamfold(['publish', ...event, '--redis', url]);
    t.is(code, 1, permission);
    t.true(saysNoPermission(stderr), `${permission}: ${stderr}`);
    t.is(await server.redis.xlen(`${BASE}:events`), 0, permission);
  }
  const { code } = await runStreamfold([
    'publish', 'heartbeat.recovered', 'swarm_id=s', 'coordinator_id=c', 'id=x', '--redis', server.urlOf('publisher'),
  ]); // prettier-ignore
  t.is(code, 0);
});

test('the lines also work in a file of users, for every prefix', async (t) => {
  const prefix = 'odd*[prefix]';
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-users-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const lines = (await printUsers(prefix)).map((line) => line.replace(/^ACL SETUSER/, 'user'));
  const file = join(directory, 'users.acl');
  await writeFile(file, `${lines.join('\n')}\nuser default on nopass ~* &* +@all\n`);
  const restarted = await startRedis({ extraArgs: ['--aclfile', file] });
  t.teardown(() => restarted.stop());
  const event = ['heartbeat.recovered', 'swarm_id=s', 'coordinator_id=c'];
  const url = `redis://:least@127.0.0.1:${restarted.port}?username_file=${join(directory, 'user')}`;
  await writeFile(join(directory, 'user'), `${prefix}-publisher`);
  t.like(await runStreamfold(['publish', ...event, '--redis', url, '--prefix', prefix]), {
    code: 0,
    stderr: '',
  });
  const other = await runStreamfold(['publish', ...event, '--redis', url, '--prefix', 'oddxxp']);
  t.is(other.code, 1, 'a character of a pattern is taken for itself');
});
