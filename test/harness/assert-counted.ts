import { createPublisher } from '@streamfold/publisher';
import type { ExecutionContext } from './ava.ts';
import { scrape } from './scrape.ts';
import { startAggregator } from './start-aggregator.ts';
import { waitUntil } from './wait-until.ts';

const SWARMS = 16;

/** Publishes an event in each of some swarms, and waits until an aggregator serves all of them. */
export async function assertCounted(
  t: ExecutionContext,
  { redisUrl, shards = 1 }: { readonly redisUrl: string; readonly shards?: number },
): Promise<void> {
  const where = { redisUrl, shards, prefix: 'counted' };
  const aggregator = await startAggregator(where);
  t.teardown(() => aggregator.stop());
  const publisher = createPublisher({ ...where, observer: {} });
  for (let at = 0; at < SWARMS; at++) {
    publisher.publish({
      type: 'signal.sent',
      swarm_id: `s${at}`,
      sender_id: 'a',
      receiver_id: 'b',
      signal_type: 'plan',
    });
  }
  t.is((await publisher.close({ deadlineMs: 30_000 })).undelivered, 0);
  await waitUntil('all are counted', async () => {
    const samples = [...(await scrape(aggregator.url))];
    return (
      samples.filter(([name, value]) => name.startsWith('signals_sent_total{') && value === '1').length ===
      SWARMS
    );
  });
  t.pass();
}
