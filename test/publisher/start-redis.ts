import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** A private Redis that writes each command to its append-only file before it replies. */
export interface PrivateRedis {
  readonly port: number;
  readonly url: string;
  /** For looking from outside; reconnects. */
  readonly redis: Redis;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedis(): Promise<PrivateRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'streamfold-publisher-'));
  const port = await findFreePort();
  let server: ChildProcess;
  const start = async (): Promise<void> => {
    const args = ['--port', String(port), '--dir', dir, '--save', '', '--bind', '127.0.0.1'];
    server = spawn('redis-server', [...args, '--appendonly', 'yes', '--appendfsync', 'always'], { stdio: 'ignore' });
  };
  await start();
  const redis = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 20, maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  await redis.ping();
  const kill = async (): Promise<void> => {
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    redis,
    kill,
    restart: start,
    async stop() {
      redis.disconnect();
      if (server.exitCode === null && server.signalCode === null) await kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
