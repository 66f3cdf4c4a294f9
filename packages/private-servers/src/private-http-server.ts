import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findFreePort } from './free-port.ts';
import { startUntilReady } from './guarded-process.ts';

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
      const logFile = join(directory, `${plan.name}-${port}.log`);
      const server = await startUntilReady(
        plan.command({ directory, port }),
        { logFile, directory },
        { what: `${plan.name} to be ready`, isReady: () => answersOk(`${url}${plan.readyPath}`) },
      );
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

async function answersOk(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
