import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type Koa from 'koa';
import { ConfigurationError } from '@streamfold/redis';

/** A listening server and the address that it got. */
export interface HttpServer {
  readonly url: string;
  /** Stops listening, lets the requests in hand end, closes idle connections. Idempotent. */
  stop(): Promise<void>;
}

/** Limits of one server: a scraper is a well-behaved client, whoever is not must not hold it up. */
const REQUEST_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 65_000;
const MAX_HEADER_BYTES = 16_384;
const MAX_CONNECTIONS = 512;

/**
 * Listens on `host` and `port` (0: a free one).
 *
 * @throws {ConfigurationError} where the address cannot be listened on.
 */
export async function serveHttp(
  app: Koa,
  { host, port }: { host: string; port: number },
): Promise<HttpServer> {
  const handle = app.callback();
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
    void handle(request, response);
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, host, port);
  const { port: bound } = server.address() as AddressInfo;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${shownHost}:${bound}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'it is in use' : cause.message;
      reject(
        new ConfigurationError(
          `STREAMFOLD_HOST, STREAMFOLD_PORT: expected a free address; ${host}:${port}: ${why}`,
          {
            cause,
          },
        ),
      );
    });
    server.listen(port, host, resolve);
  });
}
