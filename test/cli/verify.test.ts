import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from '../harness/ava.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { runStreamfold, type ProgramRun } from '../harness/run-streamfold.ts';
import { scrape } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

function runVerify(prefix: string, ...args: string[]): Promise<ProgramRun> {
  return runStreamfold(['verify', '--redis', server.url, '--prefix', prefix, ...args]);
}

/** Folds some events, a few of them bad, and ends the aggregator. */
async function foldSome(prefix: string, count: number): Promise<void> {
  const add = server.redis.pipeline();
  for (const event of generateEvents(count, { seed: 7, bad: true })) {
    add.xadd(`${prefix}:{0}:events`, '*', ...Object.entries(event).flat());
  }
  await add.exec();
  const aggregator = await startAggregator({ redisUrl: server.url, prefix });
  await waitUntil('all to be folded', async () => {
    const health = (await (await fetch(`${aggregator.url}/prometheus/health`)).json()) as {
      lag_entries: number;
    };
    return health.lag_entries === 0;
  });
  await scrape(aggregator.url);
  await aggregator.stop();
}

test('a state that equals the fold of the log is reported as equal, with exit code 0', async (t) => {
  const prefix = nextPrefix();
  await foldSome(prefix, 500);
  const run = await runVerify(prefix);
  t.like(run, { code: 0 });
  t.regex(run.stdout, /^shard 0, generation \S+: equal \(500 entries folded, 0 pending\)\n$/);
  const { equal, shards } = JSON.parse((await runVerify(prefix, '--json')).stdout) as {
    equal: boolean;
    shards: unknown[];
  };
  t.true(equal);
  t.like(shards[0], {
    shard: 0,
    entries: 500,
    pendingEntries: 0,
    missingEntries: 0,
    equal: true,
    differences: [],
  });
});

test('a delta that was not folded from the log is a difference, with exit code 1', async (t) => {
  const prefix = nextPrefix();
  await foldSome(prefix, 50);
  // An entry that was folded and is gone: it is in the live state, but not in the log.
  const stream = `${prefix}:{0}:events`;
  const [id = ''] = (await server.redis.xrange(stream, '-', '+', 'COUNT', 1))[0] ?? [];
  await server.redis.xdel(stream, id);
  const run = await runVerify(prefix);
  t.is(run.code, 1);
  t.regex(run.stdout, /^shard 0, generation \S+: \d+ differences \(49 entries folded, 0 pending\)\n/);
  t.regex(run.stdout, /^ {2}1 entry is no longer in the stream, and no archive is named/m);
  t.regex(run.stdout, /^ {2}\S.*: live \S.*, folded \S.*$/m);
  const json = await runVerify(prefix, '--json');
  t.is(json.code, 1);
  const { equal, shards } = JSON.parse(json.stdout) as {
    equal: boolean;
    shards: { differences: { what: string }[] }[];
  };
  t.false(equal);
  t.true((shards[0]?.differences.length ?? 0) > 0);
});

test('a log trimmed without an archive cannot be compared: this is reported, and no difference is shown', async (t) => {
  const prefix = nextPrefix();
  await foldSome(prefix, 50);
  await server.redis.xtrim(`${prefix}:{0}:events`, 'MAXLEN', '=', 20);
  const run = await runVerify(prefix);
  t.is(run.code, 1);
  t.regex(
    run.stdout,
    /^shard 0, generation \S+: cannot be compared \(20 entries folded, 0 pending\)\n {2}30 entries are no longer in the stream, and no archive is named \(--archive\): .*\n$/,
  );
  const { equal, shards } = JSON.parse((await runVerify(prefix, '--json')).stdout) as {
    equal: boolean;
    shards: unknown[];
  };
  t.false(equal);
  t.like(shards[0], { comparable: false, missingEntries: 30 });
});

test('if no aggregator has run yet there is nothing to verify, with exit code 1', async (t) => {
  const run = await runVerify(nextPrefix());
  t.like(run, { code: 1, stdout: '' });
  t.regex(run.stderr, /^streamfold: shard 0: expected a generation to verify; no aggregator has run yet\n$/);
});

test('--replica compares what each named aggregator serves, and prints what differs', async (t) => {
  const prefix = nextPrefix();
  await foldSome(prefix, 200);
  const aggregators = await Promise.all(
    ['all', 'serve'].map((role) =>
      startAggregator({ redisUrl: server.url, prefix, role: role as 'all' | 'serve' }),
    ),
  );
  for (const each of aggregators) t.teardown(() => each.stop());
  for (const { url } of aggregators) await scrape(url);
  const [first, second] = aggregators.map(({ url }) => url);
  const run = await runVerify(prefix, '--replica', first ?? '', '--replica', `${second}/`);
  t.like(run, { code: 0 });
  t.true(run.stdout.endsWith(`\nreplica ${first}: equal\nreplica ${second}: equal\n`), run.stdout);

  const text = await (await fetch(`${first}/prometheus/metrics`)).text();
  const wrong = createServer((_, response) => {
    response.end(text.replace(/^(signals_sent_total\{.*\}) \d+$/m, '$1 1000000'));
  });
  wrong.listen(0, '127.0.0.1');
  await once(wrong, 'listening');
  t.teardown(() => wrong.close());
  const wrongUrl = `http://127.0.0.1:${(wrong.address() as AddressInfo).port}`;
  const differing = await runVerify(prefix, '--replica', `${first},${wrongUrl}`);
  t.is(differing.code, 1);
  t.regex(
    differing.stdout,
    /^replica \S+: equal\nreplica \S+: 1 difference\n {2}signals_sent_total\{.*\}: replica 1000000, expected \d+$/m,
  );

  const gone = await runVerify(prefix, '--json', '--replica', 'http://user:secret@127.0.0.1:1');
  t.is(gone.code, 1);
  t.like(JSON.parse(gone.stdout), {
    equal: false,
    replicas: [{ url: 'http://127.0.0.1:1', outcome: 'not_served', differences: [] }],
  });
  t.false(gone.stdout.includes('secret'));
});

test('a replica that is not a URL is refused', async (t) => {
  const run = await runVerify(nextPrefix(), '--replica', 'localhost');
  t.is(run.code, 2);
  t.regex(run.stderr, /--replica.*expected URLs of aggregators .*; got "localhost"/);
});
