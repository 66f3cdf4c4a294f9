import { join } from 'node:path';
import { findServer } from './find-server.ts';
import { startPrivateHttpServer, type PrivateHttpServer } from './private-http-server.ts';

/** Path of `promtool`. */
export function promtoolPath(): string {
  return findServer(['promtool']);
}

/**
 * Starts a Prometheus with a configuration, given as text, and resolves when it is ready. `files`, path and text, are put
 * beside the configuration, which may name them relative to itself: rules, for one. Its data are in its own directory, or in
 * `dataDirectory`, which may already hold data and is kept.
 *
 * @throws {Error} if there is none to start, or it does not come up.
 */
export function startPrivatePrometheus(
  config: string,
  { files = new Map(), dataDirectory }: { files?: ReadonlyMap<string, string>; dataDirectory?: string } = {},
): Promise<PrivateHttpServer> {
  const binary = findServer(['prometheus']);
  return startPrivateHttpServer({
    name: 'prometheus',
    files: new Map([...files, ['prometheus.yml', config]]),
    command: ({ directory, port }) => [
      binary,
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${dataDirectory ?? join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    readyPath: '/-/ready',
  });
}
