import { test } from '../harness/ava.ts';
import { createPublisher } from '@streamfold/publisher';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { createRandom } from '../harness/generate-events.ts';
import { readPublished } from '../harness/read-published.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { signalSent } from '../publisher/signal-sent.ts';

const IDS = 4_000;
const STEP_IDS = 250;

const server = await shareRedis();
test.after.always(() => server.stop());

test('two publishers that retry the same ids over breaking connections append each event once', async (t) => {
  const prefix = nextPrefix();
  const sides = await Promise.all(
    [1, 2].map(async (seed) => {
      const proxy = await startFaultProxy(server.port);
      t.teardown(() => proxy.stop());
      const publisher = createPublisher({ url: `redis://127.0.0.1:${proxy.port}`, prefix });
      t.teardown(() => publisher.close());
      await publisher.append(signalSent(-1, { id: 'first' })); // from now on Redis has the script
      return { proxy, publisher, random: createRandom(seed) };
    }),
  );
  let cuts = 0;

  await Promise.all(
    sides.map(async ({ proxy, publisher, random }) => {
      for (let from = 0; from < IDS; from += STEP_IDS) {
        const needle = `${prefix}:{0}:published-ids`;
        const cut = random() < 0.5 ? proxy.cutAfterReply(needle) : proxy.cutBeforeSend(needle);
        for (let number = from; number < from + STEP_IDS; number++) {
          publisher.publish(signalSent(number, { id: `id-${number}` }));
        }
        await Promise.all([cut, publisher.flush()]);
        cuts += 1;
      }
    }),
  );

  const numbers = (await readPublished(server.redis, { prefix })).map((event) => Number(event['signal_id']));
  t.deepEqual(
    numbers.toSorted((left, right) => left - right),
    Array.from({ length: IDS + 1 }, (_, at) => at - 1),
  );
  t.is(cuts, (2 * IDS) / STEP_IDS);
  const [one, two] = sides.map(({ publisher }) => publisher.stats());
  t.is((one?.published ?? 0) + (two?.published ?? 0), IDS + 1);
  t.is((one?.duplicates ?? 0) + (two?.duplicates ?? 0), IDS + 1);
});
