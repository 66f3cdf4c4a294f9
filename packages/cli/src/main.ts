import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommanderError } from 'commander';
import type { Environment, ExitCode } from './environment.ts';
import { createProgram, type Choice } from './program.ts';
import { UsageError } from './usage-error.ts';

// The entry point: the only place that knows the real clock, randomness, the process and its signals.

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** True for a command that runs until it is stopped: a signal stops it gracefully. Others end at once. */
let lasting = false;

/** Exit codes that a shell expects from a program that a signal ended. */
const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * One Ctrl-C can arrive twice: the terminal sends it to all processes of its group, and npm, one of them, forwards it. A
 * second one within this time is the same request.
 */
const SAME_REQUEST_MS = 500;

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

/** Loads the parser and the Redis client only when a command runs: help needs neither. */
async function createEnvironment({ flags, taken }: Choice): Promise<Environment> {
  const { resolveConfiguration } = await import('./configuration.ts');
  return {
    configuration: resolveConfiguration(flags, process.env, taken),
    stop: stop.signal,
    write: async (written) => {
      if (!process.stdout.write(written)) await once(process.stdout, 'drain');
    },
    print: (line) => process.stdout.write(`${line}\n`),
    printError: (line) => process.stderr.write(`${line}\n`),
    terminal: process.stdout.isTTY,
    typed: process.stdin.isTTY,
    version,
    now: () => performance.now(),
    localTimeMs: () => Date.now(),
    random: Math.random,
    createId: randomUUID,
    pause: async (ms, signal) => {
      await sleep(ms, undefined, { signal }).catch(() => undefined); // aborted: the pause is over
    },
    readStdin: () => text(process.stdin),
  };
}

/** Only the help of `publish` lists them, so no other help loads the package of the events. */
async function readEventTypes(): Promise<string> {
  return process.argv.includes('publish') ? (await import('./list-event-types.ts')).listEventTypes() : '';
}

async function main(): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const program = createProgram({ version, eventTypes: await readEventTypes() }, async (choice) => {
    const environment = await createEnvironment(choice);
    lasting = choice.lasting;
    const command = await choice.load();
    exitCode = await command(environment, choice.args);
  });
  try {
    await program.parseAsync();
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // help or version was shown
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n`);
      return 2;
    }
    process.stderr.write(`streamfold: ${describeFailure(error)}\n`);
    if (process.env['STREAMFOLD_LOG_LEVEL'] === 'debug' && error instanceof Error) console.error(error.stack);
    const { ConfigurationError } = await import('@streamfold/redis'); // loaded already if one was thrown
    return error instanceof ConfigurationError ? 2 : 1;
  }
}

/** One line. If Redis refuses a command, it also names the command that lists the missing permissions. */
function describeFailure(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [line = ''] = message.split('\n');
  return /NOPERM|can't run this command/.test(line)
    ? `${line} (streamfold doctor shows which permissions are missing)`
    : line;
}

process.exitCode = await main();
process.removeListener('disconnect', loseParent);
if (process.connected) process.disconnect();
