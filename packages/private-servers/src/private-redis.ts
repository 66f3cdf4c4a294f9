import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findServer } from './find-server.ts';
import { findFreePort } from './free-port.ts';
import { startUntilReady, type GuardedProcess } from './guarded-process.ts';

/** A private Redis on a free port of 127.0.0.1, in its own directory, that ends with this process. */
export interface PrivateRedis {
  readonly url: string;
  readonly port: number;
  readonly directory: string;
  /** Process ID of the server. */
  readonly pid: number;
  /** Sends a signal and resolves when the server has ended; its directory stays. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again, after `kill`, on the same port and with the same data. */
  restart(): Promise<void>;
  /** Ends it and removes its directory. Idempotent. */
  stop(): Promise<void>;
}

export interface PrivateRedisOptions {
  /** Keep an append-only file. Default false: nothing is kept. */
  readonly appendonly?: boolean;
  readonly appendfsync?: 'always' | 'everysec' | 'no';
  /** More arguments for the server, as on its command line. */
  readonly extraArgs?: readonly string[];
  /** Environment variables of the server, in addition to those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Between finding a free port and listening on it another process may take it. */
const PORT_TRIES = 5;

/** Path of `redis-server` or `valkey-server`: that in STREAMFOLD_TEST_SERVER, or else the one that is found. */
export function redisServerPath(): string {
  return process.env['STREAMFOLD_TEST_SERVER'] || findServer(['redis-server', 'valkey-server']);
}

/**
 * Starts a private Redis, and resolves when it answers.
 *
 * @throws {Error} if there is no server to start, or it does not come up; the text holds the end of its log.
 */
export async function startPrivateRedis(options: PrivateRedisOptions = {}): Promise<PrivateRedis> {
  const binary = redisServerPath();
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-redis-'));
  const { appendonly = false, appendfsync = 'everysec', extraArgs = [], environment } = options;
  const logFile = join(directory, 'redis.log');
  // prettier-ignore
  const settings = [
    '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--daemonize', 'no',
    '--appendonly', appendonly ? 'yes' : 'no', '--appendfsync', appendfsync, ...extraArgs,
  ];
  const start = (port: number): Promise<GuardedProcess> =>
    startUntilReady(
      [binary, '--port', String(port), ...settings],
      { logFile, directory, environment },
      { what: `redis-server to answer on port ${port}`, isReady: () => answersPing(port) },
    );

  let port = await findFreePort();
  let server: GuardedProcess | undefined;
  for (let tries = 1; server === undefined; tries++) {
    try {
      server = await start(port);
    } catch (error) {
      if (tries === PORT_TRIES) {
        await rm(directory, { recursive: true, force: true });
        throw error;
      }
      port = await findFreePort();
    }
  }
  let running = server;
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    directory,
    get pid() {
      return running.pid;
    },
    kill: (signal) => running.end(signal),
    async restart() {
      running = await start(port);
    },
    async stop() {
      await running.end('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** PING, without a client: this package has no dependencies. While it loads its data, Redis answers with an error. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.once('data', (chunk) => {
      resolve(chunk.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
