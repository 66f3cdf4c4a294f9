import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { waitFor } from './wait-for.ts';

/** A server process that cannot outlive this process. */
export interface GuardedProcess {
  /** Process ID of the server itself. */
  readonly pid: number;
  /** Sends a signal to the server, and resolves when it has ended. Idempotent. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** True until the server has ended. */
  runs(): boolean;
}

/**
 * The guard: it starts the server, prints its pid, and reads its own input. The input ends when we die, even by SIGKILL: then
 * it kills the server and removes the directory. On the line `wait` it lets the server be ended in another way. The server's
 * output goes to a file: a process that waits for the end of our output must not wait for the server.
 */
const GUARD = `
  log=$1 directory=$2
  shift 2
  "$@" >>"$log" 2>&1 </dev/null &
  server=$!
  echo "$server"
  if read -r _; then
    wait "$server"
  else
    kill -9 "$server"
    wait "$server"
    [ -z "$directory" ] || rm -rf "$directory"
  fi
`;

export interface GuardOptions {
  readonly logFile: string;
  readonly directory?: string | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

/** A server has this long to become ready. */
const READY_DEADLINE_MS = 30_000;

/**
 * Starts `command` under a guard, and resolves when `isReady`.
 *
 * @param what the condition in words: `redis-server to answer`.
 * @throws {Error} if it does not become ready; the text holds the end of its log.
 */
export async function startUntilReady(
  command: readonly string[],
  options: GuardOptions,
  { what, isReady }: { readonly what: string; readonly isReady: () => Promise<boolean> },
): Promise<GuardedProcess> {
  const server = await startGuarded(command, options);
  try {
    await waitFor(what, isReady, {
      deadlineMs: READY_DEADLINE_MS,
      isHopeless: () => (server.runs() ? undefined : 'it has ended'),
    });
    return server;
  } catch (cause) {
    await server.end('SIGKILL');
    const log = (await readFile(options.logFile, 'utf8').catch(() => '')).slice(-1_000);
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}; its log ends with:\n${log}`, {
      cause,
    });
  }
}

/**
 * Starts `command` under a guard, with the variables of `environment` beside those of this process. If `directory` is given,
 * it is removed when this process dies.
 */
export async function startGuarded(
  command: readonly string[],
  { logFile, directory = '', environment = {} }: GuardOptions,
): Promise<GuardedProcess> {
  const guard = spawn('sh', ['-c', GUARD, 'streamfold-guard', logFile, directory, ...command], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, ...environment },
    detached: true, // Ctrl-C in a terminal must not reach it: we end the server ourselves
  });
  let running = true;
  const ended = once(guard, 'exit').then(() => {
    running = false;
  });
  const pid = await readPid(guard);
  for (const handle of [guard, guard.stdin as Socket | null, guard.stdout as Socket | null]) handle?.unref();
  return {
    pid,
    async end(signal) {
      if (!running) return;
      guard.ref();
      guard.stdin.end('wait\n');
      try {
        process.kill(pid, signal);
      } catch {
        // it has ended by itself
      }
      await ended;
    },
    runs: () => running && isAlive(pid),
  };
}

async function readPid(guard: ChildProcess): Promise<number> {
  let text = '';
  for await (const chunk of guard.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return Number(text.trim());
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch {
    return false;
  }
}

/** Ended, but not yet waited for by the guard; if the system does not report it, it counts as alive. */
function isZombie(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
  } catch {
    return false;
  }
}
