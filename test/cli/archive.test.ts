import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type ExecutionContext } from '../harness/ava.ts';
import { dataName, listSegments } from '@streamfold/archive';
import { appendFlat, eventsKey } from '../harness/append-events.ts';
import { countLost } from '../harness/check-folded-once.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { openTestArchive, type TestArchive } from '../harness/open-test-archive.ts';
import { runStreamfold, serveHere, type ProgramRun } from '../harness/run-streamfold.ts';
import { scrape } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

interface Installation {
  readonly prefix: string;
  readonly archive: TestArchive;
  readonly run: (...args: string[]) => Promise<ProgramRun>;
}

/** An installation that has folded some entries, and an archive for it. */
async function install(t: ExecutionContext, entries = 300): Promise<Installation> {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix });
  await appendFlat(redis, { prefix }, generateEvents(entries, { seed: 4 }));
  await waitUntilFolded(redis, { prefix });
  await aggregator.stop();
  const env = {
    STREAMFOLD_REDIS_URL: redisUrl,
    STREAMFOLD_PREFIX: prefix,
    STREAMFOLD_ARCHIVE: archive.directory,
    STREAMFOLD_ARCHIVE_AFTER_SECONDS: '0',
  };
  return { prefix, archive, run: (...args) => runStreamfold(args, { env }) };
}

test('archive writes segments, trims by the retention, and reports both; status, check and verify agree', async (t) => {
  const { prefix, archive, run } = await install(t);
  const dry = await run('archive', '--dry-run');
  t.like(dry, { code: 0, stderr: '' });
  t.regex(
    dry.stdout,
    /^shard 0: segment 1 would be written, \S+ to \S+, 300 entries, [\d,]+ bytes\nshard 0: 300 entries would be archived\n$/,
  );
  t.deepEqual(await listSegments(archive, 0), []);

  const first = await run('archive');
  t.like(first, { code: 0, stderr: '' });
  t.regex(
    first.stdout,
    /^shard 0: segment 1, \S+ to \S+, 300 entries, [\d,]+ bytes\nshard 0: 300 entries archived, 0 trimmed\n$/,
  );
  const again = JSON.parse((await run('archive', '--retention-hours', '0', '--json')).stdout) as unknown;
  t.deepEqual(again, { dryRun: false, shards: [{ shard: 0, segments: [], entries: 0, trimmed: 300 }] });
  t.is(await redis.xlen(eventsKey({ prefix })), 0);

  const [segment] = await listSegments(archive, 0);
  t.regex((await run('status')).stdout, new RegExp(`^  archived {9}to ${segment?.lastId}, 1 segment$`, 'm'));
  t.like(await run('archive', 'check'), {
    code: 0,
    stdout: 'shard 0: 1 segment, 300 entries\n',
    stderr: '',
  });
  const verified = await run('verify');
  t.is(verified.code, 0);
  t.regex(verified.stdout, /^shard 0, generation \S+: equal \(300 entries folded, 0 pending\)\n$/);
});

test('a count of one is followed by a singular noun in the output of every command', async (t) => {
  const { run } = await install(t, 1);
  const outputs = [];
  for (const args of [['archive'], ['archive', 'check'], ['status'], ['verify']]) {
    const { code, stdout, stderr } = await run(...args);
    t.is(code, 0, stderr);
    outputs.push(stdout);
  }
  await waitUntil('a step of a second ends after the entry', async () => {
    const { stderr } = await run('backfill', '--step', '1');
    if (/ of 1 entry/.test(stderr)) outputs.push(stderr);
    return outputs.length === 5;
  });
  const shown = outputs.join('');
  for (const counted of ['1 entry, ', '1 entry archived', '1 segment, 1 entry', '1 record', '1 entry folded'])
    t.true(shown.includes(counted), `${counted}: ${shown}`);
  t.regex(shown, /samples? of 1 entry, in /);
  t.notRegex(shown, /\b1 (entries|events|segments|samples|steps|records)\b/);
});

