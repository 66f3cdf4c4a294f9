/** Where a server, or a Sentinel, listens. */
export interface RedisAddress {
  /** A name or an IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Reachable addresses by announced ones, as `host:port`. */
export type NatMap = ReadonlyMap<string, RedisAddress>;

/** Parses `host`, `host:port` or `[IPv6]:port`; undefined if it is none of them. */
export function parseAddress(text: string, defaultPort: number | undefined): RedisAddress | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:\s]+)(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[2] ?? defaultPort);
  if (match?.[1] === undefined || !(port >= 1 && port <= 65_535)) return undefined;
  return { host: match[1].replace(/^\[|\]$/g, ''), port };
}

/** The address as in a URL. */
export function showAddress({ host, port }: RedisAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Parses `announced:port=reachable:port,…`; undefined if it is malformed, or maps an address twice. */
export function parseNatMap(text: string): NatMap | undefined {
  const map = new Map<string, RedisAddress>();
  for (const entry of text.split(',')) {
    const [announced, reachable] = entry.split('=').map((address) => parseAddress(address, undefined));
    if (announced === undefined || reachable === undefined) return undefined;
    const key = natKey(announced);
    if (map.has(key)) return undefined;
    map.set(key, reachable);
  }
  return map;
}

/** The client's name of an address: without brackets. */
function natKey({ host, port }: RedisAddress): string {
  return `${host}:${port}`;
}
