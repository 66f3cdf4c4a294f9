import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from './free-port.ts';
import { startGuarded } from './guarded-process.ts';
import { redisServerPath } from './private-redis.ts';

/** A Sentinel on a free port of 127.0.0.1; it ends with this process. */
export interface PrivateSentinel {
  readonly port: number;
  readonly pid: number;
  /** Ends it and removes its directory. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a Sentinel that watches `name` at `primaryPort`, and alone decides that it is down. It may not answer yet.
 *
 * @param moreLines of its configuration.
 */
export async function startPrivateSentinel(
  name: string,
  primaryPort: number,
  moreLines: readonly string[] = [],
): Promise<PrivateSentinel> {
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-sentinel-'));
  const configuration = join(directory, 'sentinel.conf');
  const port = await findFreePort();
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${directory}`,
    `sentinel monitor ${name} 127.0.0.1 ${primaryPort} 1`,
    `sentinel down-after-milliseconds ${name} 2000`,
    `sentinel failover-timeout ${name} 20000`,
    ...moreLines,
  ];
  await writeFile(configuration, `${lines.join('\n')}\n`);
  const server = await startGuarded([redisServerPath(), configuration, '--sentinel'], {
    logFile: join(directory, 'sentinel.log'),
    directory,
  });
  return {
    port,
    pid: server.pid,
    async stop() {
      await server.end('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    },
  };
}
