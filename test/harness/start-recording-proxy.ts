import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** An HTTP proxy that keeps requests and answers. */
export interface RecordingProxy {
  /** `host:port`, as a scrape target. */
  readonly target: string;
  readonly exchanges: readonly Exchange[];
  stop(): Promise<void>;
}

interface Exchange {
  readonly path: string;
  readonly status: number;
  readonly accept: string;
  readonly contentType: string;
}

/** Starts a proxy in front of `url`; `accept` rewrites the Accept header. */
export async function startRecordingProxy(
  url: string,
  accept: (header: string) => string = (header) => header,
): Promise<RecordingProxy> {
  const exchanges: Exchange[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const asked = request.headers.accept ?? '';
    fetch(`${url}${path}`, { headers: { accept: accept(asked) } })
      .then(async (reply) => {
        const contentType = reply.headers.get('content-type') ?? '';
        exchanges.push({ path, status: reply.status, accept: asked, contentType });
        response.writeHead(reply.status, { 'content-type': contentType }).end(await reply.text());
      })
      .catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    exchanges,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
