import { readFileSync } from 'node:fs';
import { ConfigurationError, toError } from '@streamfold/redis';
import { parseKeys, type KeyRingOptions } from './key-ring.ts';

/** Variables that say how signals and ACKs are signed. */
export interface SigningEnvironment {
  /** `id:secret`, separated by commas or white space; the first one signs. */
  readonly STREAMFOLD_SIGNING_KEYS?: string | undefined;
  /** A file with the same: for secrets that are mounted. */
  readonly STREAMFOLD_SIGNING_KEYS_FILE?: string | undefined;
  /** `true`: unsigned signals and ACKs are refused. */
  readonly STREAMFOLD_REQUIRE_SIGNATURES?: string | undefined;
  /** `false`: signatures of the version before nonces are refused. */
  readonly STREAMFOLD_ACCEPT_EARLIER_SIGNATURES?: string | undefined;
}

/** Options of `joinSwarm`; unset ones are left out. */
export type SigningSettings = Required<Omit<KeyRingOptions, 'acceptEarlierSignatures'>> &
  Pick<KeyRingOptions, 'acceptEarlierSignatures'>;

/**
 * Keys and policy from the environment, for `joinSwarm`: nothing is signed if nothing is set.
 *
 * @throws {ConfigurationError} if both or an unreadable file are given, or a value is invalid; secrets are not shown.
 */
export function readSigningSettings(environment: SigningEnvironment): SigningSettings {
  const {
    STREAMFOLD_SIGNING_KEYS: text = '',
    STREAMFOLD_SIGNING_KEYS_FILE: file = '',
    STREAMFOLD_REQUIRE_SIGNATURES: required = '',
    STREAMFOLD_ACCEPT_EARLIER_SIGNATURES: earlier = '',
  } = environment;
  if (text !== '' && file !== '') {
    throw new ConfigurationError(
      'STREAMFOLD_SIGNING_KEYS, STREAMFOLD_SIGNING_KEYS_FILE: expected one of them; got both',
    );
  }
  const keys = parseKeys(file === '' ? text : readKeyFile(file));
  const requireSignatures = readBoolean('STREAMFOLD_REQUIRE_SIGNATURES', required) ?? false;
  const acceptEarlierSignatures = readBoolean('STREAMFOLD_ACCEPT_EARLIER_SIGNATURES', earlier);
  if (requireSignatures && keys.length === 0) {
    throw new ConfigurationError('STREAMFOLD_REQUIRE_SIGNATURES: expected keys too; got none');
  }
  return {
    keys,
    requireSignatures,
    ...(acceptEarlierSignatures === undefined ? {} : { acceptEarlierSignatures }),
  };
}

function readBoolean(name: string, value: string): boolean | undefined {
  if (value === '') return undefined;
  if (value === 'true' || value === 'false') return value === 'true';
  throw new ConfigurationError(`${name}: expected true or false; got ${JSON.stringify(value)}`);
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, ''); // some editors put it before a text
  } catch (cause) {
    const why = toError(cause).message;
    throw new ConfigurationError(`STREAMFOLD_SIGNING_KEYS_FILE: expected a file to read; got ${why}`, {
      cause,
    });
  }
}
