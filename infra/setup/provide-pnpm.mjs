import { fetchPacked } from './fetch-packed.mjs';
import { SetupError } from './setup-error.mjs';

const STEP = 'installing dependencies';
const PATTERN = /^pnpm@(\d+\.\d+\.\d+)\+sha512\.([0-9a-f]{128})$/;

/**
 * The packed pnpm that `packageManager` of package.json names, as the path of a file with the SHA-512 given there. It is
 * fetched with npm once, and checked each time.
 *
 * @throws {SetupError} if it cannot be fetched, or is another one.
 */
export async function providePnpm(packageManager) {
  const [, version, sha512] = PATTERN.exec(packageManager) ?? [];
  if (sha512 === undefined)
    throw new SetupError(
      STEP,
      `package.json: expected packageManager pnpm@x.y.z+sha512.<hex>; got ${packageManager}`,
    );
  return fetchPacked({ name: 'pnpm', version, sha512, step: STEP, pinnedIn: 'package.json' });
}
