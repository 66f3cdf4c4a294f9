import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { stepMonitor } from '@streamfold/coordination';
import { pauseBriefly } from '../harness/pause-briefly.ts';
import { readPublished } from '../harness/read-published.ts';
import { startRedis } from '../harness/start-redis.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const server = await startRedis();
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

test('the example of coordination prints what its page shows, but for the times and who is faster', async (t) => {
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

test('the example of coordination ends as well if the monitor of an aggregator finds the death first', async (t) => {
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
      await pauseBriefly(5, over.signal); // the example looks ten times less often
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

/** The lines in the order of their texts, as two coordinators may print in either order. */
function linesWithoutTimes(output: string): string[] {
  const lines = output.replaceAll(/\d+(?:\.\d+)? ms/g, '… ms').split('\n');
  return lines.filter((line) => line !== '').toSorted();
}
