import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openArchive } from '@streamfold/archive';
import { connectRedis, whenReady } from '@streamfold/redis';
import { test } from '../harness/ava.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { scrape } from '../harness/scrape.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { printUsers, ROLES, startGuardedRedis, type Role } from '../harness/start-guarded-redis.ts';
import { waitForGeneration, waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { openView } from '../harness/watched-view.ts';
import { coordinateAll, publishAll } from './every-program.ts';

const server = await startGuardedRedis();
const directory = await mkdtemp(join(tmpdir(), 'streamfold-acl-'));
const grants = await listGrants();
test.after.always(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

const PREFIX = 'streamfold';
const EVENTS = `${PREFIX}:{0}:events`;

/** The connections of each role while several are active, by the names that CLIENT LIST shows. */
const CONNECTIONS = {
  publisher: /^streamfold-publisher/,
  coordinator: /^streamfold-[a-z]+-(?:ada|ben|cyd|eve)$/,
  aggregator: /^streamfold-(?:fold|read|control|monitor|archive|view|log)/,
} as const;

/** Needed only with a Cluster or a database in the URL, or after something that this test does not let happen. */
// prettier-ignore
const RARE = [
  'asking', 'readonly', 'cluster|info', 'cluster|slots', 'cluster|keyslot', 'cluster|nodes', 'select',
  'ping', // before the first generation is open
  'zrem {*}:published-ids', // ids that are forgotten
  // more than 500 events at once, an ACK with a wrong signature, a repeated call, a nearly full inbox, a malformed record
  'exists {*}:events', 'xinfo|stream {*}:events', 'hdel {*}:acks:*|*|*', 'hget {*}:acks:*|*|*', 'hget {*}:wait:*|*',
  'hexists {*}:work:*|*', 'memory|usage {*}:inbox:*|*', 'unlink {*}:inbox:*|*', 'zadd {*}:near-bound',
  'zcard {*}:near-bound', 'zrem {*}:near-bound', 'hlen {*}:set-aside', 'hset {*}:set-aside', 'zrem {*}:settled:*|*',
  // a clock that steps back, deadlines of signals and waits
  'hget {*}:signal:*|*|*', 'hlen {*}:signal:*|*|*', 'hlen {*}:wait:*|*', 'zadd {*}:deadlines', 'zrange {*}:heartbeats',
  'zrange {*}:deadlines', 'pexpire {*}:inbox:*|*', 'pexpire {*}:signal:*|*|*', 'pexpire {*}:acks:*|*|*',
  // a stream or a state that is lost, entries that are delivered again and again, IDs ahead of the clock, a failing archive
  'hdel {*}:marks', 'xsetid {*}:events', 'hset {*}:state_loss', 'pexpire {*}:state_loss', 'xclaim {*}:events',
  'zadd {*}:ages', 'zrem {*}:ages', 'zrangebyscore {*}:ages', 'get {*}:archiver', 'del {*}:archiver',
  'xtrim {*}:g:*:deltas',
];

const usedBy: Record<Role, Set<string>> = {
  publisher: new Set(),
  coordinator: new Set(),
  aggregator: new Set(),
  operator: new Set(),
};

/** Adds the commands of the connections with these names to those of a role. */
function remember(role: Role, connections: RegExp): void {
  const granted = grants.find((each) => each.role === role)?.granted ?? [];
  const patterns = [...new Set(granted.flatMap((each) => each.split(' ').slice(1)))];
  for (const each of server.used.of(connections, patterns)) usedBy[role].add(each);
}

/** What each role is granted: `<command>` or `<command> <pattern>`. */
async function listGrants(): Promise<readonly { role: Role; granted: readonly string[] }[]> {
  const lines = await printUsers();
  return ROLES.map((role, at) => ({ role, granted: parseGrants(lines[at] ?? '') }));
}

async function serve(options = {}): Promise<TestAggregator> {
  return startAggregator({
    redisUrl: server.urlOf('aggregator'),
    monitorGraceMs: 0,
    generationGraceMs: 0,
    endedForMs: 0,
    ...options,
  });
}

test.serial('a publisher, coordinators and an aggregator work with the users of doctor --acl', async (t) => {
  const aggregator = await serve();
  t.teardown(aggregator.stop);
  await waitForGeneration(server.redis, PREFIX);
  await waitUntil('the functions are loaded', async () => {
    return JSON.stringify(await server.redis.function('LIST')).includes('streamfold_2_beat');
  });
  t.like(await publishAll(server.urlOf('publisher')), { code: 0, stderr: '' });
  await coordinateAll(server.urlOf('coordinator'), async () => {
    await waitUntil('it waits', async () => (await server.redis.scard(`${PREFIX}:{0}:waits:w|eve`)) === 1);
  });
  await server.redis.xadd(EVENTS, '*', 'type', 'no.such.type');
  await waitUntilFolded(server.redis, { prefix: PREFIX });
  t.is((await scrape(aggregator.url)).get('signals_sent_total{swarm_id="s",signal_type="t"}'), '5');
  for (const path of ['readyz', 'prometheus/health', 'metrics'])
    t.is((await fetch(`${aggregator.url}/${path}`)).status, 200, path);
  await waitUntil('a monitor finds the silent coordinator dead', async () => {
    return (await server.redis.hget(`${PREFIX}:{0}:coordinator:w|eve`, 'state')) === 'dead';
  });
  const redis = connectRedis(server.urlOf('aggregator'), {
    name: 'streamfold-view',
    commandTimeoutMs: 10_000,
  });
  t.teardown(() => redis.disconnect());
  await redis.connect();
  await whenReady(redis, 10_000);
  const generation = await waitForGeneration(server.redis, PREFIX);
  const { view, facts } = openView(redis, generation);
  await view.refresh();
  await view.writeSnapshotWhenDue();
  t.deepEqual(
    facts.map(({ type }) => type),
    ['view_loaded', 'snapshot_written'],
  );
  await aggregator.stop();
  t.deepEqual(
    aggregator.facts.filter(({ type }) => type === 'failed'),
    [],
  );
  t.deepEqual(await server.readRefusals(), []);
  for (const role of ['publisher', 'coordinator', 'aggregator'] as const) remember(role, CONNECTIONS[role]);
});

test.serial('every command works with the operator of doctor --acl', async (t) => {
  server.used.restart();
  const succeed = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await runStreamfold([...args, '--redis', server.urlOf('operator')]);
    t.is(code, 0, `${args.join(' ')}: ${stderr}`);
  };
  const archived = ['--archive', directory];
  await succeed('status', '--json');
  await succeed('doctor');
  t.deepEqual(
    (await server.readRefusals()).filter((each) => !each.endsWith('config|get')),
    [],
    'only passwords stay unread',
  );
  await succeed('verify');
  await succeed('dead-letters', 'list');
  await succeed('dead-letters', 'drop', '--all');
  await letWrongShardBeRetried();
  await succeed('dead-letters', 'retry', '--all');
  await succeed('rebuild', '--json');
  await succeed('archive', ...archived, '--archive-after-seconds', '0', '--retention-hours', '0');
  await succeed('archive', 'check', ...archived);
  await succeed('verify', ...archived);
  await succeed('backfill', ...archived, '--output', join(directory, 'past.om'));
  await succeed('cleanup', '--ended-for-hours', '0');
  await beginBuilding();
  await succeed('rebuild', '--cancel');
  t.deepEqual(await server.readRefusals(), []);
  remember('operator', /^streamfold-/);
});

test.serial('an aggregator also archives, and removes a replaced generation', async (t) => {
  server.used.restart();
  const archive = await openArchive(directory);
  const aggregator = await serve({ archiving: { archive, everyMs: 200, settleMs: 0, retentionMs: 1 } });
  t.teardown(aggregator.stop);
  await publishAll(server.urlOf('publisher'));
  await waitUntil('the old generation is gone, and the stream is trimmed', async () => {
    const groups = (await server.redis.xinfo('GROUPS', EVENTS)) as unknown[];
    return groups.length === 1 && (await server.redis.xlen(EVENTS)) === 0;
  });
  await aggregator.stop();
  t.deepEqual(await server.readRefusals(), []);
  remember('aggregator', CONNECTIONS.aggregator);
});

test.serial('an operator restores an archive', async (t) => {
  server.used.restart();
  await server.redis.flushall();
  const redis = ['--redis', server.urlOf('operator')];
  const { code, stderr } = await runStreamfold(['archive', 'restore', '--archive', directory, ...redis]);
  t.is(code, 0, stderr);
  t.true((await server.redis.xlen(EVENTS)) > 0);
  t.deepEqual(await server.readRefusals(), []);
  remember('operator', /^streamfold-/);
});

/** A dead letter of an event that is valid by now. */
async function letWrongShardBeRetried(): Promise<void> {
  const fields = { type: 'heartbeat.recovered', swarm_id: 's', coordinator_id: 'c' };
  const letter = { entry_id: '5-1', reason: 'wrong_shard', detail: 'why', fields: JSON.stringify(fields) };
  await server.redis.xadd(`${PREFIX}:{0}:dead`, '*', ...Object.entries(letter).flat());
}

/** A rebuild that has only begun. */
async function beginBuilding(): Promise<void> {
  const registry = `${PREFIX}:generations`;
  const live = (await server.redis.hget(registry, 'live')) ?? '';
  const definitions = (await server.redis.hget(registry, `${live}:definitions`)) ?? '';
  const of = { state: 'building', stage: 'archive', replaces: live, definitions, since_ms: '1' };
  const fields = Object.entries(of).map(([name, value]): [string, string] => [`9-begun:${name}`, value]);
  await server.redis.hset(registry, 'building', '9-begun', ...fields.flat());
}

test.serial('nothing is granted that no program of these roles uses', async (t) => {
  const superfluous = grants.map(({ role, granted }) => {
    const others = ['operator', 'aggregator'].includes(role)
      ? [...usedBy.aggregator, ...usedBy.operator]
      : [];
    const all = new Set([...usedBy[role], ...others]); // they share duties
    return [role, granted.filter((each) => !all.has(each) && !RARE.includes(each.replace(`${PREFIX}:`, '')))];
  });
  t.deepEqual(
    superfluous,
    ROLES.map((role) => [role, []]),
  );
});

function names(words: readonly string[], sign: string): string[] {
  return words.filter((word) => word.startsWith(sign)).map((word) => word.slice(1));
}

/** `<command>` or `<command> <pattern>` for each permission of a line. */
function parseGrants(line: string): string[] {
  const [, root = '', selectors = ''] = /^ACL SETUSER \S+ reset on \S+ \S+ ([^(]*)(.*)$/.exec(line) ?? [];
  const ofKeys = [...selectors.matchAll(/\(([^)]*)\)/g)].flatMap(([, rules = '']) => {
    const words = rules.split(' ');
    return names(words, '+').flatMap((command) =>
      names(words, '~').map((pattern) => `${command} ${pattern}`),
    );
  });
  return [...names(root.split(' '), '+'), ...ofKeys];
}
