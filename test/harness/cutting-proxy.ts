import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';

/** A TCP proxy in front of Redis that breaks connections at the worst moment, when told to. */
export interface CuttingProxy {
  readonly port: number;
  /**
   * Forwards the next request that holds `needle`, waits until the server has replied to it, drops the reply and cuts
   * the connection: it was done, and its client doesn't know. Resolves after the cut.
   */
  cutAfterReply(needle: string): Promise<void>;
  /** Cuts the connection instead of forwarding the next request that holds `needle`: it was not done. */
  cutBeforeSend(needle: string): Promise<void>;
  /**
   * Keeps the next request that holds `needle` back and cuts the client's connection. Resolves with a function that
   * delivers the request after all, and resolves with the beginning of the server's reply: a request that comes late.
   */
  keepBack(needle: string): Promise<() => Promise<string>>;
  /**
   * Holds the next request that holds `needle` back, and its connection as it is: for its client Redis is slow. Resolves,
   * once it has come, with a function that forwards it.
   */
  holdBack(needle: string): Promise<() => void>;
  /** Forwards requests, and no replies any more, on all connections of now, without cutting them. */
  swallowReplies(): void;
  stop(): Promise<void>;
}

interface Trap {
  readonly needle: string;
  /** Called with the request instead of its forwarding. */
  spring(request: Buffer, pair: Pair): void;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Called with what the server sends. */
  onReply: (reply: Buffer) => void;
}

/** Starts a proxy on a free port in front of `targetPort` on this machine. */
export async function startCuttingProxy(targetPort: number): Promise<CuttingProxy> {
  const pairs = new Set<Pair>();
  let trap: Trap | undefined;

  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    const pair: Pair = { client, server: upstream, onReply: (reply) => void client.write(reply) };
    pairs.add(pair);
    client.on('data', (request) => {
      if (trap === undefined || !request.includes(trap.needle)) {
        if (upstream.writable) upstream.write(request);
        return;
      }
      const { spring } = trap;
      trap = undefined;
      spring(request, pair);
    });
    upstream.on('data', (reply) => pair.onReply(reply));
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.end());
    upstream.on('close', () => {
      client.destroy();
      pairs.delete(pair);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    cutAfterReply: (needle) =>
      new Promise((resolve) => {
        trap = {
          needle,
          spring(request, pair) {
            pair.onReply = () => {
              pair.onReply = () => undefined;
              pair.client.destroy();
              resolve();
            };
            pair.server.write(request);
          },
        };
      }),
    cutBeforeSend: (needle) =>
      new Promise((resolve) => {
        trap = {
          needle,
          spring(_request, pair) {
            pair.client.destroy();
            resolve();
          },
        };
      }),
    keepBack: (needle) =>
      new Promise((resolve) => {
        trap = {
          needle,
          spring(request, { client }) {
            client.destroy();
            resolve(async () => {
              const late = connect(targetPort, '127.0.0.1');
              late.write(request);
              const [reply] = (await once(late, 'data')) as [Buffer];
              late.destroy();
              return reply.toString('latin1');
            });
          },
        };
      }),
    holdBack: (needle) =>
      new Promise((resolve) => {
        trap = {
          needle,
          spring: (request, { server: upstream }) => resolve(() => void upstream.write(request)),
        };
      }),
    swallowReplies() {
      for (const pair of pairs) pair.onReply = () => undefined;
    },
    async stop() {
      server.close();
      for (const { client, server: upstream } of pairs) {
        client.destroy();
        upstream.destroy();
      }
      await once(server, 'close');
    },
  };
}
