import { readFileSync } from 'node:fs';
import { ConfigurationError } from '@streamfold/redis';
import { parseKeys, type KeyRingOptions } from './key-ring.ts';

/** Variables that say how signals and ACKs are signed. */
export interface SigningEnvironment {
  /** `id:secret`, separated by commas or white space; the first one signs. */
  readonly STREAMFOLD_SIGNING_KEYS?: string | undefined;
  /** A file with the same: for secrets that are mounted. */
  readonly STREAMFOLD_SIGNING_KEYS_FILE?: string | undefined;
  /** `true`: what is not signed is refused. */
  readonly STREAMFOLD_REQUIRE_SIGNATURES?: string | undefined;
}

/**
 * Keys and policy out of the environment, for `joinSwarm`: nothing is signed where nothing is set.
 *
 * @throws {ConfigurationError} where both or an unreadable file are given, or a value is not as it must be; secrets are
 *   not shown.
 */
export function readSigningSettings(environment: SigningEnvironment): Required<KeyRingOptions> {
  const {
    STREAMFOLD_SIGNING_KEYS: text = '',
    STREAMFOLD_SIGNING_KEYS_FILE: file = '',
    STREAMFOLD_REQUIRE_SIGNATURES: required = 'false',
  } = environment;
  if (text !== '' && file !== '') {
    throw new ConfigurationError(
      'STREAMFOLD_SIGNING_KEYS, STREAMFOLD_SIGNING_KEYS_FILE: expected one of them; got both',
    );
  }
  if (required !== 'true' && required !== 'false' && required !== '') {
    throw new ConfigurationError(
      `STREAMFOLD_REQUIRE_SIGNATURES: expected true or false; got ${JSON.stringify(required)}`,
    );
  }
  const keys = parseKeys(file === '' ? text : readKeyFile(file));
  const requireSignatures = required === 'true';
  if (requireSignatures && keys.length === 0) {
    throw new ConfigurationError('STREAMFOLD_REQUIRE_SIGNATURES: expected keys too; got none');
  }
  return { keys, requireSignatures };
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, ''); // some editors put it before a text
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigurationError(`STREAMFOLD_SIGNING_KEYS_FILE: expected a file to read; got ${why}`, {
      cause,
    });
  }
}
