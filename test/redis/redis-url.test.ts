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
  'unix://user:hush@/run/redis.sock',
  'redis-sentinel://host/main?sentinel_password=hush',
  'redis://host?hush',
  'redis://host?password_file=hush',
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
    'rediss://host?tls_ca_file=/etc/ca.pem&password_file=/run/secrets/redis',
    'unix:///run/redis/redis.sock?db=2',
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

test('an unknown parameter of a URL is refused, and named with those that are known', (t) => {
  t.throws(connect('redis://host?password=hush'), {
    name: 'ConfigurationError',
    message:
      'Redis URL: expected one of the parameters username_file, password_file, tls, tls_ca_file, tls_cert_file, tls_key_file, tls_server_name; got "password": user and password stand before the host, as in redis://user:password@host, or in files that username_file and password_file name',
  });
  t.throws(connect('redis-cluster://host?tls=yes'), { message: /expected true or false in tls; got "yes"$/ });
  t.throws(connect('redis://host?nat_map=a:1=b:2'), {
    message: /in a URL redis:\/\/; got nat_map$/,
  });
  t.throws(connect('redis://host?tls=true&tls=false'), {
    message: /expected the parameter tls once; got it twice$/,
  });
});

test('parameters that contradict each other are refused', (t) => {
  const refusals: [url: string, message: RegExp][] = [
    [
      'redis://h?tls_ca_file=/ca',
      /expected TLS: rediss:\/\/ or tls=true, with tls_ca_file; got tls_ca_file without it$/,
    ],
    [
      'rediss://h?tls_cert_file=/c',
      /expected tls_cert_file and tls_key_file together, or neither; got only tls_cert_file$/,
    ],
    [
      'redis://:hush@h?password_file=/p',
      /expected a user and a password once each; got one before the host and one in password_file$/,
    ],
    [
      'redis-sentinel://h/m?sentinel_tls_ca_file=/ca',
      /expected TLS for Sentinels: .*, with sentinel_tls_ca_file; got sentinel_tls_ca_file without it$/,
    ],
    [
      'redis-cluster://h?nat_map=a:1',
      /expected announced:port=reachable:port, separated by commas, in nat_map; got "a:1"$/,
    ],
    ['redis-cluster://h?nat_map=a:1=b:x', /in nat_map; got "a:1=b:x"$/],
    [
      'unix:///s?tls=true',
      /expected one of the parameters db, username_file, password_file in a URL unix:\/\/; got tls$/,
    ],
  ];
  for (const [url, message] of refusals) t.throws(connect(url), { name: 'ConfigurationError', message });
});

test('a secret in place of the path of its file is refused, and not shown', (t) => {
  for (const url of ['redis://h?password_file=hush', 'redis-sentinel://h/m?sentinel_password_file=hush']) {
    const error = t.throws(connect(url), { message: /expected the path of a file, with at least one slash/ });
    t.false(String(error).includes(SECRET));
    t.false(redactUrl(url).includes(SECRET));
  }
  t.is(
    redactUrl('redis-sentinel://h/m?sentinel_password=hush&tls=true'),
    'redis-sentinel://h/m?sentinel_password=***&tls=true',
  );
  t.is(redactUrl('unix://ada:hush@/run/redis.sock?db=1'), 'unix://ada:***@/run/redis.sock?db=1');
});

test('a URL that is missing is refused with the expected forms', (t) => {
  const missing = undefined as unknown as string;
  t.throws(connect(missing), {
    instanceOf: ConfigurationError,
    message: /^Redis URL: expected redis:\/\/host:port, .*; got undefined$/,
  });
});
