import { ConfigurationError } from './configuration-error.ts';
import { parseRedisUrl, redactUrl, URL_FORMS } from './redis-url.ts';

/**
 * Where Redis is: `redis://`, `rediss://`, `unix://`, `redis-sentinel://` or `redis-cluster://`. The name is `redisUrl` in every
 * function; `url` is accepted too.
 */
export type RedisUrlOption =
  { readonly redisUrl: string; readonly url?: string } | { readonly redisUrl?: string; readonly url: string };

/**
 * The URL in the options of a public function. Callers without types may pass anything, or nothing.
 *
 * @throws {ConfigurationError} if there are no options, no URL, two different URLs, or one that is malformed.
 */
export function readRedisUrl(options: unknown): string {
  const { redisUrl, url } = checkObject('options', options, 'redisUrl') as Partial<RedisUrlOption>;
  if (redisUrl !== undefined && url !== undefined && redisUrl !== url) {
    throw new ConfigurationError(
      `expected one of the two names of one option; got both, with different values: ${show(redisUrl)} and ${show(url)}`,
      { options: ['redisUrl', 'url'] },
    );
  }
  const given = redisUrl ?? url;
  if (given === undefined || given === null) {
    throw new ConfigurationError(`expected ${URL_FORMS}; got ${given}`, { options: ['redisUrl'] });
  }
  parseRedisUrl(given, redisUrl === undefined ? 'url' : 'redisUrl');
  return given;
}

/**
 * The argument `name`, which must be an object.
 *
 * @param example a property that it needs.
 * @throws {ConfigurationError} if it is anything else, or missing.
 */
export function checkObject(name: string, value: unknown, example: string): object {
  if (typeof value === 'object' && value !== null) return value;
  const got = value === undefined || value === null ? String(value) : `a ${typeof value}`;
  throw new ConfigurationError(`expected an object such as { ${example}: … }; got ${got}`, {
    options: [name],
  });
}

function show(url: unknown): string {
  return typeof url === 'string' ? JSON.stringify(redactUrl(url)) : String(url);
}
