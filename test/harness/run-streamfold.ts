import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { runProgram } from 'streamfold/run-program';

/** The program as users start it. */
export const PROGRAM = fileURLToPath(import.meta.resolve('streamfold/bin/streamfold.js'));

/** The result of a run of the program. */
export interface ProgramRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `streamfold ARGS` to its end, in this process: starting one costs more than most commands do. */
export async function runStreamfold(
  args: readonly string[],
  {
    input = '',
    env = {},
    stop = new AbortController().signal,
    listening = () => undefined,
  }: {
    input?: string;
    env?: Readonly<Record<string, string>>;
    /** Aborted to stop a command that runs until it is stopped. */
    stop?: AbortSignal;
    /** Called with the address when `serve` listens. */
    listening?: (url: string) => void;
  } = {},
): Promise<ProgramRun> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = Promise.all([text(stdout), text(stderr)]);
  const code = await runProgram({
    args,
    variables: { ...cleanEnvironment(), ...env },
    stdin: Readable.from([Buffer.from(input)]),
    stdout,
    stderr,
    stop,
    starting: () => undefined,
    listening,
  });
  stdout.end();
  stderr.end();
  const [printed, complained] = await texts;
  return { code, stdout: printed, stderr: complained };
}

/** A `streamfold serve` in this process, for tests that need no process of its own. */
export interface ServeHere {
  readonly url: string;
  /** Resolves when it has ended, with its exit code. */
  stop(): Promise<number | null>;
}

/** Runs `streamfold serve` on a free port and resolves when it listens. @throws if it ends before that. */
export async function serveHere(
  redisUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ServeHere> {
  const stop = new AbortController();
  const program = new EventEmitter();
  const listening = once(program, 'listening') as Promise<[string]>;
  const ended = runStreamfold(['serve', '--redis', redisUrl, '--port', '0'], {
    env: { STREAMFOLD_LOG_LEVEL: 'error', ...env },
    stop: stop.signal,
    listening: (url) => program.emit('listening', url),
  });
  const early = ended.then(({ code, stderr }): never => {
    throw new Error(`expected streamfold serve to listen; it ended: ${code}, ${stderr}`);
  });
  early.catch(() => undefined); // it ends later, too
  const [url] = await Promise.race([listening, early]);
  return {
    url,
    async stop() {
      stop.abort();
      return (await ended).code;
    },
  };
}

/** A `streamfold serve` in its own process. */
export interface ServeProcess {
  readonly url: string;
  readonly pid: number;
  /** Sends a signal and resolves with the exit code, or the signal that ended it. */
  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

/** Starts `streamfold serve` on a free port and resolves when it listens. @throws if it ends before that. */
export async function startServe(
  redisUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ServeProcess> {
  const child = spawn(process.execPath, [PROGRAM, 'serve', '--redis', redisUrl, '--port', '0'], {
    env: { ...cleanEnvironment(), STREAMFOLD_LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit').then(
    ([code, signal]: unknown[]) => (signal ?? code) as number | NodeJS.Signals,
  );
  const url = await Promise.race([
    once(child, 'message').then(([message]: unknown[]) => (message as { url: string }).url),
    exited.then((how) => {
      throw new Error(`expected streamfold serve to listen; it ended: ${how}`);
    }),
  ]);
  return {
    url,
    pid: child.pid ?? 0,
    kill(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

/** Our own environment without settings of Streamfold: a test must not depend on the user who runs it. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STREAMFOLD_')));
}
