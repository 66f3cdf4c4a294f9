import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type Koa from 'koa';
import { ConfigurationError } from '@streamfold/redis';
import { boundConnections } from './bound-connections.ts';

/** A listening server and the address that it got. */
export interface HttpServer {
  readonly url: string;
  /** Stops listening, gives open requests a short time to end, and closes all connections. Idempotent. */
  stop(): Promise<void>;
}

/** Limits of one server: a client that behaves badly must not hold up the others. */
const REQUEST_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 65_000;
const LIMITS = {
  maxHeaderSize: 16_384,
  /** Interval of the check whether a client has exceeded the times above, ms; Node's default is 30 s. */
  connectionsCheckingInterval: 1_000,
};
/** Time that open requests have to end when the server stops. */
const LAST_REQUESTS_MS = 3_000;
/** A connection that becomes idle while the server stops is closed within this time; scrapers keep theirs open. */
const CLOSE_IDLE_MS = 25;

/**
 * Listens on `host` and `port` (0: a free one).
 *
 * @throws {ConfigurationError} if it cannot listen on the address.
 */
export async function serveHttp(
  app: Koa,
  { host, port }: { host: string; port: number },
): Promise<HttpServer> {
  const handle = app.callback();
  const server = createServer(LIMITS, (request, response) => {
    void handle(request, response);
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  boundConnections(server);
  await listen(server, host, port);
  const { port: bound } = server.address() as AddressInfo;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${shownHost}:${bound}`,
    stop: () => stopServer(server),
  };
}

async function stopServer(server: Server): Promise<void> {
  const closeIdle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_MS);
  const closeAll = setTimeout(() => server.closeAllConnections(), LAST_REQUESTS_MS);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  clearInterval(closeIdle);
  clearTimeout(closeAll);
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'it is in use' : cause.message;
      reject(
        new ConfigurationError(`expected a free address; ${host}:${port}: ${why}`, {
          cause,
          options: ['host', 'port'],
        }),
      );
    });
    server.listen(port, host, resolve);
  });
}
