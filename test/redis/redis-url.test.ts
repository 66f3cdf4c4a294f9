import { test } from '../harness/ava.ts';
import { ConfigurationError, connectRedis, redactUrl } from '@streamfold/redis';

const SECRET = 'hush';

/** URLs with the password `hush`, correct ones and ones with common mistakes. */
const WITH_PASSWORD = [
  'redis://user:hush@host:6379/1',
  'redis://:hush@host',
  'rediss://user:hush@host',
  'redis-sentinel://user:hush@a:1,b:2/main',
  'redis-cluster://user:hush@a:1,b:2?tls=true',
  'user:hush@host',
  ':hush@host',
  'hush@host',
  'redis:/:hush@host',
  'redis:user:hush@host',
  'redis:///user:hush@host',
  'redis://hush@host',
  'redis://hush:@host',
  'redis://user:hu/sh@host',
  'redis://user:hu?sh@host',
  'redis://user:hu@sh@host',
  'redis://user:hush',
  'redis://:hush',
  'redis://user:hush:6379',
  'redis://host?password=hush',
  'redis://host:6379/0?user=a&password=hu@sh',
  'redis://host/hush?tls=true&password=hush@',
  'http://user:hush@host',
];

test('a redacted URL shows no password, however the URL was mistyped', (t) => {
  for (const url of WITH_PASSWORD.filter((each) => !each.includes('host/hush'))) {
    t.notRegex(redactUrl(url), /hush|hu\/sh|hu\?sh|hu@sh|sh@/, url);
  }
});

test('everything but the password stays readable in a redacted URL', (t) => {
  for (const url of [
    'redis://127.0.0.1:6379',
    'redis://[::1]:6379/3',
    'redis-sentinel://a:26379,b:26379/main?tls=true',
    'localhost:6379',
    'nonsense',
  ]) {
    t.is(redactUrl(url), url);
  }
  t.is(redactUrl('redis://user:hush@host:6379/1'), 'redis://user:***@host:6379/1');
  t.is(redactUrl('redis://hush@host'), 'redis://***@host');
});

test('an unusable URL is refused, and the error does not show its password', (t) => {
  for (const url of WITH_PASSWORD) {
    let thrown: unknown;
    try {
      connectRedis(url, { name: 'test', commandTimeoutMs: 1_000 }).disconnect();
    } catch (error) {
      thrown = error;
    }
    if (thrown === undefined) continue;
    t.true(thrown instanceof ConfigurationError, url);
    if (!url.includes('host/hush')) t.false(String(thrown).includes(SECRET), String(thrown));
  }
});

const connect = (url: string) => () => connectRedis(url, { name: 'test', commandTimeoutMs: 1_000 });

test('an unknown parameter of a URL is refused, and named', (t) => {
  t.throws(connect('redis://host?password=hush'), {
    name: 'ConfigurationError',
    message:
      'Redis URL: expected no parameter but tls=true or tls=false; got "password"; user and password stand before the host, as in redis://user:password@host',
  });
  t.throws(connect('redis-cluster://host?tls=yes'), { message: /got "tls=yes"/ });
});

test('a URL that is missing is refused with the expected forms', (t) => {
  const missing = undefined as unknown as string;
  t.throws(connect(missing), {
    instanceOf: ConfigurationError,
    message: /^Redis URL: expected redis:\/\/host:port, .*; got undefined$/,
  });
});
