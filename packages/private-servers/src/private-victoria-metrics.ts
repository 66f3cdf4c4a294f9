import { join } from 'node:path';
import { findServer } from './find-server.ts';
import { startPrivateHttpServer, type PrivateHttpServer } from './private-http-server.ts';

/**
 * Starts a VictoriaMetrics and resolves when it is ready. It takes remote writes at `/api/v1/write`, and answers queries
 * as Prometheus does; written samples are found at once.
 *
 * @throws {Error} if there is none to start, or it does not come up.
 */
export function startPrivateVictoriaMetrics(): Promise<PrivateHttpServer> {
  const binary = findServer(['victoria-metrics', 'victoria-metrics-prod']);
  return startPrivateHttpServer({
    name: 'victoria-metrics',
    files: new Map(),
    command: ({ directory, port }) => [
      binary,
      `-storageDataPath=${join(directory, 'data')}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-memory.allowedPercent=5',
      // By default queries leave out the last 30 s.
      '-search.latencyOffset=0s',
    ],
    readyPath: '/health',
  });
}
