import { spawn } from 'node:child_process';
import { once } from 'node:events';
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
  { input = '', env = {} }: { input?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<ProgramRun> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = Promise.all([text(stdout), text(stderr)]);
  const code = await runProgram({
    args,
    variables: { ...cleanEnvironment(), ...env },
    stdin: Readable.from([Buffer.from(input)]),
    stdout,
    stderr,
    stop: new AbortController().signal,
    starting: () => undefined,
  });
  stdout.end();
  stderr.end();
  const [printed, complained] = await texts;
  return { code, stdout: printed, stderr: complained };
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
