import { test } from '../harness/ava.ts';
import { startRedis, type TestRedis } from '../harness/start-redis.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await startRedis({ appendonly: true });
test.after.always(() => server.stop());

interface Finding {
  readonly verdict: string;
  readonly what: string;
  readonly text: string;
}

/** Findings by subject, and the exit code. */
async function diagnose(
  url: string,
  ...args: string[]
): Promise<{ code: number | null; found: Record<string, string> }> {
  const { code, stdout, stderr } = await runStreamfold(['doctor', '--json', '--redis', url, ...args]);
  if (stdout === '') return { code, found: { error: stderr } };
  const { healthy, findings } = JSON.parse(stdout) as { healthy: boolean; findings: Finding[] };
  const found = Object.fromEntries(findings.map(({ verdict, what, text }) => [what, `${verdict}: ${text}`]));
  return { code, found: { ...found, healthy: String(healthy) } };
}

async function addUser(redis: TestRedis['redis'], name: string, ...rules: string[]): Promise<string> {
  await redis.call('ACL', 'SETUSER', name, 'on', '>pw', ...rules);
  return server.url.replace('//', `//${name}:pw@`);
}

test('a Redis that keeps all guarantees passes, with exit code 0, and is left unchanged', async (t) => {
  const good = await startRedis({ appendonly: true });
  t.teardown(() => good.stop());
  const { code, found } = await diagnose(good.url);
  t.is(code, 0);
  t.is(found['healthy'], 'true');
  t.regex(found['version'] ?? '', /^ok: (Redis|Valkey) \d+\.\d+/);
  t.is(found['role'], 'ok: primary without replicas');
  t.regex(found['persistence'] ?? '', /^ok: append-only file, appendfsync everysec/);
  t.is(found['maxmemory-policy'], 'ok: noeviction, no maxmemory: nothing is evicted');
  t.is(found['permissions'], 'ok: all required commands are permitted on keys streamfold:*');
  t.is(found['coordination'], 'ok: the functions may be loaded and called');
  t.regex(found['publish'] ?? '', /^ok: works/);
  t.is(found['fold'], 'ok: works');
  t.is(found['coordinate'], 'ok: works');
  t.is(found['functions'], 'ok: not loaded yet: the first aggregator loads them');
  t.is(found['shards'], 'ok: 1, to be recorded at first use');
  t.regex(found['clock'] ?? '', /^ok: /);
  t.regex(found['stream clock'] ?? '', /^ok: /);
  const text = await runStreamfold(['doctor', '--redis', good.url]);
  t.regex(text.stdout, /^ok {4}version .*\nok {4}role /);
  t.is(await good.redis.dbsize(), 0);
});

test('a Redis that may evict keys fails, and one without an append-only file gives a warning', async (t) => {
  const cache = await startRedis({
    extraArgs: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'],
  });
  t.teardown(() => cache.stop());
  const { code, found } = await diagnose(cache.url);
  t.is(code, 1);
  t.is(found['healthy'], 'false');
  t.regex(found['maxmemory-policy'] ?? '', /^fail: allkeys-lru, \d+ % of maxmemory used: .*set noeviction$/);
  t.regex(
    found['persistence'] ?? '',
    /^warn: no append-only file and no snapshots: a crash loses everything; set appendonly yes$/,
  );
  await cache.redis.config('SET', 'maxmemory-policy', 'volatile-lru');
  const volatile = await diagnose(cache.url);
  t.is(volatile.code, 0);
  t.regex(volatile.found['maxmemory-policy'] ?? '', /^warn: volatile-lru/);
});

test('a user with exactly the permissions that are needed, on the keys of the prefix, passes', async (t) => {
  const url = await addUser(server.redis, 'exact', '~streamfold:*', '+@all', '-@dangerous', '+info');
  const { code, found } = await diagnose(url);
  t.is(found['permissions'], 'ok: all required commands are permitted on keys streamfold:*');
  t.regex(found['coordination'] ?? '', /^ok: /);
  t.is(code, 0);
});

