import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findFreePort } from './free-port.ts';
import { startGuarded, type GuardedProcess } from './guarded-process.ts';
import { waitFor } from './wait-for.ts';

/** A private server that speaks HTTP on a free port of 127.0.0.1 and ends with this process. */
export interface PrivateHttpServer {
  readonly url: string;
  /** Directory of its configuration, data and log. */
  readonly directory: string;
  /** Ends it and removes its directory. Idempotent. */
  stop(): Promise<void>;
}

/** What to start, and when it is ready. */
export interface HttpServerPlan {
  readonly name: string;
  /** Files to be written into its directory before it starts: path in it, and text. */
  readonly files: ReadonlyMap<string, string>;
  /** Its command line. */
  readonly command: (place: { readonly directory: string; readonly port: number }) => readonly string[];
  /** The path that answers 200 once it is ready. */
  readonly readyPath: string;
}

const READY_DEADLINE_MS = 30_000;
/** Between finding a free port and listening on it another process may take it. */
const PORT_TRIES = 5;

/**
 * Starts it in a new directory, and resolves when it is ready.
 *
 * @throws {Error} if it does not come up; the text holds the end of its log.
 */
export async function startPrivateHttpServer(plan: HttpServerPlan): Promise<PrivateHttpServer> {
  const directory = await mkdtemp(join(tmpdir(), `streamfold-${plan.name}-`));
  for (const [path, content] of plan.files) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  for (let tries = 1; ; tries++) {
    const port = await findFreePort();
    const url = `http://127.0.0.1:${port}`;
    try {
      const server = await startReady(plan, { directory, port, url });
      const stop = async (): Promise<void> => {
        await server.end('SIGKILL');
        await rm(directory, { recursive: true, force: true });
      };
      return { url, directory, stop };
    } catch (error) {
      const isTaken = error instanceof Error && error.message.includes('address already in use');
      if (isTaken && tries < PORT_TRIES) continue;
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }
}

async function startReady(
  { name, command, readyPath }: HttpServerPlan,
  { directory, port, url }: { directory: string; port: number; url: string },
): Promise<GuardedProcess> {
  const logFile = join(directory, `${name}-${port}.log`);
  const server = await startGuarded(command({ directory, port }), { logFile, directory });
  try {
    await waitFor(`${name} to be ready`, () => answersOk(`${url}${readyPath}`), {
      deadlineMs: READY_DEADLINE_MS,
      isHopeless: () => (server.runs() ? undefined : 'it has ended'),
    });
    return server;
  } catch (cause) {
    await server.end('SIGKILL');
    const log = (await readFile(logFile, 'utf8').catch(() => '')).slice(-1_000);
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}; its log ends with:\n${log}`, {
      cause,
    });
  }
}

async function answersOk(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
