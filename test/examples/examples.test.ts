import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test, type ExecutionContext } from '../harness/ava.ts';
import { stepMonitor } from '@streamfold/coordination';
import { pauseBriefly } from '../harness/pause-briefly.ts';
import { readPublished } from '../harness/read-published.ts';
import { parseSamples } from '../harness/scrape.ts';
import { shareRedis, startRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SENT = [
  'type',
  'signal.sent',
  'swarm_id',
  's1',
  'sender_id',
  'a',
  'receiver_id',
  'b',
  'signal_type',
  'handoff',
];
const server = await shareRedis();
test.after.always(() => server.stop());

test('the publisher example of the docs publishes what it says', async (t) => {
  const { stdout } = await run(process.execPath, ['examples/publish-events.mjs', server.url], { cwd: ROOT });
  t.regex(stdout, /^appended as \d+-\d+\nundelivered: 0\n$/);
  const events = await readPublished(server.redis);
  t.deepEqual(
    events.map(({ type }) => type),
    ['signal.sent', 'coordinator.started'],
  );
  // The page shows the same code.
  const page = readFileSync(`${ROOT}docs/publishing.md`, 'utf8').replace(/\s+/g, '');
  const example = readFileSync(`${ROOT}examples/publish-events.mjs`, 'utf8');
  for (const statement of ['const { entryIds } = await publisher.append(', 'await publisher.close();']) {
    t.true(example.includes(statement));
    t.true(page.includes(statement.replace(/\s+/g, '')));
  }
});

test('the coordination example prints what its page shows, except for times and the order of a race', async (t) => {
  const own = await startRedis();
  t.teardown(() => own.stop());
  const { stdout, stderr } = await run(process.execPath, ['examples/three-coordinators.mjs', own.url], {
    cwd: ROOT,
  });
  t.is(stderr, '');
  const [, shown = ''] =
    /^```\n(ben ACKs[^`]*)```$/m.exec(readFileSync(`${ROOT}docs/coordination.md`, 'utf8')) ?? [];
  t.deepEqual(linesWithoutTimes(stdout), linesWithoutTimes(shown));
});

test('the coordination example also ends if the monitor of an aggregator finds the death first', async (t) => {
  const own = await startRedis();
  t.teardown(() => own.stop());
  const other = own.redis.duplicate();
  t.teardown(() => other.disconnect());
  const over = new AbortController();
  const watching = (async () => {
    const settings = { limit: 100, outageMs: 10_000, graceMs: 0 };
    while (!over.signal.aborted) {
      if ((await other.exists('streamfold:{0}:heartbeats')) === 1)
        await stepMonitor(other, { prefix: 'streamfold', shard: 0 }, settings);
      await pauseBriefly(5, over.signal); // the example checks ten times less often
    }
  })();
  const { stdout } = await run(process.execPath, ['examples/three-coordinators.mjs', own.url], {
    cwd: ROOT,
    timeout: 60_000,
  });
  over.abort();
  await watching;
  t.regex(stdout, /ada waited again: completed, ACKed by ben and cyd\n$/);
});

/** Starts an example that runs until SIGTERM, and resolves with the address that it prints. */
async function startExample(
  t: ExecutionContext,
  name: string,
  redisUrl: string,
): Promise<{ url: string; stop(): Promise<number | null> }> {
  const child = spawn(process.execPath, [`examples/${name}.mjs`, redisUrl], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit') as Promise<[number | null]>;
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  await waitUntil(`${name} prints its address`, () => output.includes('\n') || child.exitCode !== null);
  return {
    url: output.trim(),
    async stop() {
      child.kill('SIGTERM');
      const [code] = await ended;
      return code;
    },
  };
}

test('the aggregator of the embedding example folds, and its metrics are served by node:http, Koa, Express and Fastify', async (t) => {
  const own = await startRedis();
  t.teardown(() => own.stop());
  const aggregator = await startExample(t, 'run-aggregator', own.url);
  await own.redis.xadd('streamfold:{0}:events', '*', ...SENT);
  const series = 'signals_sent_total{swarm_id="s1",signal_type="handoff"}';
  const names = ['metrics-in-node-http', 'metrics-in-koa', 'metrics-in-express', 'metrics-in-fastify'];
  const serve = async (name: string): Promise<void> => {
    const example = await startExample(t, name, own.url);
    await waitUntil(`${name} serves the metrics`, async () => {
      const response = await fetch(example.url);
      return response.ok && parseSamples(await response.text()).get(series) === '1';
    });
    t.is(await (await fetch(new URL('/', example.url))).text(), 'your own pages\n', name);
    t.is(await example.stop(), 0, name);
  };
  await Promise.all(names.map(serve));
  t.is(await aggregator.stop(), 0);
});

/** The lines sorted by text, because two coordinators may print in either order. */
function linesWithoutTimes(output: string): string[] {
  const lines = output.replaceAll(/\d+(?:\.\d+)? ms/g, '… ms').split('\n');
  return lines.filter((line) => line !== '').toSorted();
}
