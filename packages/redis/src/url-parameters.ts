/** The schemes of a Redis URL. */
export const SCHEMES = ['redis', 'rediss', 'unix', 'redis-sentinel', 'redis-cluster'] as const;

export type Scheme = (typeof SCHEMES)[number];

const ALL: readonly Scheme[] = SCHEMES;
const NETWORK: readonly Scheme[] = ['redis', 'rediss', 'redis-sentinel', 'redis-cluster'];
const SENTINEL: readonly Scheme[] = ['redis-sentinel'];

/** What a parameter holds. Of a `secret` nothing is ever shown. */
type Kind = 'number' | 'boolean' | 'path' | 'secret path' | 'text' | 'secret' | 'addresses';

/** Every parameter, its kind, and the schemes that may have it. */
const PARAMETERS = {
  db: { kind: 'number', schemes: ['unix'] },
  username_file: { kind: 'path', schemes: ALL },
  password_file: { kind: 'secret path', schemes: ALL },
  tls: { kind: 'boolean', schemes: NETWORK },
  tls_ca_file: { kind: 'path', schemes: NETWORK },
  tls_cert_file: { kind: 'path', schemes: NETWORK },
  tls_key_file: { kind: 'path', schemes: NETWORK },
  tls_server_name: { kind: 'text', schemes: NETWORK },
  nat_map: { kind: 'addresses', schemes: ['redis-sentinel', 'redis-cluster'] },
  sentinel_username: { kind: 'text', schemes: SENTINEL },
  sentinel_password: { kind: 'secret', schemes: SENTINEL },
  sentinel_username_file: { kind: 'path', schemes: SENTINEL },
  sentinel_password_file: { kind: 'secret path', schemes: SENTINEL },
  sentinel_tls: { kind: 'boolean', schemes: SENTINEL },
  sentinel_tls_ca_file: { kind: 'path', schemes: SENTINEL },
  sentinel_tls_cert_file: { kind: 'path', schemes: SENTINEL },
  sentinel_tls_key_file: { kind: 'path', schemes: SENTINEL },
  sentinel_tls_server_name: { kind: 'text', schemes: SENTINEL },
} as const satisfies Record<string, { readonly kind: Kind; readonly schemes: readonly Scheme[] }>;

export type ParameterName = keyof typeof PARAMETERS;

/** The values of a URL's parameters, each of its kind. */
export type Parameters = Readonly<Partial<Record<ParameterName, string>>>;

/** Reports that a URL is unusable: never returns. */
export type Refuse = (expected: string, got: string) => never;

/**
 * Parses what stands after the `?`. A `+` is a plus, not a space: paths and passwords may have one.
 *
 * @param refuse called if a parameter is unknown, does not belong to the scheme, is given twice or has a value of another
 *   kind. Its texts show no secret.
 */
export function parseParameters(query: string, scheme: Scheme, refuse: Refuse): Parameters {
  const values: Partial<Record<ParameterName, string>> = {};
  for (const part of query === '' ? [] : query.split('&')) {
    const [, rawName = '', rawValue = ''] = /^([^=]*)=?(.*)$/s.exec(part) ?? [];
    const name = findParameter(rawName);
    if (name === undefined) {
      refuse(`one of the parameters ${listParameters(scheme)}`, describeUnknown(rawName, part));
    }
    const { kind, schemes }: { kind: Kind; schemes: readonly Scheme[] } = PARAMETERS[name];
    if (!schemes.includes(scheme)) {
      refuse(`one of the parameters ${listParameters(scheme)} in a URL ${scheme}://`, name);
    }
    if (values[name] !== undefined) refuse(`the parameter ${name} once`, 'it twice');
    const value = decodePart(rawValue);
    const expected = value === undefined ? 'text with correct %-codes' : EXPECTED[kind];
    if (value === undefined || !PATTERNS[kind].test(value)) {
      refuse(`${expected} in ${name}`, showValue(kind, rawValue));
    }
    values[name] = value;
  }
  return values;
}

const EXPECTED: Readonly<Record<Kind, string>> = {
  number: 'a number of a database, from 0 to 99999,',
  boolean: 'true or false',
  path: 'the path of a file',
  'secret path': 'the path of a file, with at least one slash (./file in the current directory),',
  text: 'a text that is not empty',
  secret: 'a text that is not empty',
  addresses: 'announced:port=reachable:port, separated by commas,',
};

const PATTERNS: Readonly<Record<Kind, RegExp>> = {
  number: /^\d{1,5}$/,
  boolean: /^(?:true|false)$/,
  path: /^[^\0]+$/,
  // Without the slash it may be the secret itself.
  'secret path': /^[^\0]*\/[^\0]*$/,
  text: /./,
  secret: /./,
  addresses: /^[^=,]+=[^=,]+(?:,[^=,]+=[^=,]+)*$/,
};

function showValue(kind: Kind, value: string): string {
  if (kind === 'secret') return value === '' ? '""' : 'a text that is not shown, as it may be secret';
  if (kind === 'secret path' && !value.includes('/')) {
    return value === '' ? '""' : 'a text that is not shown, as it may be the secret itself';
  }
  return JSON.stringify(value);
}

/** The name of an unknown parameter, unless it may be a piece of a password. */
function describeUnknown(name: string, part: string): string {
  if (/^(?:user|username|password|pass|auth)$/i.test(name)) {
    return `${JSON.stringify(name)}: user and password stand before the host, as in redis://user:password@host, or in files that username_file and password_file name`;
  }
  return /^[A-Za-z_-]{1,40}=/.test(part) ? JSON.stringify(name) : 'another one';
}

/** The query for logs and error texts: of an unknown parameter, and of one that may hold a secret, neither is shown. */
export function redactParameters(query: string): string {
  const shown = query.split('&').map((part) => {
    const [, rawName = '', value = ''] = /^([^=]*)=(.*)$/s.exec(part) ?? [];
    const name = findParameter(rawName);
    if (name === undefined) return '***';
    const { kind }: { kind: Kind } = PARAMETERS[name];
    const isSecret = kind === 'secret' || (kind === 'secret path' && !value.includes('/'));
    return isSecret || !PATTERNS[kind].test(decodePart(value) ?? '') ? `${name}=***` : part;
  });
  return shown.join('&');
}

function findParameter(name: string): ParameterName | undefined {
  return Object.hasOwn(PARAMETERS, name) ? (name as ParameterName) : undefined;
}

function listParameters(scheme: Scheme): string {
  const entries: [string, { readonly schemes: readonly Scheme[] }][] = Object.entries(PARAMETERS);
  return entries
    .filter(([, { schemes }]) => schemes.includes(scheme))
    .map(([name]) => name)
    .join(', ');
}

/** The text with its %-codes replaced; undefined if one is malformed. */
export function decodePart(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
