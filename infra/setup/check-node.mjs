import { SetupError } from './setup-error.mjs';

/** Node 20.19 or newer is needed. */
export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new SetupError(
    'checking Node',
    `Expected Node 20.19 or newer; this is ${process.versions.node}. Get a newer one from https://nodejs.org.`,
  );
}
