import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A TCP proxy in front of Redis that forwards replies in chunks of a few bytes. */
export interface DribblingProxy {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Starts a proxy on a free port in front of `targetPort` on this machine.
 *
 * @param nextSize returns the size of each chunk, in bytes, at least 1.
 */
export async function startDribblingProxy(
  targetPort: number,
  nextSize: () => number,
): Promise<DribblingProxy> {
  const ends = new Set<() => void>();
  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    client.setNoDelay(true);
    client.pipe(upstream);
    const end = (): void => {
      client.destroy();
      upstream.destroy();
      ends.delete(end);
    };
    ends.add(end);
    for (const socket of [client, upstream]) {
      socket.on('error', end);
      socket.on('close', end);
    }
    void (async () => {
      for await (const reply of upstream as AsyncIterable<Buffer>) {
        for (let at = 0; at < reply.length;) {
          const size = nextSize();
          client.write(reply.subarray(at, at + size));
          at += size;
          await nextTurn();
        }
      }
    })().catch(end);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.close();
      for (const end of ends) end();
      await once(server, 'close');
    },
  };
}
