import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test, type ExecutionContext } from '../harness/ava.ts';
import { archiveShard, listSegments, readArchived, trimStream, type LogEntry } from '@streamfold/archive';
import { acknowledgeAll, fillStream } from '../archive/fill-stream.ts';
import { readAll, readWholeStream } from '../archive/read-all.ts';
import { createRandom } from '../harness/generate-events.ts';
import { openTestArchive, type TestArchive } from '../harness/open-test-archive.ts';
import { amount } from '../harness/soaking.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url, stop } = await shareRedis();
test.after.always(stop);

const PROCESS = fileURLToPath(new URL('../archive/archiver-process.js', import.meta.url));
const SEGMENT_ENTRIES = 40;
/** Each kill takes a process: `npm test` takes every third step, before and after by turns. */
const EVERY_STEPS = amount({ test: 5, soak: 1 });
/** Publishing waits while more entries than these are not archived: the rest of the CPU is for the archivers. */
const MOST_AHEAD = 600;

/** Runs an archiver once; returns the number of its steps, or `undefined` if it killed itself at step `killAt`. */
async function runArchiver(
  prefix: string,
  { directory }: TestArchive,
  killAt: number,
): Promise<number | undefined> {
  const args = [PROCESS, url, prefix, directory, String(SEGMENT_ENTRIES), String(killAt)];
  try {
    return Number((await promisify(execFile)(process.execPath, args)).stdout);
  } catch (error) {
    if (error instanceof Error && 'signal' in error && error.signal === 'SIGKILL') return undefined;
    throw error;
  }
}

/** Archives the remaining entries, and checks that there are no more files than segments need. */
async function finish(t: ExecutionContext, prefix: string, archive: TestArchive): Promise<void> {
  const bounds = { entries: SEGMENT_ENTRIES, bytes: 1e9 };
  await archiveShard(redis, { prefix, shard: 0, shards: 1, archive, settleMs: 0, bounds });
  await trimStream(redis, { prefix, shard: 0, retentionMs: 0, onlyArchived: true });
  t.is(await redis.xlen(`${prefix}:{0}:events`), 0, 'all of it is archived and trimmed');
  const segments = await listSegments(archive, 0);
  const files = (await readdir(join(archive.directory, 'shard-0'))).filter(
    (name) => !name.startsWith('.tmp-'),
  );
  t.is(files.length, 2 * segments.length, 'nothing is left over');
  t.is((await readArchived(redis, { prefix, shard: 0 }))?.sequence, segments.length);
}

test('an archiver that is killed before or after any step leaves no gap and no overlap, and the next one continues', async (t) => {
  t.timeout(120_000);
  let steps = 0;
  for (const _ of ['Redis learns the scripts, which takes steps', 'measured']) {
    const measured = await openTestArchive();
    t.teardown(measured.remove);
    const prefix = nextPrefix();
    await fillStream(redis, prefix, 70);
    steps = (await runArchiver(prefix, measured, 0)) ?? 0;
  }
  t.true(steps >= 12, 'expected steps for two segments, their records, and trimming');

  const kill = async (killAt: number): Promise<void> => {
    const archive = await openTestArchive();
    t.teardown(archive.remove);
    const prefix = nextPrefix();
    const events = await fillStream(redis, prefix, 70);
    const expected = await readWholeStream(redis, events);
    const log = { prefix, shard: 0, archive };
    t.is(await runArchiver(prefix, archive, killAt), undefined, `killed at step ${killAt}`);
    t.deepEqual(await readAll(redis, log), expected, `after a kill at step ${killAt}`);
    await fillStream(redis, prefix, 10);
    expected.push(...(await readWholeStream(redis, events)).slice(-10));
    await finish(t, prefix, archive);
    t.deepEqual(await readAll(redis, log), expected, `resumed after a kill at step ${killAt}`);
  };
  const numbers: number[] = [];
  for (let at = 1; at <= steps; at += EVERY_STEPS) numbers.push(at);
  while (numbers.length > 0) await Promise.all(numbers.splice(0, 2).map(kill));
});

test('no entry is lost or archived twice if archivers are killed at any moment, two at a time, under load', async (t) => {
  t.timeout(120_000);
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 0);
  const random = createRandom(5);
  const published: LogEntry[] = [];
  let done = false;
  const start = (): ReturnType<typeof spawn> =>
    spawn(process.execPath, [PROCESS, url, prefix, archive.directory, '60', '0', 'endless'], {
      stdio: 'ignore',
    });

  const publish = async (): Promise<void> => {
    while (!done) {
      await waitUntil('archivers have kept up', async () => done || (await redis.xlen(events)) < MOST_AHEAD);
      const pipeline = redis.pipeline();
      const fields = Array.from({ length: 1 + Math.floor(random() * 30) }, () => ['text', String(random())]);
      for (const each of fields) pipeline.xadd(events, '*', ...each);
      const ids = ((await pipeline.exec()) ?? []).map(([, id]) => String(id));
      ids.forEach((id, at) => published.push({ id, fields: fields[at] ?? [] }));
      await acknowledgeAll(redis, prefix);
    }
  };
  const kill = async (): Promise<void> => {
    let alive = [start(), start()];
    for (let kills = 0; kills < 3; kills++) {
      const sequence = async (): Promise<number> =>
        (await readArchived(redis, { prefix, shard: 0 }))?.sequence ?? 0;
      const due = (await sequence()) + 1 + Math.floor(random() * 5);
      await waitUntil('more segments', async () => (await sequence()) >= due);
      const [victim, ...others] = alive;
      if (victim === undefined) throw new Error('unreachable');
      const exited = once(victim, 'exit');
      victim.kill('SIGKILL');
      await exited;
      alive = [...others, start()];
    }
    for (const each of alive) {
      const exited = once(each, 'exit');
      each.kill('SIGKILL');
      await exited;
    }
    done = true;
  };
  await Promise.all([publish(), kill()]);

  const log = { prefix, shard: 0, archive };
  t.true(published.length > 100);
  t.log(`${published.length} entries`);
  t.deepEqual(await readAll(redis, log), published);
  await finish(t, prefix, archive);
  t.deepEqual(await readAll(redis, log), published);
});
