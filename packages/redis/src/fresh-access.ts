import type { Redis, RedisOptions } from 'ioredis';
import { ConfigurationError } from './configuration-error.ts';
import { readCredentials } from './login.ts';
import { readTlsOptions } from './tls-settings.ts';
import type { Access } from './url-access.ts';

/** User, password and TLS, as options of the client. */
export interface AccessOptions {
  readonly server: Pick<RedisOptions, 'username' | 'password' | 'tls'>;
  readonly sentinel: Pick<RedisOptions, 'username' | 'password' | 'tls'>;
}

/**
 * What the files of a URL hold now.
 *
 * @throws {ConfigurationError} if one is unusable.
 */
function readAccess({ login, tls, sentinelLogin, sentinelTls }: Access): AccessOptions {
  return {
    server: { ...readCredentials(login), ...(tls && { tls: readTlsOptions(tls) }) },
    sentinel: {
      ...readCredentials(sentinelLogin),
      ...(sentinelTls && { tls: readTlsOptions(sentinelTls) }),
    },
  };
}

/**
 * Reads the files anew at each call, so that secrets and certificates can be replaced while a program runs. If one is
 * unusable, the last contents that were usable are returned: they may be valid still.
 *
 * @param onUnusable called with the error of an unusable file.
 * @throws {ConfigurationError} at once, if a file is unusable.
 */
export function followAccess(
  access: Access,
  onUnusable: (error: ConfigurationError) => void,
): () => AccessOptions {
  let last = readAccess(access);
  return () => {
    try {
      last = readAccess(access);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      onUnusable(error);
    }
    return last;
  };
}

/** Sets options of a connection before each attempt to connect. */
export function refreshBeforeConnecting(
  redis: Redis,
  readOptions: () => Pick<RedisOptions, 'username' | 'password' | 'tls' | 'host' | 'port'>,
): void {
  const connect = redis.connect.bind(redis);
  redis.connect = (callback) => {
    Object.assign(redis.options, readOptions());
    return connect(callback);
  };
}
