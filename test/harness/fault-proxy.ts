import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy in front of Redis that breaks connections as networks do, when a test says so. */
export interface FaultProxy {
  readonly port: number;
  /** `redis://` with its address. */
  readonly url: string;
  /**
   * Stops forwarding on the current connections, in both directions, and keeps both ends open: a host that is gone, a NAT
   * entry that is lost. New connections work, unless `newOnes`: then they are accepted, but silent too.
   */
  silence(options?: { readonly newOnes?: boolean }): void;
  /** New connections work again. Silent connections stay silent. */
  restore(): void;
  /** New connections lead to another server from now on; current ones stay where they are. */
  leadTo(port: number): void;
  /** Cuts all connections at both ends. */
  cut(): void;
  /** Cuts all connections at the client's end only: for the server they still exist. */
  cutClients(): void;
  /** Refuses new connections, until `restore`. */
  refuse(): void;
  /** Delays everything by this many ms from now on; 0: no longer. */
  delay(ms: number): void;
  /** Forwards replies at this number of bytes per second from now on; `Infinity`: as fast as possible. */
  throttle(bytesPerSecond: number): void;
  /**
   * Forwards the next request that contains `needle`, waits until the server has replied to it, drops the reply and cuts
   * the connection: the request was done, and its client does not know. Resolves after the cut.
   */
  cutAfterReply(needle: Needle): Promise<void>;
  /** Cuts the connection instead of forwarding the next request that contains `needle`: it was not done. */
  cutBeforeSend(needle: Needle): Promise<void>;
  /**
   * Holds back the next request that contains `needle` and cuts the client's connection. Resolves with a function that
   * delivers the request after all, and resolves with the beginning of the server's reply: a request that arrives late.
   */
  keepBack(needle: Needle): Promise<() => Promise<string>>;
  /**
   * Holds back the next request that contains `needle`, and leaves its connection open: for its client Redis is slow.
   * Resolves, once the request has arrived, with a function that forwards it.
   */
  holdBack(needle: Needle): Promise<() => void>;
  /** Forwards requests but no more replies on all current connections, without cutting them. */
  swallowReplies(): void;
  stop(): Promise<void>;
}

/** A part of a request by which it is recognised. */
type Needle = string | RegExp;

interface Trap {
  readonly needle: Needle;
  /** Called with the request instead of forwarding it. */
  spring(request: Buffer, pair: Pair): void;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Called with the data that the server sends. */
  onReply: (reply: Buffer) => void;
  silent: boolean;
}

/** The current state of the network. */
interface Weather {
  mode: 'open' | 'silent' | 'refusing';
  delayMs: number;
  bytesPerSecond: number;
}

/** Starts a proxy on a free port in front of `targetPort` on this machine. */
export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  const weather: Weather = { mode: 'open', delayMs: 0, bytesPerSecond: Infinity };
  let trap: Trap | undefined;
  let toPort = targetPort;

  const server = createServer((client) => {
    if (weather.mode === 'refusing') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(toPort, '127.0.0.1');
    const toServer = createLane(upstream, weather);
    const toClient = createLane(client, weather);
    const pair: Pair = { client, server: upstream, onReply: toClient, silent: false };
    pairs.add(pair);
    client.on('data', (request) => {
      if (trap === undefined || !holds(request, trap.needle)) {
        toServer(request);
        return;
      }
      const { spring } = trap;
      trap = undefined;
      spring(request, pair);
    });
    upstream.on('data', (reply) => pair.onReply(reply));
    // The other end of a silent connection does not notice the cut.
    client.on('error', () => pair.silent || upstream.destroy());
    upstream.on('error', () => pair.silent || client.destroy());
    client.on('close', () => pair.silent || upstream.end());
    upstream.on('close', () => {
      if (pair.silent) return;
      client.destroy();
      pairs.delete(pair);
    });
    if (weather.mode === 'silent') mute(pair);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const spring = <T>(
    needle: Needle,
    act: (request: Buffer, pair: Pair, resolve: (value: T) => void) => void,
  ) =>
    new Promise<T>((resolve) => {
      trap = { needle, spring: (request, pair) => act(request, pair, resolve) };
    });

  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    silence({ newOnes = false } = {}) {
      if (newOnes) weather.mode = 'silent';
      for (const pair of pairs) mute(pair);
    },
    restore() {
      weather.mode = 'open';
    },
    leadTo(to) {
      toPort = to;
    },
    cut() {
      for (const { client, server: upstream } of pairs) {
        client.destroy();
        upstream.destroy();
      }
    },
    cutClients() {
      for (const pair of pairs) {
        mute(pair);
        pair.client.destroy();
      }
    },
    refuse() {
      weather.mode = 'refusing';
    },
    delay(ms) {
      weather.delayMs = ms;
    },
    throttle(bytesPerSecond) {
      weather.bytesPerSecond = bytesPerSecond;
    },
    cutAfterReply: (needle) =>
      spring(needle, (request, pair, resolve) => {
        pair.onReply = () => {
          pair.onReply = () => undefined;
          pair.client.destroy();
          resolve();
        };
        pair.server.write(request);
      }),
    cutBeforeSend: (needle) =>
      spring(needle, (_request, { client }, resolve) => {
        client.destroy();
        resolve();
      }),
    keepBack: (needle) =>
      spring(needle, (request, { client }, resolve) => {
        client.destroy();
        resolve(async () => {
          const late = connect(toPort, '127.0.0.1');
          late.write(request);
          const [reply] = (await once(late, 'data')) as [Buffer];
          late.destroy();
          return reply.toString('latin1');
        });
      }),
    holdBack: (needle) =>
      spring(needle, (request, { server: upstream }, resolve) => resolve(() => void upstream.write(request))),
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

function holds(request: Buffer, needle: Needle): boolean {
  return typeof needle === 'string' ? request.includes(needle) : needle.test(request.toString('latin1'));
}

function mute(pair: Pair): void {
  pair.silent = true;
  pair.client.pause();
  pair.server.pause();
}

/** Writes to one end in order, with the delay and the rate of the network. */
function createLane(to: Socket, weather: Weather): (chunk: Buffer) => void {
  let freeMs = 0;
  return (chunk) => {
    const nowMs = performance.now();
    const { delayMs, bytesPerSecond } = weather;
    freeMs = Math.max(nowMs, freeMs) + (chunk.length / bytesPerSecond) * 1_000;
    const dueMs = freeMs + delayMs;
    if (dueMs <= nowMs) to.write(chunk);
    else setTimeout(() => to.writable && to.write(chunk), dueMs - nowMs);
  };
}
