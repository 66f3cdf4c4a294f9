import { getPriority, setPriority } from 'node:os';
import { runProgram } from './run-program.ts';

// The entry point: the only place that knows the process and its signals.

/** True for a command that runs until it is stopped: a signal stops it gracefully. Others end at once. */
let lasting = false;

/** Exit codes that a shell expects from a program that a signal ended. */
const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * One Ctrl-C can arrive twice: the terminal sends it to all processes of its group, and npm, one of them, forwards it. A
 * second one within this time is the same request.
 */
const SAME_REQUEST_MS = 500;

/**
 * The niceness of background commands: others that need the processor get three times as much of it. Not 10, which leaves them a
 * ninth: on an overloaded machine a rebuild would then hold the entries that it has read for too long to catch up.
 */
const BACKGROUND_NICENESS = 5;

/** Other programs that need the processor get more of it, as with `nice`. It has no effect while a processor is free. */
function yieldProcessor(): void {
  try {
    if (getPriority() < BACKGROUND_NICENESS) setPriority(BACKGROUND_NICENESS);
  } catch {
    // Some containers forbid the call: the command then runs at the priority with which it was started.
  }
}

const stop = new AbortController();
let stoppedAtMs = 0;
const interrupt = (signal: keyof typeof SIGNAL_EXIT_CODES): void => {
  if (!lasting) process.exit(SIGNAL_EXIT_CODES[signal]);
  if (!stop.signal.aborted) {
    stoppedAtMs = performance.now();
    stop.abort();
  } else if (performance.now() - stoppedAtMs > SAME_REQUEST_MS) {
    process.exit(SIGNAL_EXIT_CODES[signal]); // asked twice: now
  }
};
const loseParent = (): void => interrupt('SIGTERM');
process.on('SIGINT', interrupt);
process.on('SIGTERM', interrupt);
process.once('disconnect', loseParent); // a parent that started us with a channel is gone
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (!lasting) process.exit(0); // the reader closed the pipe
  stop.abort();
});

process.exitCode = await runProgram({
  args: process.argv.slice(2),
  variables: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  stop: stop.signal,
  starting: (command) => {
    lasting = command.lasting;
    if (command.background) yieldProcessor();
  },
  listening: (url) => process.send?.({ url }),
});
process.removeListener('disconnect', loseParent);
if (process.connected) process.disconnect();