test('commands and keys that a user lacks are named, and everything else is still checked', async (t) => {
  const lacking = await addUser(server.redis, 'lacking', '~streamfold:*', '+@all', '-xadd', '-xautoclaim');
  const lacks = await diagnose(lacking);
  t.is(lacks.code, 1);
  t.regex(
    lacks.found['permissions'] ?? '',
    /^fail: not permitted: XADD on streamfold:\{0\}:events, XAUTOCLAIM on streamfold:\{0\}:events, .*; streamfold doctor --acl prints the permissions of each role$/,
  );
  const stranger = await addUser(server.redis, 'stranger', '~other:*', '+@all', '-time');
  const strange = await diagnose(stranger);
  t.is(strange.code, 1);
  t.regex(
    strange.found['permissions'] ?? '',
    /^fail: expected EVALSHA and EVAL on keys streamfold:\* to be permitted; got NOPERM/,
  );
  t.regex(strange.found['shards'] ?? '', /^fail: cannot be checked; got NOPERM/);
  t.regex(strange.found['clock'] ?? '', /^fail: cannot be checked; got NOPERM/);
  t.regex(strange.found['version'] ?? '', /^ok: /);
  const blind = await addUser(server.redis, 'blind', '~streamfold:*', '+@all', '-info');
  t.regex((await diagnose(blind)).found['info'] ?? '', /^warn: INFO cannot be read, .*NOPERM/);
});

test('a user who may not load or call functions gets a warning: counting needs no functions, coordination does', async (t) => {
  const url = await addUser(server.redis, 'counting', '~streamfold:*', '+@all', '-fcall', '-function|load');
  const { code, found } = await diagnose(url);
  t.is(code, 0);
  t.is(found['permissions'], 'ok: all required commands are permitted on keys streamfold:*');
  t.is(
    found['coordination'],
    'warn: not permitted: FCALL on streamfold:{0}:events, FUNCTION LOAD; coordinators and monitors need it, counting does not',
  );
});

test('a replica fails: writes need the primary', async (t) => {
  const [primary, replica] = await Promise.all([startRedis(), startRedis()]);
  t.teardown(async () => void (await Promise.all([primary.stop(), replica.stop()])));
  await replica.redis.replicaof('127.0.0.1', primary.port);
  await waitUntil('the replica to follow', async () =>
    (await replica.redis.info('replication')).includes('master_link_status:up'),
  );
  const { code, found } = await diagnose(replica.url);
  t.is(code, 1);
  t.regex(found['role'] ?? '', /^fail: slave; writes need the primary/);
  t.regex((await diagnose(primary.url)).found['role'] ?? '', /^ok: primary with 1 replica; /);
});

test('a primary that confirms events before its replicas have them gives a warning', async (t) => {
  const [primary, replica] = await Promise.all([startRedis(), startRedis()]);
  t.teardown(async () => void (await Promise.all([primary.stop(), replica.stop()])));
  await replica.redis.replicaof('127.0.0.1', primary.port);
  await waitUntil('the replica to follow', async () =>
    (await primary.redis.info('replication')).includes('connected_slaves:1'),
  );
  const { code, found } = await diagnose(primary.url);
  t.is(code, 0);
  t.regex(found['failover'] ?? '', /^warn: min-replicas-to-write 0: .*set it to 1 or more$/);
  await primary.redis.config('SET', 'min-replicas-to-write', 1);
  t.regex((await diagnose(primary.url)).found['failover'] ?? '', /^ok: min-replicas-to-write 1/);
});

test('a number of shards other than the recorded one fails, and both are named', async (t) => {
  await server.redis.set('three:shards', '3');
  const { code, found } = await diagnose(server.url, '--prefix', 'three', '--shards', '2');
  t.is(code, 1);
  t.is(found['shards'], 'fail: 3 are recorded in Redis (three:shards), 2 configured: set STREAMFOLD_SHARDS');
  await server.redis.del('three:shards');
});

test('entry IDs ahead of the clock of Redis give a warning', async (t) => {
  const ahead = Date.now() + 3_600_000;
  await server.redis.xadd('ahead:{0}:events', `${ahead}-0`, 'type', 'x');
  const { code, found } = await diagnose(server.url, '--prefix', 'ahead');
  t.is(code, 0);
  t.regex(found['stream clock'] ?? '', /^warn: entry IDs are 3\d{6} ms ahead of the clock of Redis/);
  await server.redis.del('ahead:{0}:events');
});

test('an unreachable Redis is reported in one line, with exit code 1', async (t) => {
  const { code, found } = await diagnose('redis://127.0.0.1:1');
  t.is(code, 1);
  t.is(
    found['error'],
    'streamfold: Redis: expected an answer at redis://127.0.0.1:1; got ECONNREFUSED: start Redis there, or correct the address\n',
  );
});
