import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { waitUntil } from './wait-until.ts';
import { cleanEnvironment, PROGRAM, type ProgramRun } from './run-streamfold.ts';

/** A running program; its standard output is not a terminal. */
export interface RunningStreamfold {
  readonly pid: number;
  /** Its standard output so far. */
  output(): string;
  /** Resolves with the first group once standard output matches. @throws if the program ends before that. */
  waitFor(pattern: RegExp): Promise<string>;
  /** Closes our end of its standard output, as `head` does. */
  closeOutput(): void;
  /** Writes to standard input. */
  write(text: string): void;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<ProgramRun>;
}

/** Starts `streamfold ARGS`, or the command that `command` makes of it. */
export function startStreamfold(
  args: readonly string[],
  {
    env = {},
    command = [process.execPath, PROGRAM],
    cwd,
    ownGroup = false,
  }: {
    env?: Readonly<Record<string, string>>;
    command?: readonly string[];
    cwd?: string;
    /** Whether it begins a process group, as a program that a shell starts does. */
    ownGroup?: boolean;
  } = {},
): RunningStreamfold {
  const [file = '', ...before] = command;
  const child = spawn(file, [...before, ...args], {
    env: { ...cleanEnvironment(), ...env },
    cwd,
    detached: ownGroup,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  child.stdin.on('error', () => undefined); // it may end without having read its input
  let over = false;
  const ended = once(child, 'close').then(() => {
    over = true;
    return { code: child.exitCode, stdout, stderr };
  });
  return {
    pid: child.pid ?? 0,
    output: () => stdout,
    async waitFor(pattern) {
      await waitUntil(`${String(pattern)} in the output`, () => {
        if (over && !pattern.test(stdout)) throw new Error(`it ended before that; stderr: ${stderr}`);
        return pattern.test(stdout);
      });
      return pattern.exec(stdout)?.[1] ?? '';
    },
    closeOutput: () => child.stdout.destroy(),
    kill: (signal) => void child.kill(signal),
    ended,
    write: (text) => void child.stdin.write(text),
  };
}
