import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from '../harness/ava.ts';
import { archiveShard, readArchived, restoreShard, type LogEntry } from '@streamfold/archive';
import { replyField } from '@streamfold/redis';
import { fillStream } from '../archive/fill-stream.ts';
import { readWholeStream } from '../archive/read-all.ts';
import { openTestArchive, type TestArchive } from '../harness/open-test-archive.ts';
import { amount } from '../harness/soaking.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';

const { redis, url, stop } = await shareRedis();
test.after.always(stop);

/** Each kill takes a process: `npm test` takes every third step, before and after by turns. */
const EVERY_STEPS = amount({ test: 5, soak: 1 });
const PROCESS = fileURLToPath(new URL('../archive/restorer-process.js', import.meta.url));

/** Runs a restore once; returns the number of its steps, or `undefined` if it killed itself at step `killAt`. */
async function runRestore(
  prefix: string,
  { directory }: TestArchive,
  killAt: number,
): Promise<number | undefined> {
  try {
    const args = [PROCESS, url, prefix, directory, String(killAt)];
    return Number((await promisify(execFile)(process.execPath, args)).stdout);
  } catch (error) {
    if (error instanceof Error && 'signal' in error && error.signal === 'SIGKILL') return undefined;
    throw error;
  }
}

function restoreAgain(prefix: string, archive: TestArchive): Promise<number> {
  return restoreShard(redis, {
    prefix,
    shard: 0,
    shards: 1,
    archive,
    retentionMs: 3_600_000,
    mostAhead: 1e9,
    pause: () => Promise.resolve(),
    stop: new AbortController().signal,
    onProgress: () => undefined,
  });
}

/** An archive that begins late and has a gap; and its four entries. */
async function writeArchive(): Promise<{ archive: TestArchive; entries: LogEntry[] }> {
  const archive = await openTestArchive();
  const prefix = nextPrefix();
  const options = { prefix, shard: 0, shards: 1, archive, settleMs: 0, acceptGap: true };
  const entries: LogEntry[] = [];
  for (let round = 0; round < 2; round++) {
    const events = await fillStream(redis, prefix, 3);
    await redis.xtrim(events, 'MAXLEN', '=', 2);
    entries.push(...(await readWholeStream(redis, events)));
    await archiveShard(redis, options);
    await redis.xtrim(events, 'MAXLEN', '=', 0);
  }
  return { archive, entries };
}

test('a restore that is killed before or after any step completes when it is run again', async (t) => {
  t.timeout(120_000);
  const { archive, entries } = await writeArchive();
  t.teardown(archive.remove);
  t.is(entries.length, 4);
  await restoreAgain(nextPrefix(), archive); // loads the scripts into Redis, which takes steps
  const steps = (await runRestore(nextPrefix(), archive, 0)) ?? 0;
  t.true(steps >= 10, `${steps} steps`);
  for (let killAt = 1; killAt <= steps; killAt += EVERY_STEPS) {
    const prefix = nextPrefix();
    const events = `${prefix}:{0}:events`;
    t.is(await runRestore(prefix, archive, killAt), undefined);
    await restoreAgain(prefix, archive);
    t.deepEqual(await readWholeStream(redis, events), entries, `killed at step ${killAt}`);
    t.deepEqual(
      await redis.xinfo('GROUPS', events),
      [],
      'no group is left that would keep it from being trimmed',
    );
    const stream = (await redis.xinfo('STREAM', events)) as unknown[];
    t.deepEqual([replyField(stream, 'length'), replyField(stream, 'entries-added')], [4, 6]);
    t.is((await readArchived(redis, { prefix, shard: 0 }))?.position, 6);
  }
});

test('the group left by a killed restore of an earlier version is removed', async (t) => {
  const { archive, entries } = await writeArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = `${prefix}:{0}:events`;
  await redis.xgroup('CREATE', events, 'restore', '0', 'MKSTREAM');
  t.is(await restoreAgain(prefix, archive), 4);
  t.deepEqual(await redis.xinfo('GROUPS', events), []);
  t.deepEqual(await readWholeStream(redis, events), entries);
});
