import { ConfigurationError } from './configuration-error.ts';

/** The parts of a Redis URL. */
export interface RedisTarget {
  readonly scheme: Scheme;
  readonly nodes: readonly RedisAddress[];
  /** Of a primary that Sentinels watch. */
  readonly masterName: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly tls: boolean;
}

interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

type Scheme = (typeof SCHEMES)[number];

const SCHEMES = ['redis', 'rediss', 'redis-sentinel', 'redis-cluster'] as const;

/** The URL forms that are understood, for error texts. */
const URL_FORMS =
  'redis://host:port, rediss://host:port, redis-sentinel://host:port,host:port/master-name or redis-cluster://host:port,host:port';

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;

const URL_PATTERN =
  /^(redis|rediss|redis-sentinel|redis-cluster):\/\/(?:([^@/]*)@)?([^/?@]+)(?:\/([^?]*))?(?:\?(.*))?$/;

/**
 * Parses `redis://`, `rediss://` (TLS), `redis-sentinel://a:26379,b:26379/master-name` or
 * `redis-cluster://a:6379,b:6379`, each with optional `user:password@`; `?tls=true` for the last two.
 *
 * @throws {ConfigurationError} if the URL is none of these, or has a parameter other than `tls`. The text holds no password.
 */
export function parseRedisUrl(url: string): RedisTarget {
  // A caller without types may pass an unset variable, or name the option wrongly.
  if (typeof url !== 'string')
    throw new ConfigurationError(`Redis URL: expected ${URL_FORMS}; got ${String(url)}`);
  const match = URL_PATTERN.exec(url);
  if (match === null) throw badUrl(url);
  const [, name = '', userinfo = '', hosts = '', path = '', query = ''] = match;
  const scheme = SCHEMES.find((known) => known === name);
  if (scheme === undefined) throw badUrl(url);
  const defaultPort = scheme === 'redis-sentinel' ? SENTINEL_PORT : REDIS_PORT;
  const nodes = hosts.split(',').map((host) => parseAddress(host, defaultPort, url));
  const single = scheme === 'redis' || scheme === 'rediss';
  const masterName = scheme === 'redis-sentinel' ? path : undefined;
  const database = single && path !== '' ? path : '0';
  if (!/^\d{1,5}$/.test(database) || masterName === '' || (single && nodes.length > 1)) throw badUrl(url);
  const tls = parseParameters(query) || scheme === 'rediss';
  return { scheme, nodes, masterName, ...parseUserinfo(userinfo, url), db: Number(database), tls };
}

function parseAddress(text: string, defaultPort: number, url: string): RedisAddress {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:\s]+)(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[2] ?? defaultPort);
  if (match?.[1] === undefined || port < 1 || port > 65_535) throw badUrl(url);
  return { host: match[1].replace(/^\[|\]$/g, ''), port };
}

/** True if they ask for TLS. */
function parseParameters(query: string): boolean {
  let tls = false;
  for (const [name, value] of new URLSearchParams(query)) {
    if (name !== 'tls' || (value !== 'true' && value !== 'false')) {
      const hint =
        name === 'tls' ? '' : '; user and password stand before the host, as in redis://user:password@host';
      throw new ConfigurationError(
        `Redis URL: expected no parameter but tls=true or tls=false; got ${JSON.stringify(name === 'tls' ? `tls=${value}` : name)}${hint}`,
      );
    }
    tls = value === 'true';
  }
  return tls;
}

function parseUserinfo(userinfo: string, url: string): Pick<RedisTarget, 'username' | 'password'> {
  const colon = userinfo.indexOf(':');
  try {
    const username = decodeURIComponent(colon === -1 ? userinfo : userinfo.slice(0, colon));
    const password = colon === -1 ? '' : decodeURIComponent(userinfo.slice(colon + 1));
    return { username: username || undefined, password: password || undefined };
  } catch {
    throw badUrl(url); // no cause: it would quote the password
  }
}

function badUrl(url: string): ConfigurationError {
  return new ConfigurationError(`Redis URL: expected ${URL_FORMS}; got ${JSON.stringify(redactUrl(url))}`);
}

/** Name of a connection in error texts: the URL without user, password and parameters. */
export function describeTarget({ scheme, nodes, masterName, db }: RedisTarget): string {
  const hosts = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
  const path = masterName ?? (db === 0 ? undefined : String(db));
  return `${scheme}://${hosts}${path === undefined ? '' : `/${path}`}`;
}

const REDIS_SCHEME = /^rediss?(?:-[a-z]+)?:\/{0,2}/;
/** A colon and what follows it up to the next host, unless it is a port; the colons of an IPv6 address stay. */
const NO_PORT = /(?<=^|[^:]):(?!\d{1,5}(?:[,/]|$))[^,/\]]+(?=[,/]|$)/g;
const ANY_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//;

/**
 * The URL without its password, for logs and error texts. Of a URL that is malformed, whatever may be a password is
 * hidden: all before the last `@`, all parameters, and what stands in place of a port.
 */
export function redactUrl(url: string): string {
  const scheme = (REDIS_SCHEME.exec(url) ?? ANY_SCHEME.exec(url))?.[0] ?? '';
  const rest = url.slice(scheme.length);
  const at = rest.lastIndexOf('@');
  const query = rest.indexOf('?');
  if (query !== -1 && query < at) return `${scheme}***`;
  const parameters = query === -1 ? '' : hideParameters(rest.slice(query + 1));
  const hosts = rest.slice(at + 1, query === -1 ? undefined : query);
  const shown = REDIS_SCHEME.test(scheme) ? hosts.replace(NO_PORT, ':***') : hosts;
  return `${scheme}${at === -1 ? '' : redactUserinfo(rest.slice(0, at))}${shown}${parameters}`;
}

/** A user is shown only if a password follows: alone, it may be the password. */
function redactUserinfo(userinfo: string): string {
  const user = /^([^:@/]*):./.exec(userinfo)?.[1];
  return user === undefined ? '***@' : `${user}:***@`;
}

function hideParameters(query: string): string {
  return /^tls=(?:true|false)$/.test(query) ? `?${query}` : '?***';
}
