import type { ExecutionContext } from './ava.ts';
import { countLost, waitUntilAllFolded, type Installation } from './check-folded-once.ts';
import { compareSamples } from './compare-samples.ts';
import { readPublished } from './read-published.ts';
import { foldReference } from './reference-fold.ts';
import { checkReplicasAgree, urlOf } from './replicas-agree.ts';
import { runStreamfold } from './run-streamfold.ts';
import { scrape, withoutAges } from './scrape.ts';

/**
 * Waits until everything is folded, then checks that no entry counts as lost, that every replica shows the fold of the stream,
 * and that verify agrees. Returns the events of the stream.
 */
export async function checkVerified(
  t: ExecutionContext,
  { redis, prefix, urls }: Omit<Installation, 'shards'> & { readonly urls: readonly string[] },
  hint: string,
): Promise<Awaited<ReturnType<typeof readPublished>>> {
  const installation = { redis, prefix };
  await waitUntilAllFolded(installation);
  t.is(await countLost(installation), 0, hint);
  const events = await readPublished(redis, { prefix });
  const expected = foldReference(events.map((fields) => ({ fields })));
  for (const url of urls) t.deepEqual(compareSamples(withoutAges(await scrape(url)), expected), [], hint);
  await checkReplicasAgree(t, installation, urls);
  const redisUrl = urlOf(redis);
  const { code, stderr } = await runStreamfold(['verify', '--redis', redisUrl, '--prefix', prefix]);
  t.is(code, 0, `${hint}: ${stderr}`);
  return events;
}
