import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Most open connections: some dozens of scrapers, and many clients that forget to close theirs. */
const MAX_CONNECTIONS = 512;
/** Up to this number if all others are being answered. */
const RESERVED_CONNECTIONS = 64;

/**
 * Bounds the connections of a server, so that a newcomer always finds room: when there are too many, the one that has
 * been idle for longest is closed. A connection is idle unless it is being answered: kept alive after an answer, or
 * slow to send a request. So idle connections cannot lock out a probe or a scraper.
 */
export function boundConnections(server: Server): void {
  /** Idle connections, the most recently active one at the end. */
  const idle = new Set<Socket>();
  let open = 0;
  server.maxConnections = MAX_CONNECTIONS + RESERVED_CONNECTIONS;
  server.on('connection', (socket) => {
    open++;
    idle.add(socket);
    socket.once('close', () => {
      open--;
      idle.delete(socket);
    });
    const [longest] = idle;
    if (open > MAX_CONNECTIONS && longest !== socket) longest?.destroy();
  });
  server.on('request', ({ socket }, response) => {
    idle.delete(socket);
    response.once('close', () => {
      if (!socket.destroyed) idle.add(socket);
    });
  });
}
