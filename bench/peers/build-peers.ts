import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MODULE = fileURLToPath(new URL('../../peers/', import.meta.url));
const OUTPUT = fileURLToPath(new URL('.', import.meta.url));

/**
 * Builds the peers of the versions in `go.mod`, through the Go module proxy. No other command does: nobody needs Go to use
 * or to test this project.
 *
 * @throws {Error} if Go is missing, or a peer cannot be built.
 */
export async function buildPeers(): Promise<void> {
  console.error('peers: building the Go consumer and statsd_exporter');
  try {
    await run('go', ['build', '-o', OUTPUT, './consumer', 'github.com/prometheus/statsd_exporter'], {
      cwd: MODULE,
    });
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    if (!isMissing) throw cause;
    throw new Error('peers: expected Go 1.26 or newer on the PATH; found none: see https://go.dev/dl', {
      cause,
    });
  }
}
