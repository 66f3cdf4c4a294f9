import { ConfigurationError } from '@streamfold/redis';

/**
 * A text would pass for a list of its characters.
 *
 * @throws {ConfigurationError} if it is not a list.
 */
export function checkList(name: string, value: unknown, what: string): void {
  if (Array.isArray(value)) return;
  const got = value === undefined || value === null ? String(value) : `a ${typeof value}`;
  throw new ConfigurationError(`expected a list ${what}; got ${got}`, { options: [name] });
}
