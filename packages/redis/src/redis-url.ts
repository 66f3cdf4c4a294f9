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

/** The error of a URL: `came` is shown as what arrived, by default the URL without its password. */
type Bad = (came?: string, expected?: string) => ConfigurationError;

type Scheme = (typeof SCHEMES)[number];

const SCHEMES = ['redis', 'rediss', 'redis-sentinel', 'redis-cluster'] as const;

/** The URL forms that are understood, for error texts. */
export const URL_FORMS =
  'redis://host:port, rediss://host:port, redis-sentinel://host:port,host:port/master-name or redis-cluster://host:port,host:port';

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;

const URL_PATTERN =
  /^(redis|rediss|redis-sentinel|redis-cluster):\/\/(?:([^@/]*)@)?([^/?@]+)(?:\/([^?]*))?(?:\?(.*))?$/;

/**
 * Parses `redis://`, `rediss://` (TLS), `redis-sentinel://a:26379,b:26379/master-name` or
 * `redis-cluster://a:6379,b:6379`, each with optional `user:password@`; `?tls=true` for the last two.
 *
 * @param option the name of the option that holds the URL.
 * @throws {ConfigurationError} if the URL is none of these, or has a parameter other than `tls`. The text holds no password.
 */
export function parseRedisUrl(url: string, option = 'Redis URL'): RedisTarget {
  const bad = (came = JSON.stringify(redactUrl(url)), expected = URL_FORMS): ConfigurationError =>
    new ConfigurationError(`expected ${expected}; got ${came}`, { options: [option] });
  if (typeof url !== 'string') throw bad(String(url)); // a caller without types may pass anything
  const match = URL_PATTERN.exec(url);
  if (match === null) throw bad();
  const [, name = '', userinfo = '', hosts = '', path = '', query = ''] = match;
  const scheme = SCHEMES.find((known) => known === name);
  if (scheme === undefined) throw bad();
  const defaultPort = scheme === 'redis-sentinel' ? SENTINEL_PORT : REDIS_PORT;
  const nodes = hosts.split(',').map((host) => parseAddress(host, defaultPort, bad));
  const single = scheme === 'redis' || scheme === 'rediss';
  const masterName = scheme === 'redis-sentinel' ? path : undefined;
  const database = single && path !== '' ? path : '0';
  if (!/^\d{1,5}$/.test(database) || masterName === '' || (single && nodes.length > 1)) throw bad();
  const tls = parseParameters(query, bad) || scheme === 'rediss';
  return { scheme, nodes, masterName, ...parseUserinfo(userinfo, bad), db: Number(database), tls };
}

function parseAddress(text: string, defaultPort: number, bad: Bad): RedisAddress {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:\s]+)(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[2] ?? defaultPort);
  if (match?.[1] === undefined || port < 1 || port > 65_535) throw bad();
  return { host: match[1].replace(/^\[|\]$/g, ''), port };
}

/** True if they ask for TLS. */
function parseParameters(query: string, bad: Bad): boolean {
  let tls = false;
  for (const [name, value] of new URLSearchParams(query)) {
    if (name !== 'tls' || (value !== 'true' && value !== 'false')) {
      const hint =
        name === 'tls' ? '' : '; user and password stand before the host, as in redis://user:password@host';
      const came = JSON.stringify(name === 'tls' ? `tls=${value}` : name);
      throw bad(`${came}${hint}`, 'no parameter but tls=true or tls=false');
    }
    tls = value === 'true';
  }
  return tls;
}

function parseUserinfo(userinfo: string, bad: Bad): Pick<RedisTarget, 'username' | 'password'> {
  const colon = userinfo.indexOf(':');
  try {
    const username = decodeURIComponent(colon === -1 ? userinfo : userinfo.slice(0, colon));
    const password = colon === -1 ? '' : decodeURIComponent(userinfo.slice(colon + 1));
    return { username: username || undefined, password: password || undefined };
  } catch {
    throw bad(); // no cause: it would quote the password
  }
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
