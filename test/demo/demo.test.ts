import { test } from '../harness/ava.ts';
import { once } from '../harness/once.ts';
import { readPublished } from '../harness/read-published.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { startRedis } from '../harness/start-redis.ts';
import { startStreamfold } from '../harness/start-streamfold.ts';
import { isGone, METRICS, readEnd } from './read-demo.ts';

const CAST_SIZE = 10;

/** One run that two tests look at: a demo is more than ten processes. */
const named = once(async () => {
  const server = await startRedis();
  const args = ['demo', '--port', '0', '--seconds', '4', '--redis', server.url];
  const env = {
    STREAMFOLD_PREFIX: 'd',
    STREAMFOLD_SHARDS: '2',
    STREAMFOLD_CONSUMER: 'one',
    STREAMFOLD_ROLE: 'fold',
  };
  return { server, run: await runStreamfold(args, { env }) };
});
test.after.always(async () => (await named()).server.stop());

test('demo --seconds exits with code 0, everything folded, and plausible numbers', async (t) => {
  const { code, stdout, stderr } = (await named()).run;
  t.deepEqual([code, stderr], [0, '']);
  const { folded, lag } = readEnd(stdout);
  t.true(folded > 20 && folded < 5_000, stdout);
  t.is(lag, 0);
  const shown = [
    ...stdout.matchAll(
      /^\d\d:\d\d \| ([\d,]+) events folded, ([\d.]+)\/s \| lag \d+ \| (\d+) active, (\d+) blocked, (\d+) stale \| P95/gm,
    ),
  ];
  t.true(shown.length >= 2, stdout);
  const alive = shown.map(([, , , ...statuses]) => statuses.map(Number).reduce((sum, one) => sum + one, 0));
  t.true(alive.some((count) => count > 0) && alive.every((count) => count <= CAST_SIZE), stdout);
  t.false(stdout.includes('\u001b'), 'no control sequences if the output is not a terminal');
});

test('a demo on a Redis that the user named leaves it running, and gives each aggregator its own settings', async (t) => {
  const { server, run } = await named();
  const { code, stdout } = run;
  t.is(code, 0, stdout);
  const shards = [0, 1].map((shard) => readPublished(server.redis, { prefix: 'd', shard }));
  const { folded, lag } = readEnd(stdout);
  t.is(folded, (await Promise.all(shards)).flat().length);
  t.true(folded > 0 && lag === 0, stdout);
  t.is(await server.redis.get('d:shards'), '2');
  t.regex(stdout, /publish --redis redis:\S+ --prefix d --shards 2 /);
});

test('a requested port that is in use is refused in one line', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const run = await runStreamfold(['demo', '--port', String(server.port), '--redis', server.url]);
  t.like(run, { code: 2, stdout: '' });
  t.is(
    run.stderr,
    `streamfold: STREAMFOLD_PORT (--port): expected a free port of 127.0.0.1; ${server.port} is in use\n`,
  );
});

test('a reader that closes the output ends the demo and everything it started', async (t) => {
  const demo = startStreamfold(['demo', '--port', '0']);
  const url = await demo.waitFor(METRICS);
  demo.closeOutput();
  t.like(await demo.ended, { code: 0, stderr: '' });
  t.true(await isGone(url));
});