test('a damaged segment is named with its range by check, verify and restore, with exit code 1', async (t) => {
  const { archive, run } = await install(t);
  await run('archive', '--retention-hours', '0');
  const [segment] = await listSegments(archive, 0);
  if (segment === undefined) return t.fail();
  await truncate(join(archive.directory, dataName(0, segment)), 50);
  const text = `log of shard 0, entries behind 0-0 to ${segment.lastId}: segment 1 (${segment.firstId} to ${segment.lastId})`;
  for (const args of [['archive', 'check'], ['verify'], ['archive', 'restore', '--prefix', nextPrefix()]]) {
    const { code, stderr } = await run(...args);
    t.is(code, 1, args.join(' '));
    t.true(stderr.startsWith(`streamfold: ${text}`), stderr);
    t.regex(stderr, /expected \d+ bytes; got 50\n$/);
  }
});

test('verify shows the first difference of each series, and the number of the others', async (t) => {
  const { prefix, run } = await install(t);
  const stream = eventsKey({ prefix });
  const entries = await redis.xrange(stream, '-', '+');
  const gone = entries.filter(([, fields]) => fields.includes('signal.acked')).slice(0, 3);
  await redis.xdel(stream, ...gone.map(([id]) => id));
  const { code, stdout } = await run('verify');
  t.is(code, 1);
  const series = stdout.match(
    /^ {2}signal_delivery_latency_seconds\S+: live .*, folded .*, and \d+ more of this series$/gm,
  );
  const keys = new Set(gone.map(([, fields]) => [fields[5], fields[7], fields[9]].join()));
  t.is(series?.length, keys.size, stdout);
});

test('an operator decides how an archive is continued with one flag, which counts only on the command line', async (t) => {
  const { prefix, run } = await install(t);
  t.is((await run('archive', '--retention-hours', '0')).code, 0);
  await redis.del(`${prefix}:{0}:archived`);
  const stopped = await run('archive');
  t.is(stopped.code, 1);
  t.regex(stopped.stderr, /see "When archiving stops" in docs\/archive\.md\n$/);
  t.regex((await run('status')).stdout, /^ {2}archive stopped +other_history: log of shard 0, /m);
  const several = await run('archive', '--adopt', '--begin-new');
  t.like(several, { code: 2, stdout: '' });
  t.regex(several.stderr, /^streamfold: expected one of --adopt, --begin-new, --discard-unrecorded/);
  const occupied = await run('archive', '--begin-new');
  t.is(occupied.code, 2);
  t.regex(occupied.stderr, /^streamfold: --begin-new: expected no segments of shard 0 in /);
  const adopted = await run('archive', '--adopt');
  t.like(adopted, { code: 0, stderr: '' });
  t.regex(adopted.stdout, /^shard 0: the archive is adopted up to segment 1, which ends with \S+\n/);
  t.is((await run('archive')).code, 0);
});

test('restore appends an archive to an empty stream', async (t) => {
  const { archive, run } = await install(t);
  await run('archive');
  const prefix = nextPrefix();
  const restored = await run('archive', 'restore', '--prefix', prefix);
  t.like(restored, { code: 0, stdout: 'shard 0: 300 entries restored\n' });
  t.is(await redis.xlen(eventsKey({ prefix })), 300);
  const shards = await run('archive', 'restore', '--prefix', nextPrefix(), '--shards', '2');
  t.is(shards.code, 2);
  t.regex(shards.stderr, /^streamfold: archive .*: expected segments of 2 shards; got one of 1\n$/);
  t.is((await listSegments(archive, 0)).length, 1);
});

