import { join } from 'node:path';
import { findServer } from './find-server.ts';
import { startPrivateHttpServer, type PrivateHttpServer } from './private-http-server.ts';

/** Path of `amtool`. */
export function amtoolPath(): string {
  return findServer(['amtool']);
}

/**
 * Starts an Alertmanager with a configuration, given as text, and resolves when it is ready. It is alone: no cluster.
 * `files`, path and text, are put beside the configuration.
 *
 * @throws {Error} if there is none to start, or it does not come up.
 */
export function startPrivateAlertmanager(
  config: string,
  { files = new Map() }: { files?: ReadonlyMap<string, string> } = {},
): Promise<PrivateHttpServer> {
  const binary = findServer(['alertmanager', 'prometheus-alertmanager']);
  return startPrivateHttpServer({
    name: 'alertmanager',
    files: new Map([...files, ['alertmanager.yml', config]]),
    command: ({ directory, port }) => [
      binary,
      `--config.file=${join(directory, 'alertmanager.yml')}`,
      `--storage.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ],
    readyPath: '/-/ready',
  });
}
