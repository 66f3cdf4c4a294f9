import type { Login } from './login.ts';
import type { ParameterFile } from './parameter-file.ts';
import type { TlsSettings } from './tls-settings.ts';
import {
  decodePart,
  type ParameterName,
  type Parameters,
  type Refuse,
  type Scheme,
} from './url-parameters.ts';

/** How to log in to the servers of a URL, and how to encrypt. */
export interface Access {
  readonly login: Login;
  /** Undefined without TLS. */
  readonly tls: TlsSettings | undefined;
  /** For the Sentinels themselves. */
  readonly sentinelLogin: Login;
  readonly sentinelTls: TlsSettings | undefined;
}

type Userinfo = Pick<Login, 'username' | 'password'>;

/** Parses `user:password`, `:password` or `user`; undefined if a %-code is malformed. */
export function parseUserinfo(userinfo: string): Userinfo | undefined {
  const colon = userinfo.indexOf(':');
  const username = decodePart(colon === -1 ? userinfo : userinfo.slice(0, colon));
  const password = decodePart(colon === -1 ? '' : userinfo.slice(colon + 1));
  if (username === undefined || password === undefined) return undefined;
  return { username: username || undefined, password: password || undefined };
}

/**
 * Sentinels have a login of their own, by default none; their TLS is that of the servers unless it is given.
 *
 * @param refuse called if parameters contradict each other.
 */
export function parseAccess(
  {
    scheme,
    userinfo,
    parameters,
  }: { readonly scheme: Scheme; readonly userinfo: Userinfo; readonly parameters: Parameters },
  refuse: Refuse,
): Access {
  const tls = scheme === 'rediss' || parameters.tls === 'true';
  const sentinelTls =
    parameters.sentinel_tls === undefined
      ? tls && scheme === 'redis-sentinel'
      : parameters.sentinel_tls === 'true';
  const login = {
    ...userinfo,
    usernameFile: fileOf(parameters, 'username_file'),
    passwordFile: fileOf(parameters, 'password_file'),
  };
  const sentinelLogin = {
    username: parameters.sentinel_username,
    password: parameters.sentinel_password,
    usernameFile: fileOf(parameters, 'sentinel_username_file'),
    passwordFile: fileOf(parameters, 'sentinel_password_file'),
  };
  checkOnce(login, 'before the host', refuse);
  checkOnce(sentinelLogin, 'in sentinel_username or sentinel_password', refuse);
  const ofServers = parseTls(parameters, '', refuse);
  const ofSentinels = { ...ofServers, ...parseTls(parameters, 'sentinel_', refuse) };
  const idle =
    (!tls && !sentinelTls && findPrefixed(parameters, 'tls_')) ||
    (!sentinelTls && findPrefixed(parameters, 'sentinel_tls_'));
  if (idle) {
    const how = idle.startsWith('tls_')
      ? 'TLS: rediss:// or tls=true'
      : 'TLS for Sentinels: tls=true or sentinel_tls=true';
    refuse(`${how}, with ${idle}`, `${idle} without it`);
  }
  return {
    login,
    tls: tls ? { ...NO_TLS_SETTINGS, ...ofServers } : undefined,
    sentinelLogin,
    sentinelTls: sentinelTls ? { ...NO_TLS_SETTINGS, ...ofSentinels } : undefined,
  };
}

const NO_TLS_SETTINGS: TlsSettings = {
  caFile: undefined,
  certFile: undefined,
  keyFile: undefined,
  serverName: undefined,
};

function fileOf(parameters: Parameters, parameter: ParameterName): ParameterFile | undefined {
  const path = parameters[parameter];
  return path === undefined ? undefined : { parameter, path };
}

function checkOnce(
  { username, password, usernameFile, passwordFile }: Login,
  where: string,
  refuse: Refuse,
): void {
  const twice =
    password !== undefined && passwordFile !== undefined
      ? passwordFile
      : username !== undefined && usernameFile !== undefined
        ? usernameFile
        : undefined;
  if (twice !== undefined)
    refuse(`a user and a password once each`, `one ${where} and one in ${twice.parameter}`);
}

/** Only the settings that are given. */
function parseTls(parameters: Parameters, prefix: '' | 'sentinel_', refuse: Refuse): Partial<TlsSettings> {
  const caFile = fileOf(parameters, `${prefix}tls_ca_file`);
  const certFile = fileOf(parameters, `${prefix}tls_cert_file`);
  const keyFile = fileOf(parameters, `${prefix}tls_key_file`);
  const serverName = parameters[`${prefix}tls_server_name`];
  if ((certFile === undefined) !== (keyFile === undefined)) {
    refuse(
      `${prefix}tls_cert_file and ${prefix}tls_key_file together, or neither`,
      `only ${(certFile ?? keyFile)?.parameter}`,
    );
  }
  return {
    ...(caFile && { caFile }),
    ...(certFile && keyFile && { certFile, keyFile }),
    ...(serverName !== undefined && { serverName }),
  };
}

function findPrefixed(parameters: Parameters, prefix: string): string | undefined {
  return Object.keys(parameters).find((name) => name.startsWith(prefix));
}
