import { readFileSync } from 'node:fs';
import { ConfigurationError, readRedisUrl } from '@streamfold/redis';
import { test } from '../harness/ava.ts';

const page = readFileSync(new URL('../../../docs/connecting.md', import.meta.url), 'utf8');

test('every example of a Redis URL in the docs is accepted', (t) => {
  const urls = [...page.matchAll(/STREAMFOLD_REDIS_URL='([^']+)'/g)].map(([, url = '']) => url);
  t.true(urls.length >= 9, `${urls.length}`);
  for (const redisUrl of urls) t.is(readRedisUrl({ redisUrl }), redisUrl);
});

test('every parameter of a Redis URL is documented', (t) => {
  const parameters = new Set<string>();
  for (const redisUrl of ['unix:///s', 'redis://h', 'redis-sentinel://h/m', 'redis-cluster://h']) {
    const error = t.throws<ConfigurationError>(() => readRedisUrl({ redisUrl: `${redisUrl}?unknown=1` }), {
      instanceOf: ConfigurationError,
    });
    const list = /one of the parameters ([^;]+);/.exec(error?.message ?? '')?.[1] ?? '';
    for (const name of list.split(', ')) parameters.add(name);
  }
  t.true(parameters.size >= 18);
  for (const name of parameters) t.regex(page, new RegExp(`[\`?&]${name}[\`=]`), name);
});