test('aggregators archive and trim on a schedule, one of them at a time, and report it', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const env = {
    STREAMFOLD_PREFIX: prefix,
    STREAMFOLD_ARCHIVE: `file://${archive.directory}`,
    STREAMFOLD_ARCHIVE_EVERY_SECONDS: '1',
    STREAMFOLD_ARCHIVE_AFTER_SECONDS: '0',
    STREAMFOLD_RETENTION_HOURS: '0',
  };
  const serving = await Promise.all([serveHere(redisUrl, env), serveHere(redisUrl, env)]);
  t.teardown(() => Promise.all(serving.map((each) => each.stop())));
  for (const seed of [1, 2, 3]) {
    await appendFlat(redis, { prefix }, generateEvents(100, { seed }));
    await waitUntil('all to be folded, archived and trimmed', async () => {
      return (await redis.xlen(eventsKey({ prefix }))) === 0;
    });
  }
  const segments = await listSegments(archive, 0);
  t.is(
    segments.reduce((sum, { entries }) => sum + entries, 0),
    300,
  );
  t.true(segments.length <= 30, `${segments.length} segments`);
  t.is(await countLost({ redis, prefix }), 0);
  const told = new Map<string, number>();
  for (const { url } of serving) {
    t.true((await scrape(url)).size > 0);
    const text = await (await fetch(`${url}/metrics`)).text();
    for (const [, name = '', value] of text.matchAll(
      /^streamfold_((?:entries|segments)_(?:archived|trimmed)_total) (\d+)$/gm,
    )) {
      told.set(name, (told.get(name) ?? 0) + Number(value));
    }
  }
  t.deepEqual(Object.fromEntries(told), {
    entries_archived_total: 300,
    segments_archived_total: segments.length,
    entries_trimmed_total: 300,
  });
});

test('an archive that cannot be written does not disturb aggregation, is reported with its reason, and continues once it can be written', async (t) => {
  const prefix = nextPrefix();
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const file = join(archive.directory, 'a-file');
  await writeFile(file, '');
  const serving = await serveHere(redisUrl, {
    STREAMFOLD_PREFIX: prefix,
    STREAMFOLD_ARCHIVE: join(file, 'archive'),
    STREAMFOLD_ARCHIVE_EVERY_SECONDS: '1',
    STREAMFOLD_ARCHIVE_AFTER_SECONDS: '0',
    STREAMFOLD_RETENTION_HOURS: '0',
  });
  t.teardown(serving.stop);
  await appendFlat(redis, { prefix }, generateEvents(100, { seed: 1 }));
  await waitUntilFolded(redis, { prefix });
  await waitUntil('the failure to be counted', async () => {
    const text = await (await fetch(`${serving.url}/metrics`)).text();
    return /^streamfold_failures_total\{step="archive"\} 1$/m.test(text);
  });
  await waitUntil('every aggregator to say that archiving has stopped, and why', async () => {
    const text = await (await fetch(`${serving.url}/metrics`)).text();
    return /^streamfold_archive_stopped\{reason="store_failed"\} 1$/m.test(text);
  });
  const health = (await (await fetch(`${serving.url}/prometheus/health`)).json()) as {
    status: string;
    reasons: unknown[];
  };
  t.like(health, { status: 'degraded', reasons: [{ reason: 'archive_stopped', shard: 0 }] });
  t.regex(JSON.stringify(health.reasons), /"detail":"store_failed: archive \S+: cannot \w+ shard-0/);
  await rm(file);
  await waitUntil('archiving to continue, and to be healthy again', async () => {
    const text = await (await fetch(`${serving.url}/metrics`)).text();
    return !/^streamfold_archive_stopped\{reason="\w+"\} [1-9]/m.test(text);
  });
  t.true((await scrape(serving.url)).size > 0);
  await waitUntil('the archived entries to be trimmed', async () => {
    return (await redis.xlen(eventsKey({ prefix }))) === 0;
  });
});

test('a shard that cannot be archived does not stop the archiving of the others', async (t) => {
  const prefix = nextPrefix();
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  await writeFile(join(archive.directory, 'shard-0'), 'a file where a directory should be');
  const serving = await serveHere(redisUrl, {
    STREAMFOLD_PREFIX: prefix,
    STREAMFOLD_SHARDS: '2',
    STREAMFOLD_ARCHIVE: archive.directory,
    STREAMFOLD_ARCHIVE_EVERY_SECONDS: '1',
    STREAMFOLD_ARCHIVE_AFTER_SECONDS: '0',
    STREAMFOLD_RETENTION_HOURS: '0',
  });
  t.teardown(serving.stop);
  const events = [...generateEvents(60, { seed: 1 })];
  for (const shard of [0, 1]) await appendFlat(redis, { prefix, shard }, events);
  await waitUntil('the second shard to be archived and trimmed', async () => {
    return (await redis.xlen(eventsKey({ prefix, shard: 1 }))) === 0;
  });
  t.is(await redis.xlen(eventsKey({ prefix, shard: 0 })), 60);
});
