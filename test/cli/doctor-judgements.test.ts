import { judgeClocks, judgeProduct, parseInfo } from 'streamfold/doctor-judgements';
import { test } from '../harness/ava.ts';

const reading = (at: string, aheadMs: number, uncertainMs: number) => ({ at, aheadMs, uncertainMs });

test('clocks that differ by more than the round trips explain give a warning, with the node that is ahead', (t) => {
  const found = judgeClocks([
    reading(' at a:1', 10, 2),
    reading(' at b:1', 4_010, 3),
    reading(' at c:1', 0, 1),
  ]);
  t.is(found.verdict, 'warn');
  t.regex(found.text, /^4010 ms apart, give or take 4 ms: the node at b:1 is ahead of the node at c:1; /);
});

test('a difference that a slow answer explains is none', (t) => {
  t.like(judgeClocks([reading(' at a:1', 0, 1), reading(' at b:1', 900, 2)]), { verdict: 'ok' });
  const slow = judgeClocks([reading(' at a:1', 0, 5), reading(' at b:1', 2_500, 2_000)]);
  t.deepEqual([slow.verdict, slow.text], ['ok', 'cannot be compared: the answers took up to 4010 ms']);
});

const PRODUCTS = [
  ['redis_version:7.2.4\r\n', '10.0.0.1', 'ok', 'Redis 7.2.4'],
  ['redis_version:7.2.4\r\nvalkey_version:8.1.0\r\n', undefined, 'ok', 'Valkey 8.1.0'],
  ['redis_version:7.1.0\r\nos:Amazon ElastiCache\r\n', 'x', 'ok', 'Redis 7.1.0 (Amazon ElastiCache)'],
  ['redis_version:7.1.0\r\n', 'c.x.memorydb.eu-west-1.amazonaws.com', 'ok', 'Redis 7.1.0 (Amazon MemoryDB)'],
  ['redis_version:7.4.2\r\n', 'redis-1.c1.eu.ec2.redns.redis-cloud.com', 'ok', 'Redis 7.4.2 (Redis Cloud)'],
  ['redis_version:6.2.6\r\nupstash_version:1.12.0\r\n', 'x', 'warn', 'Upstash 1.12.0, which'],
  ['redis_version:6.3.4\r\nmvcc_depth:0\r\n', 'x', 'warn', 'KeyDB 6.3.4, which'],
  ['redis_version:6.2.14\r\n', 'x', 'fail', 'Redis 6.2.14; Redis 7.0 or newer'],
] as const;

test('a product is named by its own field of INFO, a service by INFO or by its host', (t) => {
  for (const [info, host, verdict, text] of PRODUCTS) {
    const found = judgeProduct({ info: parseInfo(info), at: '', failure: undefined }, host);
    t.is(found.verdict, verdict, text);
    t.true(found.text.startsWith(text), found.text);
  }
});
