import { ConfigurationError } from './configuration-error.ts';
import { parseAddress, parseNatMap, showAddress, type NatMap, type RedisAddress } from './redis-address.ts';
import { parseAccess, parseUserinfo, type Access } from './url-access.ts';
import {
  decodePart,
  parseParameters,
  redactParameters,
  SCHEMES,
  type Refuse,
  type Scheme,
} from './url-parameters.ts';

/** The parts of a Redis URL. */
export interface RedisTarget extends Access {
  readonly scheme: Scheme;
  /** Servers or Sentinels; empty for a Unix socket. */
  readonly nodes: readonly RedisAddress[];
  /** Of a Unix socket. */
  readonly socketPath: string | undefined;
  /** Of a primary that Sentinels watch. */
  readonly masterName: string | undefined;
  readonly db: number;
  /** Reachable addresses of the servers, by those that Sentinels or the Cluster announce. */
  readonly natMap: NatMap | undefined;
}

/** The URL forms that are understood, for error texts. */
export const URL_FORMS =
  'redis://host:port, rediss://host:port, unix:///path, redis-sentinel://host:port,host:port/master-name or redis-cluster://host:port,host:port';

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;

const URL_PATTERN =
  /^(redis|rediss|redis-sentinel|redis-cluster):\/\/(?:([^@/]*)@)?([^/?@]+)(?:\/([^?]*))?(?:\?(.*))?$/;
const UNIX_PATTERN = /^(unix):\/\/(?:([^@/]*)@)?(\/[^?]+)()(?:\?(.*))?$/;

/**
 * Parses `redis://`, `rediss://` (TLS), `unix:///path`, `redis-sentinel://a:26379,b:26379/master-name` or
 * `redis-cluster://a:6379,b:6379`, each with optional `user:password@` and parameters, as in `?tls_ca_file=/path`. Files are
 * not read.
 *
 * @param option the name of the option that holds the URL.
 * @throws {ConfigurationError} if the URL is none of these, or a parameter is unknown or unusable. The text holds no password.
 */
export function parseRedisUrl(url: string, option = 'Redis URL'): RedisTarget {
  const refuse: Refuse = (expected, got) => {
    throw new ConfigurationError(`expected ${expected}; got ${got}`, { options: [option] });
  };
  if (typeof url !== 'string') refuse(URL_FORMS, String(url)); // a caller without types may pass anything
  const refuseUrl = (): never => refuse(URL_FORMS, JSON.stringify(redactUrl(url)));
  const match = URL_PATTERN.exec(url) ?? UNIX_PATTERN.exec(url) ?? refuseUrl();
  const [, name = '', userinfo = '', place = '', path = '', query = ''] = match;
  const scheme = SCHEMES.find((known) => known === name) ?? refuseUrl();
  const parameters = parseParameters(query, scheme, refuse);
  const single = scheme === 'redis' || scheme === 'rediss';
  const masterName = scheme === 'redis-sentinel' ? path : undefined;
  const defaultPort = scheme === 'redis-sentinel' ? SENTINEL_PORT : REDIS_PORT;
  const nodes =
    scheme === 'unix' ? [] : place.split(',').map((host) => parseAddress(host, defaultPort) ?? refuseUrl());
  const database = (scheme === 'unix' ? parameters.db : single ? path : '') || '0';
  if (!/^\d{1,5}$/.test(database) || masterName === '' || (single && nodes.length > 1)) refuseUrl();
  return {
    scheme,
    nodes,
    socketPath: scheme === 'unix' ? (decodePart(place) ?? refuseUrl()) : undefined,
    masterName,
    db: Number(database),
    ...parseAccess({ scheme, userinfo: parseUserinfo(userinfo) ?? refuseUrl(), parameters }, refuse),
    natMap:
      parameters.nat_map === undefined
        ? undefined
        : (parseNatMap(parameters.nat_map) ??
          refuse(
            'announced:port=reachable:port, separated by commas, in nat_map',
            JSON.stringify(parameters.nat_map),
          )),
  };
}

/** Name of a connection in error texts: the URL without user, password and parameters. */
export function describeTarget({ scheme, nodes, socketPath, masterName, db }: RedisTarget): string {
  if (socketPath !== undefined) return `unix://${socketPath}${db === 0 ? '' : `?db=${db}`}`;
  const hosts = nodes.map(showAddress).join(',');
  const path = masterName ?? (db === 0 ? undefined : String(db));
  return `${scheme}://${hosts}${path === undefined ? '' : `/${path}`}`;
}

const REDIS_SCHEME = /^rediss?(?:-[a-z]+)?:\/{0,2}/;
/** A colon and what follows it up to the next host, unless it is a port; the colons of an IPv6 address stay. */
const NO_PORT = /(?<=^|[^:]):(?!\d{1,5}(?:[,/]|$))[^,/\]]+(?=[,/]|$)/g;
const ANY_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//;

/**
 * The URL without its password, for logs and error texts. Of a URL that is malformed, whatever may be a password is
 * hidden: all before the last `@`, unknown parameters, and what stands in place of a port.
 */
export function redactUrl(url: string): string {
  const scheme = (REDIS_SCHEME.exec(url) ?? ANY_SCHEME.exec(url))?.[0] ?? '';
  const rest = url.slice(scheme.length);
  const at = rest.lastIndexOf('@');
  const query = rest.indexOf('?');
  if (query !== -1 && query < at) return `${scheme}***`;
  const parameters = query === -1 ? '' : `?${redactParameters(rest.slice(query + 1))}`;
  const hosts = rest.slice(at + 1, query === -1 ? undefined : query);
  const shown = REDIS_SCHEME.test(scheme) ? hosts.replace(NO_PORT, ':***') : hosts;
  return `${scheme}${at === -1 ? '' : redactUserinfo(rest.slice(0, at))}${shown}${parameters}`;
}

/** A user is shown only if a password follows: alone, it may be the password. */
function redactUserinfo(userinfo: string): string {
  const user = /^([^:@/]*):./.exec(userinfo)?.[1];
  return user === undefined ? '***@' : `${user}:***@`;
}
