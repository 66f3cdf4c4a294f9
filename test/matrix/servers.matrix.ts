import { LIBRARY } from '@streamfold/coordination';
import { declareTogether, test } from '../harness/ava.ts';
import { readLuaFiles, recordSentScripts } from '../harness/sent-scripts.ts';
import { startRedis } from '../harness/start-redis.ts';
import { canRunEarlierLibrary, EARLIER_LIBRARY } from '../coordination/earlier-library.ts';

/** The tests that `npm run test:matrix` runs with each server: they run every script and function, and every way to connect. */
const FILES = [
  'redis/tls',
  'redis/unix-socket',
  'redis/secret-files',
  'redis/sentinel-access',
  'redis/cluster-access',
  'redis/half-moved-slot',
  'publisher/publishing',
  'publisher/idempotency-window',
  'publisher/durability',
  'coordination/declared-keys',
  'coordination/refusals',
  'coordination/both-interfaces',
  'coordination/earlier-functions',
  'coordination/functions',
  'aggregator/declared-keys',
  'aggregator/dead-letters',
  'aggregator/trimmed-unread',
  'archive/archiving',
  'archive/restore',
  'rebuild/rebuild',
  'rebuild/from-archive',
  'rebuild/dropped',
  'cli/doctor',
  'cli/publish',
  'cli/status',
  'cli/dead-letters',
  'cli/verify',
  'cli/least-privilege',
  'cli/refused-commands',
];

const sent = recordSentScripts();
const files = FILES.map((name): [string, () => Promise<unknown>] => [
  name,
  () => import(new URL(`../${name}.test.js`, import.meta.url).href),
]);
await declareTogether(new Map([...files, ['matrix', async () => declareCoverage()]]));

/** Declared last, so it runs last. */
async function declareCoverage(): Promise<void> {
  test('every script and every function of both interfaces has been run', async (t) => {
    const server = await startRedis();
    t.teardown(() => server.stop());
    const libraries = (await canRunEarlierLibrary(server.redis)) ? [LIBRARY, EARLIER_LIBRARY] : [LIBRARY];
    const texts = [...sent.texts, LIBRARY];
    t.deepEqual(
      [...readLuaFiles()].flatMap(([file, lua]) => (texts.some((text) => text.includes(lua)) ? [] : [file])),
      [],
    );
    const registered = libraries.flatMap((library) =>
      [...library.matchAll(/['"](streamfold_\d_\w+)['"]/g)].map(([, name = '']) => name),
    );
    t.deepEqual(
      registered.filter((name) => !sent.functions.has(name)),
      [],
    );
  });
}
