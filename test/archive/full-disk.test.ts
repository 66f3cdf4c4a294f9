import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from '../harness/ava.ts';
import { archiveShard } from '@streamfold/archive';
import { ConfigurationError } from '@streamfold/redis';
import { openTestArchive } from '../harness/open-test-archive.ts';
import { cleanEnvironment, PROGRAM } from '../harness/run-streamfold.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { fillStream } from './fill-stream.ts';

const { redis, url, stop } = await shareRedis();
test.after.always(stop);

const OPTIONS = { shard: 0, shards: 1, settleMs: 0 };

const refuse = (): Promise<void> => Promise.reject(new ConfigurationError('no hard links'));

test('an attempt to archive on a full disk leaves no file behind', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 0);
  for (let n = 0; n < 500; n++) await redis.xadd(events, '*', 'noise', Math.sin(n).toString(36));
  await fillStream(redis, prefix, 1);
  for (let attempt = 0; attempt < 2; attempt++) {
    // A process that may not write files above 1 KiB fails as on a full disk: in the middle of a write.
    const script = 'trap "" XFSZ; ulimit -f 1; exec "$@"';
    const args = ['archive', '--redis', url, '--prefix', prefix, '--archive', archive.directory];
    const command = [process.execPath, PROGRAM, ...args, '--archive-after-seconds', '0'];
    const child = spawn('bash', ['-c', script, 'bash', ...command], { env: cleanEnvironment() });
    const [stderr] = await Promise.all([text(child.stderr), once(child, 'close')]);
    t.is(child.exitCode, 1);
    t.regex(stderr, /^streamfold: archive \S+: cannot write shard-0\/\S+: EFBIG: .*\n$/);
  }
  t.deepEqual(await readdir(join(archive.directory, 'shard-0')), []);
  t.is(await archiveShard(redis, { ...OPTIONS, prefix, archive }), 501, 'once there is room');
});

test('a directory that cannot keep the promises of an archive is refused before data are written', async (t) => {
  const { store, ...archive } = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  await fillStream(redis, prefix, 10);
  const refusing = { ...archive, store: { ...store, prepare: refuse } };
  await t.throwsAsync(archiveShard(redis, { ...OPTIONS, prefix, archive: refusing }), {
    message: 'no hard links',
  });
  t.deepEqual(await readdir(archive.directory), []);
});

test("files of a writer that crashed more than a day ago are removed, but not today's", async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  await fillStream(redis, prefix, 10);
  const folder = join(archive.directory, 'shard-0');
  await mkdir(folder);
  for (const name of ['.tmp-old', '.tmp-new']) await writeFile(join(folder, name), 'half');
  const before = new Date(Date.now() - 90_000_000);
  await utimes(join(folder, '.tmp-old'), before, before);
  await archiveShard(redis, { ...OPTIONS, prefix, archive });
  const names = (await readdir(folder)).filter((name) => name.startsWith('.'));
  t.deepEqual(names, ['.tmp-new']);
});
