import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findServer } from './find-server.ts';
import { findFreePort } from './free-port.ts';
import { startGuarded } from './guarded-process.ts';
import { waitFor } from './wait-for.ts';

/** A Prometheus of one's own, on a free port of 127.0.0.1, gone when this process is. */
export interface PrivatePrometheus {
  readonly url: string;
  readonly directory: string;
  /** Ends it and removes its directory. Idempotent. */
  stop(): Promise<void>;
}

const READY_DEADLINE_MS = 20_000;

/** Path of `promtool`. */
export function promtoolPath(): string {
  return findServer(['promtool']);
}

/**
 * Starts Prometheus with a configuration, given as text, and resolves when it is ready.
 *
 * @throws {Error} where there is none to start, or it does not come up.
 */
export async function startPrivatePrometheus(config: string): Promise<PrivatePrometheus> {
  const binary = findServer(['prometheus']);
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-prometheus-'));
  const logFile = join(directory, 'prometheus.log');
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  await writeFile(join(directory, 'prometheus.yml'), config);
  const server = await startGuarded(
    [
      binary,
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { logFile, directory },
  );
  const stop = async (): Promise<void> => {
    await server.end('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await waitFor('prometheus to be ready', () => isReady(url), {
      deadlineMs: READY_DEADLINE_MS,
      isHopeless: () => (server.runs() ? undefined : 'it has ended'),
    });
  } catch (cause) {
    const log = (await readFile(logFile, 'utf8').catch(() => '')).slice(-1_000);
    await stop();
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}; its log ends with:\n${log}`, {
      cause,
    });
  }
  return { url, directory, stop };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/-/ready`)).ok;
  } catch {
    return false;
  }
}
