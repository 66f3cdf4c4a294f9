import { test } from '../harness/ava.ts';
import { createPublisher } from '@streamfold/publisher';
import { ConfigurationError } from '@streamfold/redis';
import { readPublished } from '../harness/read-published.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { signalSent } from './signal-sent.ts';

const { redis, url, stop } = await shareRedis();
test.after.always(stop);

test('a deadline that is not a number of at least 0 is refused with what arrived: nothing is appended, and the publisher stays open', async (t) => {
  const prefix = nextPrefix();
  const publisher = createPublisher({ url, prefix });
  for (const wrong of [Number.NaN, -1, '5', null] as unknown[] as number[]) {
    const got = typeof wrong === 'string' ? JSON.stringify(wrong) : String(wrong);
    const expected = (name: string) => ({
      instanceOf: ConfigurationError,
      message: `${name}: expected a number of milliseconds of at least 0; got ${got}`,
    });
    await t.throwsAsync(publisher.append(signalSent(1), { timeoutMs: wrong }), expected('timeoutMs'));
    await t.throwsAsync(publisher.close({ deadlineMs: wrong }), expected('deadlineMs'));
  }
  publisher.publish(signalSent(2));
  t.deepEqual(await publisher.close({ deadlineMs: 2 ** 40 }), { undelivered: 0, fateUnknown: 0 });
  t.is((await readPublished(redis, { prefix })).length, 1);
});
