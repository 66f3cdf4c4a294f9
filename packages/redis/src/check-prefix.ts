import { ConfigurationError } from './configuration-error.ts';

/**
 * The prefix of all keys, if it is usable: braces would move the hash slot of the keys.
 *
 * @throws {ConfigurationError} if it is not.
 */
export function checkPrefix(prefix: unknown): string {
  if (typeof prefix === 'string' && /^[^\s{}]{1,128}$/.test(prefix)) return prefix;
  throw new ConfigurationError(
    `expected 1 to 128 characters without spaces or braces; got ${JSON.stringify(prefix)}`,
    { options: ['prefix'] },
  );
}
