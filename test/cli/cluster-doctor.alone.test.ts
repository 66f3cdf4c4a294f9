import { shardKeys } from '@streamfold/redis';
import { LIBRARY } from '@streamfold/coordination';
import { test } from '../harness/ava.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { scrape } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { startCluster } from '../harness/start-cluster.ts';
import { createUsers, logIn, printUsers } from '../harness/start-guarded-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const cluster = await startCluster();
test.after.always(() => cluster.stop());

const SHARDS = 8;

interface Finding {
  readonly verdict: string;
  readonly what: string;
  readonly text: string;
}

/** The findings about one subject, each as `verdict: text`. */
async function diagnose(what: string, url = cluster.url): Promise<string[]> {
  const { stdout, stderr } = await runStreamfold([
    'doctor',
    '--json',
    '--redis',
    url,
    '--shards',
    String(SHARDS),
  ]);
  if (stdout === '') throw new Error(stderr);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return findings.filter((each) => each.what === what).map(({ verdict, text }) => `${verdict}: ${text}`);
}

test.serial('the users of doctor --acl work with a Cluster', async (t) => {
  for (const node of cluster.nodes) {
    await createUsers(node, await printUsers());
    await node.redis.call('ACL', 'SETUSER', 'default', 'off'); // connections that are open stay
  }
  t.teardown(async () => {
    for (const node of cluster.nodes) await node.redis.call('ACL', 'SETUSER', 'default', 'on');
  });
  const aggregator = await startAggregator({ redisUrl: logIn(cluster.url, 'aggregator'), shards: SHARDS });
  t.teardown(aggregator.stop);
  const publish = (swarm: number) =>
    runStreamfold([
      'publish', 'heartbeat.stale', `swarm_id=s${swarm}`, `coordinator_id=c${swarm}`,
      '--redis', logIn(cluster.url, 'publisher'), '--shards', String(SHARDS),
    ]); // prettier-ignore
  for (let swarm = 0; swarm < 3; swarm++) t.like(await publish(swarm), { code: 0, stderr: '' });
  await waitUntil('all are counted', async () => {
    const counted = [...(await scrape(aggregator.url)).keys()].filter((name) =>
      name.startsWith('heartbeat_failures'),
    );
    return counted.length === 3;
  });
  await aggregator.stop();
  for (const command of ['status', 'verify', 'doctor']) {
    const args = [command, '--redis', logIn(cluster.url, 'operator'), '--shards', String(SHARDS)];
    const { code, stderr } = await runStreamfold(args);
    t.is(code, 0, `${command}: ${stderr}`);
  }
  for (const { redis } of cluster.nodes) {
    const refused = JSON.stringify(await redis.call('ACL', 'LOG'));
    t.regex(refused, /^\[(?:(?!"object").)*("object","config\|get".*)*\]$/s);
  }
});

test.serial('a slot on the move is named with its shard and both nodes', async (t) => {
  t.deepEqual(await diagnose('slots on the move'), ['ok: the slots of no shard are being moved']);
  const move = await cluster.beginMove(shardKeys({ prefix: 'streamfold', shard: 2 }).events, []);
  const found = await diagnose('slots on the move');
  t.is(found.length, 2);
  for (const [port, words] of [
    [move.from.port, 'leaving'],
    [move.to.port, 'moving to'],
  ])
    // prettier-ignore
    t.true(found.some((each) => new RegExp(`^warn: slot \\d+ of shard 2 is ${words} the node at 127.0.0.1:${port}: `).test(each)), found.join('\n'));
  await move.finish();
  t.deepEqual(await diagnose('slots on the move'), ['ok: the slots of no shard are being moved']);
});

test.serial('a node without the functions is named', async (t) => {
  for (const { redis } of cluster.nodes) await redis.call('FUNCTION', 'FLUSH');
  t.deepEqual(await diagnose('functions'), ['ok: not loaded yet: the first aggregator loads them']);
  const [first, second, third] = cluster.nodes;
  for (const node of [first, second]) await node?.redis.call('FUNCTION', 'LOAD', LIBRARY);
  await third?.redis.call('FUNCTION', 'LOAD', LIBRARY.replace(/return '\d+ [0-9a-f]+'/, "return '0 0'"));
  await second?.redis.call('FUNCTION', 'FLUSH');
  const found = await diagnose('functions');
  t.true(found.includes(`ok: loaded at 127.0.0.1:${first?.port}`));
  t.true(found.some((each) => each.startsWith(`warn: not loaded at 127.0.0.1:${second?.port}: `)));
  t.true(found.some((each) => each.startsWith(`warn: of an earlier edition at 127.0.0.1:${third?.port}: `)));
});

test.serial('a Cluster that stops all shards when one primary is lost gives a warning', async (t) => {
  const [first] = cluster.nodes;
  for (const { redis } of cluster.nodes) await redis.config('SET', 'cluster-require-full-coverage', 'no');
  t.deepEqual(await diagnose('cluster-require-full-coverage'), [
    'ok: no: if a primary is lost, only its shards stand still',
  ]);
  await first?.redis.config('SET', 'cluster-require-full-coverage', 'yes');
  const found = await diagnose('cluster-require-full-coverage');
  t.is(found.length, 1);
  t.true(found[0]?.startsWith(`warn: yes at 127.0.0.1:${first?.port}: `));
  await first?.redis.config('SET', 'cluster-require-full-coverage', 'no');
});

test.serial('the clocks of all nodes are asked, and too small a limit of a node is named', async (t) => {
  const [clocks] = await diagnose('clocks of nodes');
  t.regex(clocks ?? '', /^ok: /);
  t.deepEqual(await diagnose('cluster'), ['ok: all 3 nodes find every slot served']);
  const [first] = cluster.nodes;
  await first?.redis.config('SET', 'proto-max-bulk-len', '1mb');
  const [limit] = await diagnose('proto-max-bulk-len');
  t.regex(limit ?? '', /^fail: 1048576 bytes at 127\.0\.0\.1:\d+: /);
  await first?.redis.config('SET', 'proto-max-bulk-len', '512mb');
});

test.serial('an aggregator is not ready while the node of one shard is gone', async (t) => {
  const aggregator = await startAggregator({ redisUrl: cluster.url, shards: SHARDS });
  t.teardown(aggregator.stop);
  const isReady = async (): Promise<boolean> => (await fetch(`${aggregator.url}/readyz`)).ok;
  await waitUntil('it is ready', isReady);
  await cluster.nodes[2]?.stop();
  let refused = 0;
  await waitUntil('it is not ready, ten times in a row', async () => {
    refused = (await isReady()) ? 0 : refused + 1;
    return refused === 10;
  });
  await waitUntil('doctor finds the slots that have no node', async () => {
    const found = await diagnose('cluster').catch(() => []);
    return found.some((each) => /^(?:warn|fail): .*slots/.test(each));
  });
  t.pass();
});
