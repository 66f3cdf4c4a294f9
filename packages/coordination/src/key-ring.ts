import { createHmac, timingSafeEqual } from 'node:crypto';
import { checkObject, ConfigurationError } from '@streamfold/redis';
import { checkList } from './check-list.ts';

/** Why a signature is refused. */
export type SignatureFault = 'unsigned' | 'unknown_key' | 'bad_signature';

/** A signature and its key; both empty if nothing is signed. */
interface Signature {
  readonly keyId: string;
  readonly signature: string;
}

/** Signs with its first key and accepts all of its keys, so that keys can be replaced one after the other. */
export interface KeyRing {
  sign(message: readonly string[]): Signature;
  /** False if everything passes: there are no keys, and no signature is required. */
  readonly checks: boolean;
  /** True if signatures of the earlier version pass, and signals are signed in its way too. */
  readonly acceptsEarlier: boolean;
  /** `undefined` if the signature is good. Never throws, whatever its arguments. */
  check(message: readonly string[], signature: Signature): SignatureFault | undefined;
}

export interface KeyRingOptions {
  /** Several keys are valid at once while they are replaced; the first one signs. None: nothing is signed. */
  readonly keys: readonly { readonly id: string; readonly secret: string }[];
  /** Refuse unsigned signals and ACKs. Default false. */
  readonly requireSignatures?: boolean;
  /**
   * Accept signatures of the version before nonces, and sign signals in its way too, so that programs can be replaced one
   * after the other. Default true; set it to false once all of them are.
   */
  readonly acceptEarlierSignatures?: boolean;
}

/** Shortest secret, characters: 128 bits as base64. */
const SECRET_LEAST = 22;

/**
 * HMAC-SHA256 over the canonical form of a message: the JSON array of all its parts, so that no two messages have the
 * same form.
 *
 * @throws {ConfigurationError} if a key is unusable.
 * @see https://www.rfc-editor.org/rfc/rfc2104
 */
export function createKeyRing(options: KeyRingOptions): KeyRing {
  checkObject('options', options, 'keys');
  const { keys, requireSignatures = false, acceptEarlierSignatures = true } = options;
  checkList('keys', keys, 'such as [{ id: …, secret: … }]');
  for (const { id, secret } of keys) {
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(id)) {
      throw new ConfigurationError(
        `key id: expected 1 to 64 characters of A-Z a-z 0-9 _ . -; got ${JSON.stringify(id)}`,
      );
    }
    if (secret.length < SECRET_LEAST) {
      throw new ConfigurationError(
        `secret of key ${id}: expected at least ${SECRET_LEAST} characters; got ${secret.length}`,
      );
    }
  }
  if (requireSignatures && keys.length === 0) {
    throw new ConfigurationError('signatures are required: expected at least one key; got none');
  }
  const secrets = new Map(keys.map(({ id, secret }) => [id, secret]));
  const [first] = keys;
  return {
    sign(message) {
      if (first === undefined) return { keyId: '', signature: '' };
      return { keyId: first.id, signature: digest(first.secret, message).toString('base64url') };
    },
    checks: keys.length > 0,
    acceptsEarlier: acceptEarlierSignatures,
    check(message, { keyId, signature }) {
      if (signature === '') return requireSignatures ? 'unsigned' : undefined;
      const secret = secrets.get(keyId);
      if (secrets.size === 0) return undefined;
      if (secret === undefined) return 'unknown_key';
      // Compared as texts: only one of the many that decode to the same bytes is the signature.
      const given = Buffer.from(signature);
      const due = Buffer.from(digest(secret, message).toString('base64url'));
      return given.length === due.length && timingSafeEqual(given, due) ? undefined : 'bad_signature';
    },
  };
}

function digest(secret: string, message: readonly string[]): Buffer {
  return createHmac('sha256', secret).update(JSON.stringify(message)).digest();
}

/**
 * Parses keys from a variable or a file: `id:secret`, separated by commas, spaces or newlines.
 *
 * @throws {ConfigurationError} if the text does not have that form; the secrets are not shown.
 */
export function parseKeys(text: string): { id: string; secret: string }[] {
  return text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map((part, at) => {
      const colon = part.indexOf(':');
      if (colon < 1) throw new ConfigurationError(`signing key ${at + 1}: expected id:secret; got no colon`);
      return { id: part.slice(0, colon), secret: part.slice(colon + 1) };
    });
}
