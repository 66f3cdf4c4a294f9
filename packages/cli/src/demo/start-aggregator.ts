import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A `streamfold serve` in its own process; it ends when this process is gone. */
export interface AggregatorProcess {
  /** Address of its HTTP endpoints. */
  readonly url: string;
  /** Resolves, with a description, if it ends although it was not stopped. */
  readonly failed: Promise<string>;
  /** Sends SIGTERM, then SIGKILL if it has not ended by the deadline. Resolves when it has ended. Idempotent. */
  stop(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('../../bin/streamfold.js', import.meta.url));
/** Not inherited from our environment: they must differ, or have their default. Empty means the default. */
const OWN_SETTINGS = { STREAMFOLD_LOG_LEVEL: 'error', STREAMFOLD_CONSUMER: '', STREAMFOLD_ROLE: '' };
const STOP_DEADLINE_MS = 5_000;

/**
 * Starts an aggregator with these settings, named as their environment variables, and resolves when it listens.
 *
 * @throws {Error} if it ends before that; it has printed the reason on standard error.
 */
export async function startAggregator(
  settings: Readonly<Record<string, string>>,
): Promise<AggregatorProcess> {
  const child = fork(PROGRAM, ['serve'], {
    env: { ...process.env, ...OWN_SETTINGS, ...settings },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    detached: true, // Ctrl-C in a terminal must not reach it: we stop it ourselves
  });
  const exited = once(child, 'exit').then(([code, signal]: unknown[]) => `exit ${String(signal ?? code)}`);
  const url = await Promise.race([readUrl(child), exited.then(failStart)]);
  let stopping = false;
  return {
    url,
    failed: exited.then((how) => (stopping ? new Promise<never>(() => undefined) : how)),
    async stop() {
      stopping = true;
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

async function readUrl(child: ChildProcess): Promise<string> {
  const [message] = (await once(child, 'message')) as [{ url: string }];
  return message.url;
}

function failStart(how: string): never {
  throw new Error(`expected an aggregator to start; it ended: ${how}`);
}
